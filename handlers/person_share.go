package handlers

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"rollcall/accounts"
	"rollcall/live"
	"rollcall/presence"
	"rollcall/ui"
)

const unknownState = "unknown"

// sharedState is what a share link tells about its owner. The zero sharedState tells that nothing is known: the link
// doesn't exist, or the server has just started and the owner may still come back.
type sharedState struct {
	row   live.Row
	known bool
	live  bool // it's current
	texts bool
	back  bool // people are still coming back
}

// stateOf returns what the link of a request tells. An unknown link isn't an error.
func (s *Server) stateOf(c echo.Context) (x sharedState, err error) {
	share, owner, err := s.shared(c, accounts.PersonShare)
	if errors.Is(err, accounts.ErrNoShare) {
		return x, nil
	}
	if err != nil {
		return x, err
	}
	few, err := s.live.Few(c.Request().Context(), []accounts.Person{owner.Person}, owner.Person, live.Reticent)
	if err != nil {
		return x, unavailable(err)
	}
	if len(few.Rows) == 0 {
		return x, nil
	}
	row := few.Rows[0].Row
	if few.Warming && row.State == presence.Offline {
		return sharedState{back: true}, nil
	}
	return sharedState{row: row, known: true, live: few.Lost.IsZero() && !row.Stale, texts: share.Texts}, nil
}

// word returns the state as programs read it.
func (x sharedState) word() string {
	if !x.known {
		return unknownState
	}
	return string(x.row.State)
}

// status returns the HTTP status for programs.
func (x sharedState) status(c echo.Context) int {
	switch {
	case x.known:
		return http.StatusOK
	case x.back:
		c.Response().Header().Set("Retry-After", strconv.Itoa(int(comingBackIn/time.Second)))
		return http.StatusServiceUnavailable
	}
	return http.StatusNotFound
}

// stateText answers with one word, for lamps and scripts.
func (s *Server) stateText(c echo.Context) error {
	const kind = "text/plain; charset=utf-8"
	x, err := s.stateOf(c)
	switch {
	case err != nil:
		return err
	case !x.known:
		return c.Blob(x.status(c), kind, []byte(x.word()+"\n"))
	}
	return sharedAnswer(c, kind, []byte(x.word()+"\n"))
}

// stateJSON answers with the state and, if the owner chose that, with the text.
func (s *Server) stateJSON(c echo.Context) error {
	x, err := s.stateOf(c)
	if err != nil {
		return err
	}
	body := struct {
		State     string    `json:"state"`
		Available bool      `json:"available"` // the state is known
		Live      bool      `json:"live"`      // false: the last known state
		Text      string    `json:"text,omitempty"`
		Emoji     string    `json:"emoji,omitempty"`
		Until     time.Time `json:"until,omitzero"`
	}{State: x.word(), Available: x.known, Live: x.live}
	if x.texts {
		body.Text, body.Emoji, body.Until = x.row.Text, x.row.Emoji, x.row.Until
	}
	return sendJSON(c, x.status(c), body)
}

// sendJSON sends a JSON object that a share link tells.
func sendJSON(c echo.Context, status int, body any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	if text = append(text, '\n'); status == http.StatusOK {
		return sharedAnswer(c, "application/json", text)
	}
	return c.Blob(status, "application/json", text)
}

// badge answers with an image. An unknown link has one, too, because pages show a broken image otherwise.
func (s *Server) badge(c echo.Context) error {
	x, err := s.stateOf(c)
	if err != nil {
		return err
	}
	badge := ui.Badge{Name: s.cfg.UI.Name()}
	if x.known {
		badge = ui.Badge{Name: x.row.Name, State: string(x.row.State)}
	}
	body, err := s.cfg.UI.Badge(badge)
	if err != nil {
		return err
	}
	return sharedAnswer(c, "image/svg+xml", body)
}

// shields answers in the form that shields.io reads (its endpoint badge).
func (s *Server) shields(c echo.Context) error {
	x, err := s.stateOf(c)
	if err != nil {
		return err
	}
	body := struct {
		Version int    `json:"schemaVersion"`
		Label   string `json:"label"`
		Message string `json:"message"`
		Color   string `json:"color"`
		Cache   int    `json:"cacheSeconds"`
	}{1, s.cfg.UI.Name(), unknownState, "lightgrey", 300}
	if x.known {
		body.Label, body.Message = x.row.Name, shieldsWord[x.row.State]
		body.Color = shieldsColor[x.row.State]
	}
	return sendJSON(c, http.StatusOK, body)
}

var (
	shieldsWord = map[presence.State]string{presence.Online: "online", presence.Away: "away",
		presence.DND: "do not disturb", presence.Offline: "offline"}
	shieldsColor = map[presence.State]string{presence.Online: "#177245", presence.Away: "#8f5b00", presence.DND: "#b3261e",
		presence.Offline: "lightgrey"}
)
