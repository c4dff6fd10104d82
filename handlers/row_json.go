package handlers

import (
	"encoding/json"
	"strings"
	"time"

	"rollcall/live"
)

// userJSON is what programs learn about a person. It's made only from a live.Row, which has what its audience may know.
// Fields that say nothing are left out.
type userJSON struct {
	ID       string        `json:"id"`
	User     string        `json:"user"` // the username, which never changes
	Name     string        `json:"name"`
	Team     string        `json:"team,omitempty"`
	State    string        `json:"state"`
	Since    *time.Time    `json:"since,omitempty"` // when the state began
	Text     string        `json:"text,omitempty"`
	Emoji    string        `json:"emoji,omitempty"`
	Until    *time.Time    `json:"until,omitempty"` // when the text, or else the state, ends
	LastSeen *lastSeenJSON `json:"last_seen,omitempty"`
	TimeZone string        `json:"time_zone,omitempty"`
}

// lastSeenJSON is when an offline person was last seen.
type lastSeenJSON struct {
	Precision string `json:"precision"` // exact or approximate
	Value     string `json:"value"`     // a time to the minute; or today, this_week, this_month or long_ago
}

// userOf returns a row for programs.
func userOf(r live.Row) userJSON {
	u := userJSON{
		ID: r.ID, User: r.Username, Name: r.Name, Team: r.Team, State: string(r.State), Since: timeOf(r.Since),
		Text: r.Text, Emoji: r.Emoji, Until: timeOf(r.Until), TimeZone: r.Zone,
	}
	switch {
	case !r.SeenAt.IsZero():
		u.LastSeen = &lastSeenJSON{"exact", r.SeenAt.Format(time.RFC3339)}
	case r.Seen != "":
		u.LastSeen = &lastSeenJSON{"approximate", strings.ReplaceAll(r.Seen, " ", "_")}
	}
	return u
}

// timeOf returns nil for the zero time.
func timeOf(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// rowJSON returns e as JSON. It's encoded once for all streams and answers.
func rowJSON(e *live.Entry) []byte {
	return e.Encoded(live.JSON, func(r live.Row) []byte {
		text, err := json.Marshal(userOf(r))
		if err != nil {
			panic(err) // strings and times with four-digit years
		}
		return text
	})
}
