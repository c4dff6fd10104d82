package ui

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// List renders the content of #list: the sections that have rows, or the reason why nobody is listed.
func (u *UI) List(l List) ([]byte, error) {
	var b bytes.Buffer
	b.Grow(l.size())
	err := u.WriteList(&b, l)
	return b.Bytes(), err
}

// WriteList appends the content of #list to b, as List renders it.
func (u *UI) WriteList(b *bytes.Buffer, l List) error {
	l.Sections = slices.DeleteFunc(slices.Clone(l.Sections), func(s Section) bool { return len(s.Rows) == 0 })
	name := "section"
	if l.Flat {
		name = "flat"
	}
	for _, s := range l.Sections {
		if err := u.part(b, name, l.section(s), s.Rows); err != nil {
			return err
		}
	}
	if len(l.Sections) == 0 {
		if err := u.part(b, "empty", nobody(l.Query, l.Warming)); err != nil {
			return err
		}
	}
	b.Write(l.Index)
	return nil
}

// Index renders the index of all teams, which need no rows.
func (u *UI) Index(teams []Section) ([]byte, error) {
	var b bytes.Buffer
	b.Grow(192 * len(teams))
	err := u.part(&b, "index", index(teams))
	return b.Bytes(), err
}

// Row renders one person as an <li>. The bytes depend only on r, so they may be cached and sent to every viewer.
// There's no space around the <li>, because a morph would leave such space in the list. An unknown state is an error.
func (u *UI) Row(r Row) ([]byte, error) {
	v, err := viewOf(r)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.Grow(640)
	t := u.row
	if r.Brief {
		t = u.brief
		v.Since.Text, v.Until.Text, v.SeenAt.Text = "", "", "" // the script writes them
	}
	if err := t.Execute(&b, &v); err != nil {
		return nil, fmt.Errorf("ui: render row of %s: %w", r.UID, err)
	}
	return b.Bytes(), nil
}

// viewOf returns the data of the templates for rows.
func viewOf(r Row) (rowView, error) {
	label := Label(r.State)
	if label == "" {
		return rowView{}, fmt.Errorf("ui: row of %s: unknown state %q", r.UID, r.State)
	}
	v := rowView{
		ID: listRows + r.UID, Username: r.Username, Name: r.Name, State: r.State, Team: r.Team, TeamID: TeamID(r.TeamKey),
		Hue: strconv.Itoa(Hue(r.UID)), Initials: Initials(r.Name), Label: label,
		Text: r.Text, Emoji: r.Emoji, Zone: r.Zone, Said: r.Text != "" || r.Emoji != "", Stale: r.Stale,
	}
	if r.OwnTeam {
		v.ID, v.Twin = teamRows+r.UID, true
	}
	v.Until = momentOf(r.Until, untilLayout)
	if r.State == Offline {
		v.Seen, v.SeenAt = r.Seen, momentOf(r.SeenAt.Truncate(time.Minute), seenLayout)
	} else {
		v.Since = momentOf(r.Since, sinceLayout)
	}
	return v, nil
}

// Team renders the content of #mine: the section with the viewer's own team, or nothing if it has no rows.
func (u *UI) Team(s Section) ([]byte, error) {
	if len(s.Rows) == 0 {
		return nil, nil
	}
	var b bytes.Buffer
	v := sectionView{ID: TeamID(s.Key), Heading: s.Name, Count: teamCount(s.Here, s.People), Folded: showAll(s.Here),
		Href: Query{Team: s.Name}.href()}
	err := u.part(&b, "mine", v, s.Rows)
	return b.Bytes(), err
}

// Person renders the inside of an element with the class who.
func (u *UI) Person(p Person) ([]byte, error) {
	var b bytes.Buffer
	err := u.part(&b, "person", p)
	return b.Bytes(), err
}

// Panel renders the content of #panel and a partial with the result of the last action.
func (u *UI) Panel(p Panel) ([]byte, error) {
	var b bytes.Buffer
	if err := u.part(&b, "panel", p); err != nil {
		return nil, err
	}
	f := u.NewFrame()
	f.text("me-said", p.Said)
	return append(b.Bytes(), f.Bytes()...), nil
}

// Refused renders the answer to a refused form of the panel. It shows the reason and leaves the form as it is, with
// what was typed.
func (u *UI) Refused(status int, heading, message string) []byte {
	f := u.NewFrame()
	p := ErrorPage{Status: status, Heading: heading, Message: message}
	f.text("me-said", p.Says()+". "+p.Explains())
	return f.Bytes()
}

// NewFrame returns an empty frame.
func (u *UI) NewFrame() *Frame { return &Frame{ui: u} }

