package hooks

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"rollcall/accounts"
	"rollcall/live"
)

var hostile = live.Row{ID: "u1", Username: "ana", Name: `<!channel> & @all [x](http://evil.example)`, Team: "Ops", State: "dnd",
	Text: `<https://evil.example|here> @everyone "quoted"`, Emoji: "🎧", Since: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
	Until: time.Date(2026, 3, 1, 14, 0, 0, 0, time.UTC)}

var messageTime = time.Date(2026, 3, 1, 12, 0, 30, 5, time.UTC)

// Programs read the standard format, so its names and forms must not change.
func TestStandardMessage(t *testing.T) {
	h := accounts.Hook{ID: "h1", HookWish: accounts.HookWish{Format: accounts.HookStandard, States: true, Label: "Lamp"}}
	away := "away"
	plain := live.Row{ID: "u2", Username: "bo", Name: "Bo", State: "offline"}
	for _, tt := range []struct {
		news news
		want string
	}{
		{news{hostile, true, &away, eventPresence}, `{"type":"presence.changed","timestamp":"2026-03-01T12:00:30Z","data":{"user":{"id":"u1",` +
			`"username":"ana","name":"<!channel> & @all [x](http://evil.example)","team":"Ops"},"from":"away","to":"dnd","since":"2026-03-01T12:00:00Z",` +
			`"text":"<https://evil.example|here> @everyone \"quoted\"","emoji":"🎧","until":"2026-03-01T14:00:00Z"}}`},
		{news{plain, true, nil, eventStatus}, `{"type":"status.changed","timestamp":"2026-03-01T12:00:30Z","data":{"user":{"id":"u2","username":"bo","name":"Bo"},` +
			`"from":null,"to":"offline","since":null,"text":"","emoji":"","until":null}}`},
		{news{hostile, false, &away, eventGone}, `{"type":"presence.gone","timestamp":"2026-03-01T12:00:30Z","data":{"user":{"id":"u1"}}}`},
	} {
		if got := string(message(h, []news{tt.news}, messageTime)); got != tt.want {
			t.Errorf("message = %s, want %s", got, tt.want)
		}
	}
	want := `{"type":"test","timestamp":"2026-03-01T12:00:30Z","data":{"hook":{"id":"h1","name":"Lamp"}}}`
	if got := string(testBody(h, messageTime)); got != want {
		t.Errorf("testBody = %s, want %s", got, want)
	}
}

// What people type can't mention anybody, link anywhere, or format anything in a chat.
func TestChatMessages(t *testing.T) {
	all := []news{{Row: hostile, Shown: true}, {Row: live.Row{ID: "u2", Name: "Secret"}, Shown: false}}
	slack := accounts.Hook{HookWish: accounts.HookWish{Format: accounts.HookSlack}}
	var got struct{ Text string }
	body := message(slack, all, messageTime)
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatal(err)
	}
	want := "&lt;!channel&gt; &amp; @\u200ball [x]\u200b(http://evil.example) doesn't want to be disturbed: 🎧 " +
		"&lt;https://evil.example|here&gt; @\u200beveryone \"quoted\" (until 14:00 UTC, 1 Mar)\nSomebody isn't on the board any more."
	if got.Text != want || !strings.Contains(string(body), `"mrkdwn":false`) {
		t.Errorf("the message for Slack is %s, want the text %q", body, want)
	}
	teams := accounts.Hook{HookWish: accounts.HookWish{Format: accounts.HookTeams}}
	var card struct {
		Attachments []struct {
			Content struct {
				Body []struct {
					Type    string
					Inlines []struct{ Type, Text string }
				}
			}
		}
	}
	body = message(teams, all, messageTime)
	if err := json.Unmarshal(body, &card); err != nil || len(card.Attachments) != 1 {
		t.Fatalf("the message for Teams is %s (%v)", body, err)
	}
	blocks := card.Attachments[0].Content.Body
	if len(blocks) != 2 || blocks[0].Type != "RichTextBlock" || blocks[0].Inlines[0].Type != "TextRun" ||
		!strings.HasPrefix(blocks[0].Inlines[0].Text, hostile.Name) || strings.Contains(string(body), "Secret") {
		t.Errorf("the message for Teams is %s, want two plain lines, and nobody's name who is gone", body)
	}
	for _, h := range []accounts.Hook{slack, teams} {
		if !json.Valid(testBody(h, messageTime)) {
			t.Errorf("testBody(%s) isn't JSON", h.Format)
		}
	}
}

// What a receiver is told depends only on the row, and only on what its owner chose.
func TestStateOf(t *testing.T) {
	both := accounts.Hook{ID: "h", HookWish: accounts.HookWish{States: true, Texts: true}}
	states, texts := both, both
	states.Texts, texts.States = false, false
	off := hostile
	off.State = "offline"
	silent := hostile
	silent.Text, silent.Emoji, silent.State = "", "", "offline"
	other := hostile
	other.Text = "Lunch"
	if got := stateOf(states, hostile, true); got != "dnd" {
		t.Errorf("stateOf = %q, want dnd", got)
	}
	if got := stateOf(both, silent, true) + stateOf(states, off, true) + stateOf(both, hostile, false) + stateOf(texts, silent, true); got != "" {
		t.Errorf("stateOf of people who are offline or gone = %q, want nothing", got)
	}
	seen := map[string]bool{}
	for _, x := range []struct {
		hook accounts.Hook
		row  live.Row
	}{{both, hostile}, {both, off}, {both, other}, {texts, hostile}} {
		seen[stateOf(x.hook, x.row, true)] = true
	}
	if len(seen) != 3 || stateOf(texts, hostile, true) != stateOf(texts, off, true) {
		t.Errorf("stateOf tells apart %d of 3: %v", len(seen), seen)
	}
	for state := range seen {
		if strings.Contains(state, "evil") || strings.Contains(state, "Lunch") {
			t.Errorf("stateOf = %q, want no text", state)
		}
	}
}

// However much people typed, chats take a message about as many people as there can be: Discord refuses one of more
// than
// 2,000 characters, and then nobody would be told of anybody in it.
func TestChatMessagesAreShort(t *testing.T) {
	long := news{Shown: true, Row: live.Row{ID: "u1", Name: strings.Repeat("&", 64), State: "dnd", Text: strings.Repeat("🎧<", 70),
		Emoji: "🎧", Until: hostile.Until}}
	slack := accounts.Hook{HookWish: accounts.HookWish{Format: accounts.HookSlack}}
	var got struct{ Text string }
	if err := json.Unmarshal(message(slack, slices.Repeat([]news{long}, maxTogether), messageTime), &got); err != nil {
		t.Fatal(err)
	}
	if n := len(utf16.Encode([]rune(got.Text))); n > 2000 || n < 1500 {
		t.Errorf("a message about %d people has %d characters, want it cut to less than 2,000", maxTogether, n)
	}
	for line := range strings.SplitSeq(got.Text, "\n") {
		if rest := strings.ReplaceAll(line, "&amp;", ""); strings.Contains(rest, "&") || !strings.HasSuffix(line, "…") {
			t.Errorf("the line %q isn't cut between characters", line)
		}
	}
	fits := strings.Repeat("x", maxLine)
	if got := slackLine(fits); got != fits {
		t.Errorf("slackLine of %d characters = %q, want it unchanged", maxLine, got)
	}
}
