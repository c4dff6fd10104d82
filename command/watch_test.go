package command

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"rollcall/command/client"
)

// shownBy returns what a way to show prints for each event.
func shownBy(events []client.Event, show func(*watching, client.Event) error) (parts []string) {
	var out strings.Builder
	w := watching{people: map[string]client.User{}, out: &out, board: "https://board.example.org",
		now: func() time.Time { return time.Date(2026, 3, 1, 14, 3, 0, 0, time.Local) }}
	for _, e := range events {
		out.Reset()
		w.before = w.people
		w.take(e)
		if err := show(&w, e); err != nil {
			return append(parts, err.Error())
		}
		parts = append(parts, out.String())
	}
	return parts
}

var (
	ada    = client.User{ID: "1", User: "ada", Name: "Ada\x1b[2J", Team: "Platform", State: "online"}
	ben    = client.User{ID: "2", User: "ben", Name: "Ben", State: "offline"}
	busy   = client.User{ID: "1", User: "ada", Name: "Ada", Team: "Platform", State: "dnd", Text: "<Tea> | #S"}
	stale  = client.Event{Kind: "stale", Since: time.Date(2026, 3, 1, 14, 1, 0, 0, time.Local)}
	events = []client.Event{
		{Kind: "snapshot", Users: []client.User{ada, ben}}, {Kind: "change", User: busy}, stale, {Kind: "live"},
		{Kind: "snapshot", Users: []client.User{ben}}, {Kind: "gone", User: client.User{ID: "2"}},
	}
)

func TestWatchShows(t *testing.T) {
	for name, tt := range map[string]struct {
		show func(*watching, client.Event) error
		want []string
	}{
		"lines": {(*watching).changes, []string{"14:03 Ada[2J: Online\n", "14:03 Ada: Do not disturb: <Tea> | #S\n",
			"14:03 Not live. What you see may be outdated.\n", "14:03 Live again.\n", "14:03 Ada: Offline\n", ""}},
		"tmux": {func(w *watching, _ client.Event) error { return w.bar("tmux") },
			[]string{"● 1\n", "", "● 1 (14:01)\n", "● 1\n", "● 0\n", ""}},
		"waybar": {func(w *watching, _ client.Event) error { return w.bar("waybar") }, []string{
			`{"text":"● 1","alt":"here","class":["live","here"],"tooltip":"1 person is here.\nAda[2J · Online"}` + "\n",
			`{"text":"● 1","alt":"here","class":["live","here"],"tooltip":"1 person is here.\nAda · Do not disturb: \u0026lt;Tea\u0026gt; | #S"}` + "\n",
			`{"text":"● 1 (14:01)","alt":"here","class":["stale","here"],"tooltip":"1 person is here.\nAda · Do not disturb: \u0026lt;Tea\u0026gt; | #S"}` + "\n",
			`{"text":"● 1","alt":"here","class":["live","here"],"tooltip":"1 person is here.\nAda · Do not disturb: \u0026lt;Tea\u0026gt; | #S"}` + "\n",
			`{"text":"● 0","alt":"nobody","class":["live","nobody"],"tooltip":"Nobody is here."}` + "\n", ""}},
		"screen": {func(w *watching, _ client.Event) error { return w.screen(style{color: true}) }, []string{
			"\x1b[H\x1b[1m1 person is here.\x1b[0m\x1b[K\n\x1b[K\n\x1b[2mPlatform\x1b[0m\x1b[K\n\x1b[32m●\x1b[0m Ada[2J\x1b[K\n\x1b[J",
			"\x1b[H\x1b[1m1 person is here.\x1b[0m\x1b[K\n\x1b[K\n\x1b[2mPlatform\x1b[0m\x1b[K\n\x1b[31m⊖\x1b[0m Ada · Do not disturb: <Tea> | #S\x1b[K\n\x1b[J",
			"\x1b[H\x1b[1m1 person is here.\x1b[0m\x1b[K\n\x1b[K\n\x1b[2mPlatform\x1b[0m\x1b[K\n\x1b[31m⊖\x1b[0m Ada · Do not disturb: <Tea> | #S\x1b[K\n\x1b[K\nNot live, as of 14:01.\x1b[K\n\x1b[J",
			"\x1b[H\x1b[1m1 person is here.\x1b[0m\x1b[K\n\x1b[K\n\x1b[2mPlatform\x1b[0m\x1b[K\n\x1b[31m⊖\x1b[0m Ada · Do not disturb: <Tea> | #S\x1b[K\n\x1b[J",
			"\x1b[H\x1b[1mNobody is here.\x1b[0m\x1b[K\n\x1b[J", ""}},
	} {
		if got := shownBy(events, tt.show); fmt.Sprintf("%q", got) != fmt.Sprintf("%q", tt.want) {
			t.Errorf("%s = %q, want %q", name, got, tt.want)
		}
	}
}

// SwiftBar reads a bar as the end of the text and a dash at the beginning as a submenu.
func TestWatchForSwiftBar(t *testing.T) {
	got := shownBy(events[1:2], func(w *watching, e client.Event) error { w.started = true; return w.bar("swiftbar") })[0]
	want := "~~~\n● 1\n---\n1 person is here.\nAda · Do not disturb: <Tea> ¦ #S\nOpen the board | href=https://board.example.org\n"
	if got != want || menuText("--| x") != "¦ x" {
		t.Errorf("watch for SwiftBar = %q, %q, want %q", got, menuText("--| x"), want)
	}
}

func TestNextTime(t *testing.T) {
	now := time.Date(2026, 3, 1, 14, 30, 0, 0, time.Local)
	for text, want := range map[string]string{
		"14:31": "2026-03-01T14:31", "14:30": "2026-03-02T14:30", "9:05": "2026-03-02T09:05", "00:00": "2026-03-02T00:00",
	} {
		if got, err := nextTime(text, now); err != nil || got.Format("2006-01-02T15:04") != want {
			t.Errorf("nextTime(%s) = %v, %v, want %s", text, got, err, want)
		}
	}
	if got, err := nextTime("2026-03-01T14:00:00Z", now); err != nil || !got.Equal(time.Date(2026, 3, 1, 14, 0, 0, 0, time.UTC)) {
		t.Errorf("nextTime of a whole time = %v, %v", got, err)
	}
	for _, wrong := range []string{"", "14", "24:00", "14:60", "14:5", "-1:00", "14:00:00", "noon", "+1:00"} {
		if got, err := nextTime(wrong, now); err == nil {
			t.Errorf("nextTime(%q) = %v, want an error", wrong, got)
		}
	}
}
