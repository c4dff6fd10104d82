package ui

import (
	"bytes"
	"html/template"
	"time"
)

// comingBack is shown while people reconnect after a start.
const comingBack = "People are coming back…"

// Frame gathers changes of a page into one message of the live connection.
// A page ignores what is about an element it does not have. A Frame is used by
// one goroutine; the bytes it gives may be shared.
type Frame struct {
	ui    *UI
	body  bytes.Buffer
	title string
}

// NewFrame starts an empty frame.
func (u *UI) NewFrame() *Frame { return &Frame{ui: u} }

// Empty reports whether there is nothing to send.
func (f *Frame) Empty() bool { return f.body.Len() == 0 && f.title == "" }

// Bytes returns the message. The title comes last, for it is the only part
// that is not a partial.
func (f *Frame) Bytes() []byte {
	if f.title == "" {
		return bytes.Clone(f.body.Bytes())
	}
	out := make([]byte, 0, f.body.Len()+len(f.title)+len("<title></title>"))
	out = append(out, f.body.Bytes()...)
	out = append(out, "<title>"...)
	out = append(out, template.HTMLEscapeString(f.title)...)
	return append(out, "</title>"...)
}

// Row replaces the row of one person with what UI.Row made.
func (f *Frame) Row(uid string, html []byte) { f.partial("u-"+uid, "outerMorph", html) }

// List replaces the whole list with what UI.List made. Rows that stay keep
// their elements, and with them focus and reading position.
func (f *Frame) List(html []byte) { f.partial("list", "innerMorph", html) }

// Removed takes the row of one person off the list.
func (f *Frame) Removed(uid string) { f.partial("u-"+uid, `"delete"`, nil) }

// Added puts what UI.Row made before the row of another person, or with "" at the end of a list that isn't divided by team.
// A page finds all its places before it changes anything: before must be the id of somebody it has.
func (f *Frame) Added(before string, rows ...[]byte) {
	id, swap := "u-"+before, "beforebegin"
	if before == "" {
		id, swap = "people", "beforeend"
	}
	f.partial(id, swap, bytes.Join(rows, nil))
}

// Counts sends the numbers that differ between old and now, with all every
// one of them; and, when any is sent, the sentence and the title as far as
// they differ.
func (f *Frame) Counts(old, now Counts, all bool) {
	before, after := old.each(), now.each()
	for i := range after {
		if all || before[i].text != after[i].text {
			f.text(after[i].id, after[i].text)
		}
	}
	if h := now.headline(); all || h != old.headline() {
		var b bytes.Buffer
		if err := f.ui.part(&b, "headline", h); err == nil { // tryAll has rendered it
			f.partial("headline", "innerHTML", b.Bytes())
		}
	}
	if s := summary(now); all || s != summary(old) {
		f.text("summary", s)
	}
	if all || f.ui.title(old) != f.ui.title(now) {
		f.Title(now)
	}
}

// Title sends only the title of the tab: all that a hidden tab needs.
func (f *Frame) Title(now Counts) { f.title = f.ui.title(now) }

// Team sends the count beside a team's name, and how many of its absent people are folded away.
func (f *Frame) Team(key string, here, people, absent int, search bool) {
	count := teamCount(here, people)
	if search {
		count = matchCount(people)
	}
	f.text(TeamID(key), count)
	f.text(TeamID(key)+"-more", folded(absent))
}

// Warming shows or hides that people are coming back; while it shows, the list
// is drained of colour.
func (f *Frame) Warming(on bool) {
	said := ""
	if on {
		said = comingBack
	}
	f.text("warming", said)
}

// Pager sends the links to the pages before and behind, of which p has the
// addresses.
func (f *Frame) Pager(p BoardPage) error { return f.part("pager", p) }

// Filter sends the bar that counts and filters. It is for when p has become one
// page of several, or the only one: a choice made in the bar itself is lost.
func (f *Frame) Filter(p BoardPage) error { return f.part("filter", p) }

// Arrived sends how many people came who stand on other pages.
func (f *Frame) Arrived(a Arrivals) {
	var b bytes.Buffer
	if err := f.ui.part(&b, "arrived", a); err == nil { // tryAll has rendered it
		f.partial("arrived", "outerMorph", b.Bytes())
	}
}

// part sends what one of the templates makes into the element of its name.
func (f *Frame) part(name string, p BoardPage) error {
	var b bytes.Buffer
	if err := f.ui.part(&b, name, p); err != nil {
		return err
	}
	f.partial(name, "innerMorph", b.Bytes())
	return nil
}

// Lost shows since when other servers cannot be heard, or with a zero time that
// they can again.
func (f *Frame) Lost(since time.Time) { f.partial("lost", "innerMorph", []byte(lost(since))) }

// lost is what #lost says; the own script writes the time as the clock on the
// wall shows it.
func lost(since time.Time) template.HTML {
	if since.IsZero() {
		return ""
	}
	at := since.UTC()
	return template.HTML(`<span>Live updates from other servers are paused since <time class="clock" datetime="` +
		at.Format(time.RFC3339) + `">` + at.Format("15:04") + ` UTC</time></span>`)
}

// text replaces the text of an element.
func (f *Frame) text(id, text string) {
	f.partial(id, "textContent", []byte(template.HTMLEscapeString(text)))
}

func (f *Frame) partial(id, swap string, html []byte) {
	f.body.WriteString(`<hx-partial id="`)
	template.HTMLEscape(&f.body, []byte(id))
	f.body.WriteString(`" hx-swap=` + swap + `>`)
	f.body.Write(html)
	f.body.WriteString(`</hx-partial>`)
}

// MeCSS is the small stylesheet that marks the viewer's own row, so that rows
// themselves need not differ between viewers. It is empty for a uid that could
// not stand in a selector.
func (u *UI) MeCSS(uid, teamID string) []byte {
	for _, r := range uid {
		if r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') {
			return nil
		}
	}
	if uid == "" {
		return nil
	}
	css := "#u-" + uid + "{--you:\"you\";--mine:1;--own:var(--own-edge);--ground:var(--tint);--place:-3}\n"
	if teamID != "" {
		team := "[data-team=" + teamID + "]"
		css += ".team" + team + "{order:-1;--your-team:\"your team\"}\n" + ".flat .p" + team + ":not(#u-" + uid + "){--place:-2}\n"
	}
	return []byte(css)
}