// NewTeamFrame returns an empty frame.
func (u *UI) NewTeamFrame() *TeamFrame { return &TeamFrame{Frame{ui: u}} }

// MeCSS returns a small stylesheet that marks the viewer's own row and team. So the rows are the same for every viewer.
// If inTeam is false, teamID is that of the people without a team. They also come first, because the viewer is one of
// them. It also puts favorites, given by their ids, before others. It returns nothing for a uid that isn't safe in a
// selector, and leaves out such favorites.
func (u *UI) MeCSS(uid, teamID string, inTeam bool, favorites []string) []byte {
	if !inSelector(uid) {
		return nil
	}
	own := ":is(#" + listRows + uid + ",#" + teamRows + uid + ")"
	css := own + "{--you:\"you\";--mine:1;--own:var(--own-edge);--ground:var(--tint);--place:-4}\n" +
		"#" + teamRows + uid + "{display:flex}\n" + // however many others are shown
		"#mine:not(:empty)~#list #" + listRows + uid + "{--place:1}\n"
	team := "[data-team=" + teamID + "]"
	css += ".team" + team + "{order:-1}\n"
	if inTeam {
		const complete = "#mine:has(#mine-more:empty)"
		css += ".team" + team + "{--your-team:\"your team\"}\n" +
			"#mine:empty~#list .flat .p" + team + "{--place:-2}\n" +
			// Whoever is in the section above the list isn't shown in the list as well.
			complete + "~#list #people>" + team + "," + complete + "~#others:not(:has(+#list #people>:not(" + team +
			"))){display:none}\n"
	}
	var all []string
	for _, id := range favorites {
		if inSelector(id) {
			all = append(all, "#"+listRows+id, "#"+teamRows+id)
		}
	}
	if len(all) > 0 { // they are never folded away
		pinned := ":is(" + strings.Join(all, ",") + ")"
		css += pinned + "{--you:\"★\" / \"favorite\";--place:-3;--after:3}\n" + pinned +
			"[data-state=offline]{display:flex}\n"
	}
	return []byte(css)
}

// Was holds what fields of a form show that is stored. The form sends it along, so that a value that the person didn't
// change is left as it is by then.
type Was map[string]string

// Of returns what a form with some of the fields sends.
func (w Was) Of(names ...string) Was {
	some := Was{}
	for _, name := range names {
		some[name] = w[name]
	}
	return some
}

// Badge renders a badge as SVG.
func (u *UI) Badge(b Badge) ([]byte, error) {
	label := Label(b.State)
	if label == "" {
		label, b.State = "Unknown", ""
	}
	if utf8.RuneCountInString(b.Name) > maxBadge {
		b.Name = string([]rune(b.Name)[:maxBadge-1]) + "…"
	}
	name, word := badgeWidth(b.Name), badgeWidth(label)
	divider := math.Round(2*badgePad+name) + .5
	dot := divider + badgePad - .5 + badgeDot/2
	at := dot + badgeDot/2 + 5
	width := math.Ceil(at + word + badgePad)
	view := badgeView{Badge: b, Label: label, NameLength: px(name), LabelLength: px(word), Divider: px(divider), Dot: px(dot),
		LabelAt: px(at), Width: px(width), Frame: px(width - 1), Light: badgeColors[b.State][0], Dark: badgeColors[b.State][1]}
	var out bytes.Buffer
	err := u.part(&out, "badge", view)
	return out.Bytes(), err
}

// WallList renders the content of the list of a wall board: the sections with people.
func (u *UI) WallList(l List) ([]byte, error) {
	v := wallView{Headings: !l.Flat && len(l.Sections) > 1}
	var rows [][][]byte
	for _, s := range l.Sections {
		if len(s.Rows) > 0 {
			v.Sections = append(v.Sections, sectionView{ID: TeamID(s.Key), Name: s.Name, Heading: teamHeading(s.Name),
				Count: teamCount(s.Here, s.People)})
			rows = append(rows, s.Rows)
		}
	}
	v.Flat, v.Warming = l.Flat, l.Warming
	var b bytes.Buffer
	b.Grow(l.size())
	err := u.part(&b, "wall-list", v, rows...)
	return b.Bytes(), err
}

// WallRow renders one person for wall boards: without a link and a username, because readers have no account.
func (u *UI) WallRow(r Row) ([]byte, error) {
	r.Username = ""
	v, err := viewOf(r)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.Grow(512)
	if err := u.part(&b, "wall-row", v); err != nil {
		return nil, fmt.Errorf("ui: render wall row of %s: %w", r.UID, err)
	}
	return b.Bytes(), nil
}
