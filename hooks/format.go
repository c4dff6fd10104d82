package hooks

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"
	"unicode/utf16"

	"rollcall/accounts"
	"rollcall/live"
)

// news is what a message tells about one person.
type news struct {
	Row   live.Row
	Shown bool    // false: the owner of the hook can't see the person any more, and Row has only the ID
	From  *string // the state that the receiver was told last; nil: nobody knows
	Event string
}

// The parts of a message in the standard format.
type (
	standardMessage struct {
		Type      string    `json:"type"`
		Timestamp time.Time `json:"timestamp"`
		Data      any       `json:"data"`
	}
	standardUser struct {
		ID       string `json:"id"`
		Username string `json:"username,omitempty"`
		Name     string `json:"name,omitempty"`
		Team     string `json:"team,omitempty"`
	}
	standardChange struct {
		User  standardUser `json:"user"`
		From  *string      `json:"from"`
		To    string       `json:"to"`
		Since *time.Time   `json:"since"` // of the state; null: unknown
		Text  string       `json:"text"`
		Emoji string       `json:"emoji"`
		Until *time.Time   `json:"until"` // of the text, or else of the state; null: it doesn't end
	}
	standardGone struct {
		User standardUser `json:"user"`
	}
	standardTest struct {
		Hook struct {
			ID   string `json:"id"`
			Name string `json:"name"`
		} `json:"hook"`
	}
)

// message returns the body that tells all, in the format of h. Only the chat formats can tell of more than one person.
func message(h accounts.Hook, all []news, now time.Time) []byte {
	switch h.Format {
	case accounts.HookSlack:
		return slackBody(lines(all))
	case accounts.HookTeams:
		return teamsBody(lines(all))
	}
	n := all[0]
	m := standardMessage{Type: n.Event, Timestamp: now.UTC().Truncate(time.Second)}
	user := standardUser{n.Row.ID, n.Row.Username, n.Row.Name, n.Row.Team}
	if m.Data = (standardGone{standardUser{ID: n.Row.ID}}); n.Shown {
		m.Data = standardChange{User: user, From: n.From, To: string(n.Row.State), Since: pointer(n.Row.Since), Text: n.Row.Text,
			Emoji: n.Row.Emoji, Until: pointer(n.Row.Until)}
	}
	return encode(m)
}

// testBody returns the body of a test.
func testBody(h accounts.Hook, now time.Time) []byte {
	const text = "This is a test of a webhook of Rollcall."
	switch h.Format {
	case accounts.HookSlack:
		return slackBody([]string{text})
	case accounts.HookTeams:
		return teamsBody([]string{text})
	}
	var data standardTest
	data.Hook.ID, data.Hook.Name = h.ID, h.Label
	return encode(standardMessage{accounts.TestEvent, now.UTC().Truncate(time.Second), data})
}

func pointer(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func encode(value any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		panic("hooks: a message can't be encoded: " + err.Error()) // the types above always can
	}
	return bytes.TrimSpace(b.Bytes())
}

// stateWords says what people are, in a sentence.
var stateWords = map[string]string{"online": "is online", "away": "is away", "dnd": "doesn't want to be disturbed",
	offline: "is offline"}

// lines returns a sentence about each person. People whom the owner can't see any more aren't mentioned by name.
func lines(all []news) (lines []string) {
	for _, n := range all {
		if !n.Shown {
			lines = append(lines, "Somebody isn't on the board any more.")
			continue
		}
		line := n.Row.Name + " " + stateWords[string(n.Row.State)]
		if said := strings.TrimSpace(n.Row.Emoji + " " + n.Row.Text); said != "" {
			line += ": " + said
		}
		if !n.Row.Until.IsZero() {
			line += " (until " + n.Row.Until.Format("15:04 UTC, 2 Jan") + ")"
		}
		lines = append(lines, line)
	}
	return lines
}

// slackEscapes keeps names and texts from becoming links, mentions, or formatting. Slack wants the first three. The
// others are for programs that take the same format and read Markdown: a character without width separates what has a
// meaning only together.
var slackEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "@", "@\u200b", "](", "]\u200b(")

// maxLine is how many UTF-16 units a line for Slack has at most, so that maxTogether lines are less than the 2,000 that
// Discord takes.
const maxLine = 240

// slackLine returns a line as it's sent, without its end if it's too long.
func slackLine(line string) string {
	text := slackEscapes.Replace(line)
	for kept := []rune(line); len(utf16.Encode([]rune(text))) > maxLine; {
		kept = kept[:len(kept)-1]
		text = slackEscapes.Replace(string(kept)) + "…"
	}
	return text
}

func slackBody(lines []string) []byte {
	escaped := make([]string, len(lines))
	for i, line := range lines {
		escaped[i] = slackLine(line)
	}
	return encode(struct {
		Text     string `json:"text"`
		Markdown bool   `json:"mrkdwn"`
		Links    bool   `json:"unfurl_links"`
		Media    bool   `json:"unfurl_media"`
	}{Text: strings.Join(escaped, "\n")})
}

// teamsBody returns an Adaptive Card. A TextRun has no Markdown, so nothing needs to be escaped.
func teamsBody(lines []string) []byte {
	type object = map[string]any
	body := make([]object, len(lines))
	for i, line := range lines {
		body[i] = object{"type": "RichTextBlock", "inlines": []object{{"type": "TextRun", "text": line}}}
	}
	return encode(object{"type": "message", "attachments": []object{{
		"contentType": "application/vnd.microsoft.card.adaptive",
		"content": object{"type": "AdaptiveCard", "version": "1.3",
			"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "body": body},
	}}})
}
