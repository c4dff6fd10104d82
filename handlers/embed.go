package handlers

import (
	"errors"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"rollcall/accounts"
	"rollcall/live"
	"rollcall/presence"
	"rollcall/ui"
)

// embedded is what an embed tells, as JSON for embed.js. It has no ID of anybody, and no times except ends of statuses.
type embedded struct {
	Title   string           `json:"title"`
	Summary string           `json:"summary"`
	Here    int              `json:"here"`
	Of      int              `json:"of"`
	Live    bool             `json:"live"`   // false: the last known states of some people
	People  []embeddedPerson `json:"people"` // who are here; null: only counts are shown
	Board   string           `json:"board"`  // URL of the board
}

type embeddedPerson struct {
	Name  string `json:"name"`
	State string `json:"state"`
	Text  string `json:"text,omitempty"`
}

// embed returns the share of a request, and what it tells. Only people who agreed to be on public pages are in it or
// counted.
func (s *Server) embed(c echo.Context) (accounts.Share, embedded, error) {
	x, owner, err := s.shared(c, accounts.EmbedShare)
	if err != nil {
		return x, embedded{}, noShare(err)
	}
	ctx := c.Request().Context()
	people, err := s.cfg.Accounts.PublicPeople(ctx, x.Team)
	if err != nil {
		return x, embedded{}, unavailable(err)
	}
	few, err := s.live.Few(ctx, people, owner.Person, live.Reticent)
	if err != nil {
		return x, embedded{}, unavailable(err)
	}
	if few.Warming {
		return x, embedded{}, &failure{Status: http.StatusServiceUnavailable, RetryAfter: comingBackIn, quiet: true,
			Heading: "People are coming back…", Message: "Rollcall has just started. This takes a few seconds."}
	}
	return x, s.tell(c, x, few), nil
}

func (s *Server) tell(c echo.Context, x accounts.Share, few live.Few) embedded {
	e := embedded{Title: x.Team, Of: len(few.Rows), Live: few.Lost.IsZero(), Board: s.link(c, "/", "")}
	if e.Title == "" {
		e.Title = s.cfg.UI.Name()
	}
	if !x.Counts {
		e.People = []embeddedPerson{}
	}
	for _, entry := range few.Rows {
		row := entry.Row
		e.Live = e.Live && !row.Stale
		if row.State == presence.Offline {
			continue
		}
		e.Here++
		if x.Counts {
			continue
		}
		p := embeddedPerson{Name: row.Name, State: string(row.State)}
		if x.Texts {
			p.Text = strings.TrimSpace(row.Emoji + " " + row.Text)
		}
		e.People = append(e.People, p)
	}
	e.Summary = fmt.Sprintf("%d of %d here", e.Here, e.Of)
	return e
}

// embedPage shows an embed in a frame of another site. Browsers allow that only to the sites of the share.
func (s *Server) embedPage(c echo.Context) error {
	x, e, err := s.embed(c)
	var f *failure
	if errors.As(err, &f) && f.quiet { // the page in the frame tries again by itself
		err = nil
	}
	if err != nil {
		return err
	}
	s.allowFrames(c, x.Origins)
	page := ui.EmbedPage{Title: e.Title, Summary: e.Summary, Board: e.Board, Source: s.site.path("/embed/") + c.Param("token")}
	for _, p := range e.People {
		page.People = append(page.People, ui.EmbedPerson(p))
	}
	return s.page(c, http.StatusOK, page)
}

// allowFrames lets pages of these origins show the response in a frame. accounts.ParseOrigin made sure that they're
// safe in a policy.
func (s *Server) allowFrames(c echo.Context, origins []string) {
	h := c.Response().Header()
	h.Set("Content-Security-Policy", strings.Replace(h.Get("Content-Security-Policy"), "frame-ancestors 'none'",
		"frame-ancestors "+strings.Join(origins, " "), 1))
	h.Del("X-Frame-Options") // can't name origins
}

// embedJSON answers the element of embed.js. Pages of other sites can read it only if the share names them, and our own
// frame can.
func (s *Server) embedJSON(c echo.Context) error {
	h := c.Response().Header()
	h.Add("Vary", "Origin")
	x, e, err := s.embed(c)
	if origin := c.Request().Header.Get("Origin"); origin != "" && slices.Contains(x.Origins, origin) {
		h.Set("Access-Control-Allow-Origin", origin)
	}
	if err != nil {
		return err
	}
	return sendJSON(c, http.StatusOK, e)
}

// embedScript serves the element at an address that stays the same. Its copy with a hash in its name never changes, for
// pages that want to check its content.
func (s *Server) embedScript(c echo.Context) error {
	script := s.cfg.UI.Asset("embed.js")
	if script == nil {
		return echo.ErrNotFound
	}
	name := path.Base(s.cfg.UI.AssetURL("embed.js")) // embed.HASH.js
	c.Response().Header().Set("Content-Location", s.site.path("/"+strings.Replace(name, ".", "-", 1)))
	return cachedAnswer(c, "text/javascript; charset=utf-8", "public, max-age=3600", script)
}

// embedScriptOf serves the same script as long as it has the hash that the address names.
func (s *Server) embedScriptOf(c echo.Context) error {
	hash, ok := strings.CutSuffix(c.Param("hash"), ".js")
	url := s.cfg.UI.AssetURL("embed.js")
	if !ok || hash == "" || !strings.HasSuffix(url, "/embed."+hash+".js") {
		return echo.ErrNotFound
	}
	return cachedAnswer(c, "text/javascript; charset=utf-8", "public, max-age=31536000, immutable", s.cfg.UI.Asset("embed.js"))
}
