package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"os"
	"runtime"
	"strings"
	"time"

	"rollcall/command/client"
)

// statusWait is how long rollcall status waits for the server. With the start of the program, it ends within 300 ms.
const statusWait = 250 * time.Millisecond

// statusCmd prints how others see the person, for prompts and status bars.
type statusCmd struct {
	Format string `enum:"text,json,waybar,tmux,swiftbar" default:"text" help:"text, json, waybar, tmux, or swiftbar."`
}

// Run prints the status. If the server doesn't answer soon, it's the last known one, and no error: a prompt mustn't
// wait or fail.
func (c *statusCmd) Run(ctx context.Context, con *console) error {
	known, err := c.read(ctx, con)
	if err != nil && (c.Format == "text" || c.Format == "json") {
		return err
	}
	now := time.Now()
	switch c.Format {
	case "json":
		return printJSON(con.stdout, known.program())
	case "waybar":
		return json.NewEncoder(con.stdout).Encode(known.waybar(err, now))
	case "tmux":
		return printLine(con.stdout, strings.ReplaceAll(known.short(err, now), "#", "##"))
	case "swiftbar":
		return known.swiftbar(con.stdout, err, now)
	}
	return printLine(con.stdout, known.text(now))
}

func printLine(w io.Writer, line string) error {
	_, err := fmt.Fprintln(w, line)
	return err
}

// knownStatus is what is known about the person.
type knownStatus struct {
	Login    string          `json:"login"` // whose it is: login.sum
	AsOf     time.Time       `json:"as_of"` // zero: nothing is known
	Presence client.Presence `json:"presence"`

	board string
	live  bool // the server has just said so
}

// read asks the server, or reads the last known status. Its error says what the person has to change.
func (c *statusCmd) read(ctx context.Context, con *console) (knownStatus, error) {
	l, err := con.login()
	if err != nil {
		return knownStatus{}, err
	}
	api, err := l.client()
	if err != nil {
		return knownStatus{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, statusWait)
	defer cancel()
	path := statusCache(runtime.GOOS, con.env)
	presence, err := api.Presence(ctx)
	if p, refused := errors.AsType[*client.Problem](err); refused && !p.Temporary() {
		return knownStatus{board: api.Board()}, explain(api, err)
	}
	if err != nil {
		return lastKnown(path, l, api), nil
	}
	known := knownStatus{l.sum(), time.Now().UTC().Truncate(time.Second), presence, api.Board(), true}
	if text, err := json.Marshal(known); err == nil && path != "" {
		_ = replaceFile(path, text) // without it, there's just nothing to show while the server is away
	}
	return known, nil
}

// lastKnown reads what an earlier call knew about the same login.
func lastKnown(path string, l login, api *client.Client) (known knownStatus) {
	unknown := knownStatus{board: api.Board()}
	f, err := os.Open(path)
	if err != nil {
		return unknown
	}
	defer f.Close()
	if err := json.NewDecoder(io.LimitReader(f, maxClientFile)).Decode(&known); err != nil || known.Login != l.sum() {
		return unknown
	}
	known.board = api.Board()
	return known
}

// asOf says since when the status may be outdated; "" while it's live.
func (k knownStatus) asOf(now time.Time) string {
	switch {
	case k.live:
		return ""
	case k.AsOf.IsZero():
		return "not known: the board doesn't answer"
	}
	return "as of " + clockTime(k.AsOf, now)
}

// text returns a line such as "Do not disturb: Deep work, until 14:00 (as of 13:12)".
func (k knownStatus) text(now time.Time) string {
	asOf := k.asOf(now)
	if k.AsOf.IsZero() {
		return "Status " + asOf
	}
	line := describeUser(k.Presence.Shown, now)
	if k.Presence.Invisible {
		line += " (invisible)"
	}
	if asOf != "" {
		line += " (" + asOf + ")"
	}
	return line
}

// short returns a few characters for a bar. err is what the person has to change, if anything.
func (k knownStatus) short(err error, now time.Time) string {
	switch {
	case err != nil:
		return "○ log in"
	case k.AsOf.IsZero():
		return "○ ?"
	}
	u := k.Presence.Shown
	words := wordsOf(u.State)
	line := words.symbol + " " + words.short
	if k.Presence.Invisible {
		line = "◌ Invisible"
	}
	if emoji := printable(u.Emoji); emoji != "" {
		line += " " + emoji
	}
	if !k.live {
		line += " (" + clockTime(k.AsOf, now) + ")"
	}
	return line
}

// statusJSON is the status for programs.
type statusJSON struct {
	State     string    `json:"state,omitempty"`
	Text      string    `json:"text,omitempty"`
	Emoji     string    `json:"emoji,omitempty"`
	Until     time.Time `json:"until,omitzero"`
	Invisible bool      `json:"invisible"`
	Live      bool      `json:"live"`
	AsOf      time.Time `json:"as_of,omitzero"`
}

func (k knownStatus) program() statusJSON {
	u := k.Presence.Shown
	return statusJSON{u.State, u.Text, u.Emoji, u.Until, k.Presence.Invisible, k.live, k.AsOf}
}

// waybarJSON is what Waybar reads with "return-type": "json".
type waybarJSON struct {
	Text    string   `json:"text"`
	Alt     string   `json:"alt"`
	Class   []string `json:"class"`
	Tooltip string   `json:"tooltip"`
}

// waybar returns the status for Waybar, which reads text as markup.
func (k knownStatus) waybar(err error, now time.Time) waybarJSON {
	w := waybarJSON{Text: html.EscapeString(k.short(err, now)), Alt: "unknown", Tooltip: html.EscapeString(k.text(now))}
	switch {
	case err != nil:
		w.Alt, w.Tooltip = "error", html.EscapeString(err.Error())
	case !k.AsOf.IsZero():
		w.Alt = k.Presence.Shown.State
	}
	w.Class = []string{w.Alt}
	if err == nil && !k.live {
		w.Class = append(w.Class, "stale")
	}
	return w
}

// swiftbar prints the status for SwiftBar and xbar: the line in the menu bar, and below --- its menu.
func (k knownStatus) swiftbar(out io.Writer, err error, now time.Time) error {
	detail := k.text(now)
	if err != nil {
		detail = err.Error()
	}
	lines := menuText(k.short(err, now)) + "\n---\n" + menuText(detail) + "\n"
	if k.board != "" {
		lines += "Open the board | href=" + k.board + "\n"
	}
	_, printed := io.WriteString(out, lines)
	return printed
}

// menuText keeps text from being read as parameters or as a submenu.
func menuText(text string) string {
	return strings.TrimLeft(strings.ReplaceAll(text, "|", "¦"), "-")
}
