package command

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"rollcall/command/client"
)

// watchCmd shows who is here, live.
type watchCmd struct {
	Team   string `placeholder:"NAME" help:"Only this team."`
	Format string `enum:"text,json,waybar,tmux,swiftbar" default:"text" help:"text: a list on a terminal, otherwise a line per change. json: a line per event of the stream. waybar, tmux, or swiftbar: how many people are here, whenever that changes."`
}

// Run follows the stream until ctx ends.
func (c *watchCmd) Run(ctx context.Context, con *console) error {
	api, err := con.client()
	if err != nil {
		return err
	}
	w := watching{people: map[string]client.User{}, out: con.stdout, board: api.Board(), now: time.Now}
	show := w.changes
	switch {
	case c.Format == "json":
		show = w.line
	case c.Format != "text":
		show = func(client.Event) error { return w.bar(c.Format) }
	case con.onTerminal():
		show = func(client.Event) error { return w.screen(style{color: con.colors()}) }
	}
	err = api.Follow(ctx, c.Team, func(e client.Event) error {
		w.before = w.people
		if e.Kind != "alive" {
			w.take(e)
		}
		return show(e)
	})
	p, refused := errors.AsType[*client.Problem](err)
	switch {
	case !refused:
		return err
	case p.Kind == "not-found":
		return fmt.Errorf("%s has no streams: ask the person who runs it for a newer version", api.Board())
	}
	return explain(api, err)
}

// watching is what watch knows.
type watching struct {
	people, before map[string]client.User // by ID, now and before the event; never changed in place
	started        bool                   // there was a snapshot
	stale          time.Time              // since when what is known may be outdated; zero: it isn't
	out            io.Writer
	board          string
	now            func() time.Time
	shown          string // what a bar shows
}

// take updates what is known.
func (w *watching) take(e client.Event) {
	switch e.Kind {
	case "snapshot":
		w.started, w.people = true, make(map[string]client.User, len(e.Users))
		for _, u := range e.Users {
			w.people[u.ID] = u
		}
	case "change", "gone":
		next := make(map[string]client.User, len(w.people)+1)
		for id, u := range w.people {
			next[id] = u
		}
		if next[e.User.ID] = e.User; e.Kind == "gone" {
			delete(next, e.User.ID)
		}
		w.people = next
	case "stale":
		if w.stale = e.Since; w.stale.IsZero() {
			w.stale = w.now()
		}
	case "live":
		w.stale = time.Time{}
	}
}

// here returns the people who are here, by team and name.
func (w *watching) here() (list []client.User) {
	for _, u := range w.people {
		if u.State != "offline" {
			list = append(list, u)
		}
	}
	slices.SortFunc(list, func(a, b client.User) int {
		return cmp.Or(strings.Compare(a.Team, b.Team), strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)),
			strings.Compare(a.ID, b.ID))
	})
	return list
}

// line prints an event of the stream.
func (w *watching) line(e client.Event) error {
	if e.Kind == "alive" {
		return nil
	}
	return printLine(w.out, string(e.Line))
}

// changes prints a line for each person who is shown differently than before.
func (w *watching) changes(e client.Event) error {
	now := w.now()
	at := now.Local().Format("15:04") + " "
	switch e.Kind {
	case "stale":
		return printLine(w.out, at+"Not live. What you see may be outdated.")
	case "live":
		return printLine(w.out, at+"Live again.")
	case "snapshot", "change", "gone":
	default:
		return nil
	}
	var lines bytes.Buffer
	for _, u := range w.changed() {
		lines.WriteString(at + nameOf(u) + ": " + describeUser(u, now) + "\n")
	}
	if lines.Len() == 0 && e.Kind == "snapshot" && len(w.before) == 0 {
		lines.WriteString(at + headline(0) + "\n")
	}
	_, err := w.out.Write(lines.Bytes())
	return err
}

// changed returns the people who look different than before. People who aren't listed are offline.
func (w *watching) changed() (list []client.User) {
	for id, u := range w.before {
		if _, known := w.people[id]; !known && u.State != "offline" {
			list = append(list, client.User{ID: id, Name: u.Name, User: u.User, State: "offline"})
		}
	}
	for id, u := range w.people {
		was, known := w.before[id]
		if !known {
			was.State = "offline"
		}
		if was.State != u.State || u.State != "offline" && (saysOf(was) != saysOf(u) || !was.Until.Equal(u.Until)) {
			list = append(list, u)
		}
	}
	slices.SortFunc(list, func(a, b client.User) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.ID, b.ID))
	})
	return list
}

// screen draws the list over the one before.
func (w *watching) screen(look style) error {
	if !w.started && w.stale.IsZero() {
		return nil
	}
	var list bytes.Buffer
	if err := printPeople(&list, w.here(), look, w.now()); err != nil {
		return err
	}
	if !w.stale.IsZero() {
		list.WriteString("\nNot live, as of " + clockTime(w.stale, w.now()) + ".\n")
	}
	const home, endOfLine, endOfScreen = "\x1b[H", "\x1b[K\n", "\x1b[J"
	drawn := home + strings.ReplaceAll(list.String(), "\n", endOfLine) + endOfScreen
	if drawn == w.shown {
		return nil
	}
	w.shown = drawn
	_, err := io.WriteString(w.out, drawn)
	return err
}

// bar prints how many people are here, if that looks different than before.
func (w *watching) bar(format string) error {
	if !w.started && w.stale.IsZero() {
		return nil
	}
	text := w.barText(format)
	if text == w.shown {
		return nil
	}
	w.shown = text
	_, err := io.WriteString(w.out, text)
	return err
}

func (w *watching) barText(format string) string {
	here, class := w.here(), "live"
	count := "● " + strconv.Itoa(len(here))
	if !w.stale.IsZero() {
		class = "stale"
		count += " (" + clockTime(w.stale, w.now()) + ")"
		if !w.started {
			count = "○ ?"
		}
	}
	lines := []string{headline(len(here))}
	for _, u := range here {
		lines = append(lines, nameOf(u)+" · "+describeUser(u, w.now()))
	}
	switch format {
	case "waybar":
		alt := "here"
		if len(here) == 0 {
			alt = "nobody"
		}
		text, _ := json.Marshal(waybarJSON{html.EscapeString(count), alt, []string{class, alt}, // can't fail: only strings
			html.EscapeString(strings.Join(lines, "\n"))})
		return string(text) + "\n"
	case "swiftbar": // ~~~ replaces the menu of a plugin that goes on running
		text := "~~~\n" + menuText(count) + "\n---\n"
		for _, line := range lines {
			text += menuText(line) + "\n"
		}
		return text + "Open the board | href=" + w.board + "\n"
	}
	return strings.ReplaceAll(count, "#", "##") + "\n"
}
