package hooks

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"

	"rollcall/accounts"
	"rollcall/live"
)

// The types of events.
const (
	eventPresence = "presence.changed"
	eventStatus   = "status.changed"
	eventGone     = "presence.gone" // the owner of the hook can't see the person any more
)

const (
	stateEnd = ":" // between a state and the hash of a text
	offline  = "offline"
)

// stateOf returns what a hook tells about a row: "" if the person is offline or not shown. Texts are hashed, so that
// they aren't stored twice.
func stateOf(h accounts.Hook, row live.Row, shown bool) (state string) {
	if !shown {
		return ""
	}
	if h.States && row.State != offline {
		state = string(row.State)
	}
	if h.Texts && (row.Text != "" || row.Emoji != "") {
		sum := sha256.Sum256([]byte(strings.Join([]string{h.ID, row.Text, row.Emoji,
			strconv.FormatInt(row.Until.Unix(), 10)}, "\x00")))
		state += stateEnd + hex.EncodeToString(sum[:8])
	}
	return state
}

// from returns the state that a receiver was told last; nil if nobody knows, or if the hook isn't told of states.
func from(h accounts.Hook, told accounts.Told) *string {
	if told.Unsure || !h.States {
		return nil
	}
	state, _, _ := strings.Cut(told.State, stateEnd)
	if state == "" {
		state = offline
	}
	return &state
}

// kind returns the type of the event that tells state, after told. shown is false if the person is gone.
func kind(told accounts.Told, state string, shown bool) string {
	was, _, _ := strings.Cut(told.State, stateEnd)
	is, _, _ := strings.Cut(state, stateEnd)
	switch {
	case !shown:
		return eventGone
	case was != is || told.Unsure:
		return eventPresence
	}
	return eventStatus
}
