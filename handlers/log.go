package handlers

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/labstack/echo/v4"
)

// Keys of what a request carries in its Echo context.
const (
	requestIDKey = "request id"
	viewerKey    = "viewer"
	probeKey     = "probe" // asked every few seconds by a machine: logged at debug level
)

// maxLogged bounds what a client can make us write: bytes of a path or method in one line.
const maxLogged = 200

// observe wraps everything else: it names the request, sets the headers of every answer, answers errors and writes
// the one line of the access log. The line holds no query, no address and no name; the user's id is all there is.
func (s *Server) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		start := time.Now()
		id := newRequestID()
		c.Set(requestIDKey, id)
		s.setHeaders(c.Response().Header())
		c.Response().Header().Set(echo.HeaderXRequestID, id)
		s.addresses.notice(c.Request())
		if err := next(c); err != nil {
			c.Error(err)
		}
		s.logRequest(c, time.Since(start))
		return nil
	}
}

func (s *Server) logRequest(c echo.Context, took time.Duration) {
	level := slog.LevelInfo
	if c.Get(probeKey) != nil {
		level = slog.LevelDebug
	}
	attrs := []slog.Attr{
		slog.String("method", clip(c.Request().Method)),
		slog.String("path", clip(c.Request().URL.Path)),
		slog.Int("status", c.Response().Status),
		slog.Float64("ms", float64(took.Microseconds())/1000),
		slog.Int64("bytes", c.Response().Size),
		slog.String("request", requestID(c)),
	}
	if v := signedIn(c); v != nil {
		attrs = append(attrs, slog.String("user", v.user.ID))
	}
	s.log.LogAttrs(context.Background(), level, "request", attrs...)
}

// recoverPanics turns a panic into an error for a page, and logs it with its stack. A panic is a bug: error level.
func (s *Server) recoverPanics(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if v == http.ErrAbortHandler { // net/http's own way to cut a connection
				panic(v)
			}
			s.log.Error("panic while answering", "panic", fmt.Sprint(v), "request", requestID(c), "stack", string(debug.Stack()))
			err = &failure{Status: http.StatusInternalServerError, logged: true}
		}()
		return next(c)
	}
}

// newRequestID is made by us for each request; an id sent by the client is never taken over into the log.
func newRequestID() string {
	var b [8]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

func requestID(c echo.Context) string {
	id, _ := c.Get(requestIDKey).(string)
	return id
}

func clip(text string) string {
	if len(text) > maxLogged {
		return text[:maxLogged] + "…"
	}
	return text
}
