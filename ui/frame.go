package ui

import (
	"bytes"
	"html/template"
	"time"
)

// comingBack is the message while people reconnect after a start.
const comingBack = "People are coming back…"

// Frame collects changes to a page in one message for the live connection. A page ignores changes to elements that it
// doesn't have. A Frame may be used by only one goroutine; its bytes may be shared.
type Frame struct {
	ui    *UI
	body  bytes.Buffer
	title string
}

// Empty reports whether there is nothing to send.
func (f *Frame) Empty() bool { return f.body.Len() == 0 && f.title == "" }

// Bytes returns the message. The title comes last, because it's the only part that isn't a partial.
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

// Prefixes of the IDs of rows: in the list, and in the section with the viewer's own team.
const (
	listRows = "u-"
	teamRows = "m-"
)

// Row replaces the row of one person with the output of UI.Row.
func (f *Frame) Row(uid string, html []byte) { f.partial(listRows+uid, "outerMorph", html) }

// List replaces the whole list with the output of UI.List. Rows that stay keep their elements, so the focus and the
// reading position stay as well.
func (f *Frame) List(html []byte) { f.partial("list", "innerMorph", html) }

// Removed removes the row of one person from the list.
func (f *Frame) Removed(uid string) { f.partial(listRows+uid, `"delete"`, nil) }

// Added inserts rows made by UI.Row before the row of the person whose ID is before. If before is "", it appends them
// to a list that isn't divided by team. A page looks up all elements of a frame before it changes any, so it must
// already have the row of before.
func (f *Frame) Added(before string, rows ...[]byte) {
	f.added(listRows, "people", before, rows)
}

func (f *Frame) added(prefix, list, before string, rows [][]byte) {
	id, swap := prefix+before, "beforebegin"
	if before == "" {
		id, swap = list, "beforeend"
	}
	f.partial(id, swap, bytes.Join(rows, nil))
}

// Counts sends the numbers, the headline, the summary and the title as far as they differ between old and now, or all
// of them if all is set.
func (f *Frame) Counts(old, now Counts, all bool) {
	before, after := old.each(), now.each()
	for i := range after {
		if all || before[i].text != after[i].text {
			f.text(after[i].id, after[i].text)
		}
	}
	if h := now.headline(); all || h != old.headline() {
		var b bytes.Buffer
		if err := f.ui.part(&b, "headline", h); err == nil { // can't fail: tests render this template
			f.partial("headline", inside, b.Bytes())
		}
	}
	if s := summary(now); all || s != summary(old) {
		var b bytes.Buffer
		if err := f.ui.part(&b, "tense", s); err == nil { // can't fail: tests render this template
			f.partial("summary", inside, b.Bytes())
		}
	}
	if all || title(old, f.ui.Name()) != title(now, f.ui.Name()) {
		f.Title(now)
	}
}

// Title sends only the title, which is all that a hidden tab needs.
func (f *Frame) Title(now Counts) { f.title = title(now, f.ui.Name()) }

// Team sends the count beside a team's name and how many of its absent people are folded.
func (f *Frame) Team(key string, here, people, absent int, search bool) {
	count := teamCount(here, people)
	if search {
		count = matchCount(people)
	}
	f.text(TeamID(key), count)
	f.text(TeamID(key)+"-more", folded(absent))
}

// Indexed sends the count of a team in the index, and the faces beside it.
func (f *Frame) Indexed(key string, here, people int, faces []Face) {
	f.text(TeamID(key), teamCount(here, people))
	var b bytes.Buffer
	if err := f.ui.part(&b, "faces", faces); err == nil { // can't fail: tests render this template
		f.partial(TeamID(key)+"-faces", inside, b.Bytes())
	}
}

// Warming shows or hides the message that people are coming back. While it's shown, the style of offline people says
// that their state isn't certain.
func (f *Frame) Warming(on bool) {
	message := ""
	if on {
		message = comingBack
	}
	f.text("warming", message)
}

// Pager sends the links to other pages of the list.
func (f *Frame) Pager(p BoardPage) error { return f.part("pager", p) }

// Filter sends the filter bar. This discards a choice that the browser made in the bar, so use it only if OnePage
// changes.
func (f *Frame) Filter(p BoardPage) error { return f.part("filter", p) }

// Arrived sends how many people have arrived who are listed on other pages.
func (f *Frame) Arrived(a Arrivals) {
	var b bytes.Buffer
	if err := f.ui.part(&b, "arrived", a); err == nil { // can't fail: tests render this template
		f.partial("arrived", "outerMorph", b.Bytes())
	}
}

// part renders the template called name into the element whose ID is name.
func (f *Frame) part(name string, p BoardPage) error {
	var b bytes.Buffer
	if err := f.ui.part(&b, name, p); err != nil {
		return err
	}
	f.partial(name, "innerMorph", b.Bytes())
	return nil
}

// Lists tells a page of the administration that accounts have changed. The page's script then loads it again.
func (f *Frame) Lists() { f.text("lists", "changed") }

// Lost shows since when live updates from other servers have been missing. A zero time means that none are.
func (f *Frame) Lost(since time.Time) { f.partial("lost", "innerMorph", []byte(lost(since))) }

// lost returns the content of #lost. The page's script converts the time to local time.
func lost(since time.Time) template.HTML {
	if since.IsZero() {
		return ""
	}
	at := since.UTC()
	return template.HTML(`<span>Live updates from other servers have been paused since <time class="clock" datetime="` +
		at.Format(time.RFC3339) + `">` + at.Format("15:04") + ` UTC</time></span>`)
}

// text replaces the text of the element with this ID.
func (f *Frame) text(id, text string) {
	f.partial(id, inside, []byte(template.HTMLEscapeString(text)))
}

// inside is the swap that replaces the content of an element. It's htmx's default, so frames don't name it.
const inside = "innerHTML"

func (f *Frame) partial(id, swap string, html []byte) {
	f.body.WriteString(`<hx-partial id="`)
	template.HTMLEscape(&f.body, []byte(id))
	f.body.WriteByte('"')
	if swap != inside {
		f.body.WriteString(` hx-swap=` + swap)
	}
	f.body.WriteByte('>')
	f.body.Write(html)
	f.body.WriteString(`</hx-partial>`)
}

// inSelector reports whether an id is safe in a selector.
func inSelector(id string) bool {
	for _, r := range id {
		if r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') {
			return false
		}
	}
	return id != ""
}
