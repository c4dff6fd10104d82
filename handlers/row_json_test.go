package handlers

import (
	"testing"
	"time"

	"rollcall/live"
	"rollcall/presence"
)

func TestRowJSON(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 22, 20, 31, 7, 0, time.UTC)
	for _, tt := range []struct {
		name string
		row  live.Row
		want string
	}{
		{"away", live.Row{ID: "1", Username: "ana", Name: "Ana", Team: "Design", State: presence.Away, Since: at,
			Text: "Lunch", Emoji: "🍜", Until: at.Add(time.Hour), Zone: "Europe/Vienna"},
			`{"id":"1","user":"ana","name":"Ana","team":"Design","state":"away","since":"2026-11-22T20:31:07Z",` +
				`"text":"Lunch","emoji":"🍜","until":"2026-11-22T21:31:07Z","time_zone":"Europe/Vienna"}`},
		{"offline", live.Row{ID: "1", Username: "ana", Name: "Ana", State: presence.Offline, Seen: "this week"},
			`{"id":"1","user":"ana","name":"Ana","state":"offline",` +
				`"last_seen":{"precision":"approximate","value":"this_week"}}`},
		{"exact", live.Row{ID: "1", Username: "ana", Name: "<b>", State: presence.Offline, SeenAt: at.Truncate(time.Minute)},
			`{"id":"1","user":"ana","name":"\u003cb\u003e","state":"offline",` +
				`"last_seen":{"precision":"exact","value":"2026-11-22T20:31:00Z"}}`},
		{"stale, which a stream says once for all", live.Row{ID: "1", Username: "ana", Name: "Ana", State: presence.DND,
			Stale: true}, `{"id":"1","user":"ana","name":"Ana","state":"dnd"}`},
	} {
		if got := string(rowJSON(&live.Entry{Row: tt.row})); got != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.name, got, tt.want)
		}
	}
}
