package ui

import (
	"strconv"
	"time"
)

// The kinds of share links.
const (
	WallShare   = "wall"
	PersonShare = "person"
	EmbedShare  = "embed"
)

// SharesPage lists the share links of a person, and has a form for each kind.
type SharesPage struct {
	Layout
	Said    string            // what was done, or ""
	Failed  string            // the kind whose form was refused, or ""
	Message string            // why the form was refused, if that isn't about one field
	Errors  map[string]string // messages by field

	Label, Team, Days, Origins string // as typed in the refused form, or the defaults
	Counts, Texts              bool
	MaxDays                    int
	TeamNames                  []string
	Public                     bool // the person may be on public web pages

	Made MadeShare
	All  []Share
}

func (SharesPage) template() string { return "shares" }

// MadeShare is a link that was just made. Its address is shown once. The zero MadeShare isn't shown.
type MadeShare struct {
	Kind, URL string // URL is the address; for PersonShare, without the last part
	Script    string // address of the script for EmbedShare
	Name      string // of the person, for the text of a badge
}

// Tag returns the HTML that shows an embed in a frame.
func (m MadeShare) Tag() string {
	return `<iframe src="` + m.URL + `" title="Who is here" width="320" height="240" loading="lazy" frameborder="0"></iframe>`
}

// Element returns the HTML that shows an embed as an element of the page.
func (m MadeShare) Element() string {
	return `<script src="` + m.Script + `" defer></script> <rollcall-list src="` + m.URL + `"></rollcall-list>`
}

// Markdown returns the text that shows a badge in Markdown.
func (m MadeShare) Markdown() string { return "![" + m.Name + "](" + m.URL + "/badge.svg)" }

// copied is a text to copy.
type copied struct{ ID, Label, Value string }

// Line returns a text to copy for the template.
func (m MadeShare) Line(id, label, value string) copied { return copied{id, label, value} }

// Share is a share link on the list.
type Share struct {
	ID, Kind, Label, Team  string
	Counts, Texts          bool
	Origins                []string
	Created, Expires, Used time.Time // with the precision of a day
	Embed                  MadeShare // how to show it; only for EmbedShare
}

// Name returns the label, or words in its place.
func (s Share) Name() string {
	switch {
	case s.Label != "":
		return s.Label
	case s.Kind == PersonShare:
		return "Your own state"
	case s.Kind == EmbedShare:
		return "List for other sites"
	}
	return "Wall board"
}

// Shows says what the link shows.
func (s Share) Shows() string {
	text := "Wall board of "
	switch s.Kind {
	case PersonShare:
		if s.Texts {
			return "Your own state, with your text"
		}
		return "Your own state"
	case EmbedShare:
		text = "List for other sites of "
	}
	if s.Team == "" {
		text += "everyone you see"
	} else {
		text += s.Team
	}
	switch {
	case s.Counts:
		text += ", only numbers"
	case s.Texts:
		text += ", with texts"
	}
	return text
}

const dayLayout = "2 Jan 2006"

// Dates says when the link was made, when it was last used, and when it ends.
func (s Share) Dates() string {
	text := "made on " + s.Created.UTC().Format(dayLayout)
	if s.Used.IsZero() {
		text += ", not used yet"
	} else {
		text += ", last used on " + s.Used.UTC().Format(dayLayout)
	}
	if s.Expires.IsZero() {
		return text + ", has no end"
	}
	return text + ", ends on " + s.Expires.Add(-time.Second).UTC().Format(dayLayout)
}

// ShareForm is the form for one kind of link.
type ShareForm struct {
	SharesPage
	Kind string
}

// Form returns the form for a kind, with what was typed if it was refused.
func (p SharesPage) Form(kind string) ShareForm {
	f := ShareForm{p, kind}
	if p.Failed != kind {
		f.Label, f.Team, f.Origins, f.Errors, f.Message, f.Counts, f.Texts = "", "", "", nil, "", false, kind == WallShare
		f.Days = defaultDays
	}
	return f
}

const defaultDays = "90"

// Field returns what the template needs for one field.
func (f ShareForm) Field(name string) setting {
	value := map[string]string{"label": f.Label, "team": f.Team, "days": f.Days, "origins": f.Origins}[name]
	return setting{ID: f.Kind + "-" + name, Value: value, Error: f.Errors[name], Focus: name == f.focus()}
}

// focus returns the first field with an error.
func (f ShareForm) focus() string {
	for _, name := range []string{"label", "team", "origins", "days"} {
		if f.Errors[name] != "" {
			return name
		}
	}
	return ""
}

// Other returns the messages about fields that the form doesn't show by themselves.
func (f ShareForm) Other() string {
	for _, name := range []string{"shares", "kind"} {
		if f.Errors[name] != "" {
			return f.Errors[name]
		}
	}
	return f.Message
}

// Limit returns the maximum number of days in words.
func (p SharesPage) Limit() string { return strconv.Itoa(p.MaxDays) }
