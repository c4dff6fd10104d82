package handlers

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"rollcall/accounts"
)

// Limits of requests by share links. Each process counts separately, so that badges need no Redis.
const (
	maxSharedSockets = 50   // open wall boards of one link
	sharedReads      = 1200 // by one link and minute
	sharedByAddress  = 600  // by one address and minute
	sharedWindow     = time.Minute
	comingBackIn     = 10 * time.Second // Retry-After while people are coming back
)

// shareUse knows which share links were used. The zero value isn't ready to use.
type shareUse struct {
	reads   Limiter
	touched touches
}

func newShareUse() *shareUse { return &shareUse{reads: newMemoryLimiter(maxLimiterKeys)} }

// shared returns the share that the request names by its token, and its owner, if it's of a kind. Errors:
// accounts.ErrNoShare, or a failure for the visitor.
func (s *Server) shared(c echo.Context, kind accounts.ShareKind) (accounts.Share, accounts.User, error) {
	ctx := c.Request().Context()
	var held reservation
	err := held.takeNetworks(ctx, s.touched.shares.reads, "share:address:", s.addresses.networks(c.Request()), sharedByAddress,
		sharedWindow)
	if err != nil {
		return accounts.Share{}, accounts.User{}, tooManyReads(err)
	}
	x, owner, err := s.cfg.Accounts.ShareByToken(ctx, c.Param("token"))
	switch {
	case errors.Is(err, accounts.ErrNoShare):
		return x, owner, err
	case err != nil:
		return x, owner, unavailable(fmt.Errorf("share link: %w", err))
	case x.Kind != kind:
		return accounts.Share{}, accounts.User{}, accounts.ErrNoShare
	}
	if err := held.take(ctx, s.touched.shares.reads, "share:link:"+x.ID, sharedReads, sharedWindow); err != nil {
		return x, owner, tooManyReads(err)
	}
	if now := time.Now(); now.UTC().Truncate(day).After(x.UsedAt) {
		s.touched.shares.touched.note(x.ID, now)
	}
	return x, owner, nil
}

func tooManyReads(err error) error {
	var over *limited
	if errors.As(err, &over) {
		return &failure{Status: http.StatusTooManyRequests, RetryAfter: over.retryAfter, Err: err,
			Heading: "Too many requests", Message: "This link is used too often right now. It works again in a minute."}
	}
	return unavailable(err)
}

// sharedAnswer sends a body that may be cached, but only if the server confirms it each time.
func sharedAnswer(c echo.Context, kind string, body []byte) error {
	return cachedAnswer(c, kind, "no-cache", body)
}

// cachedAnswer sends a body with an ETag of its bytes, or 304 to those who have it.
func cachedAnswer(c echo.Context, kind, cache string, body []byte) error {
	sum := sha256.Sum256(body)
	h := c.Response().Header()
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", cache)
	h.Set("ETag", `"`+base64.RawURLEncoding.EncodeToString(sum[:12])+`"`)
	http.ServeContent(c.Response(), c.Request(), "", time.Time{}, bytes.NewReader(body))
	return nil
}

// writeShareTouches writes the days on which share links were used.
func (s *Server) writeShareTouches(ctx context.Context) {
	used := s.touched.shares.touched.take()
	if len(used) == 0 {
		return
	}
	if err := s.cfg.Accounts.TouchShares(accounts.As(ctx, accounts.System), used); err != nil {
		s.log.Warn("days of use of share links were not written", "links", len(used), "err", err)
	}
}
