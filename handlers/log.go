package handlers

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"regexp"
	"runtime/debug"
	"time"

	"github.com/labstack/echo/v4"
)

// Keys of values in a request's Echo context.
const (
	requestIDKey = "request id"
	principalKey = "principal"
	probeKey     = "probe" // a health check, every few seconds: logged at debug level
)

// maxLogged is the maximum number of bytes of a path or method that are logged.
const maxLogged = 200

// observe wraps all other steps. It gives the request an id, sets the headers of every response, answers errors, counts
// requests, and writes the access log. A line of the log holds no query, no cookie and no name.
func (s *Server) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		start := time.Now()
		id := s.nameRequest(c.Request())
		c.Set(requestIDKey, id)
		setHeaders(c.Response().Header(), s.rules.headers)
		c.Response().Header().Set(echo.HeaderXRequestID, id)
		s.addresses.warnUntrusted(c.Request())
		if err := next(c); err != nil {
			c.Error(err)
		}
		took := time.Since(start)
		s.metrics.request(c, took)
		s.logRequest(c, took)
		return nil
	}
}

// logRequest logs a request. A socket is logged when it ends, by logSocket, and so is a stream, by logStream.
func (s *Server) logRequest(c echo.Context, took time.Duration) {
	if !s.cfg.AccessLog || c.Response().Status == http.StatusSwitchingProtocols || c.Get(streamKey) != nil {
		return
	}
	level := slog.LevelInfo
	if c.Get(probeKey) != nil {
		level = slog.LevelDebug
	}
	attrs := []slog.Attr{
		slog.String("method", clip(c.Request().Method)),
		slog.String("path", clip(loggedPath(c))),
		slog.Int("status", c.Response().Status),
		slog.Float64("ms", float64(took.Microseconds())/1000),
		slog.Int64("bytes", c.Response().Size),
		slog.String("address", from(s.addresses.of(c.Request()))),
		slog.String("request", requestID(c)),
	}
	if v := signedIn(c); v != nil {
		attrs = append(attrs, slog.String("user", v.user.ID))
	}
	s.log.LogAttrs(context.Background(), level, "request", attrs...)
}

// loggedPath returns the path of a request, or only its route if the path holds a secret.
func loggedPath(c echo.Context) string {
	if p, _ := c.Get(policyKey).(policy); p.secret {
		return c.Path()
	}
	return tokenLike.ReplaceAllString(c.Request().URL.Path, "…")
}

// tokenLike matches what can be the token of a link, also in a path that no route has, such as one with another slash.
var tokenLike = regexp.MustCompile(`[A-Za-z0-9_-]{43}|[A-Za-z0-9]{27,}`)

// recoverPanics turns a panic into an error page and logs it with its stack, at error level, because a panic is a bug.
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

// from formats an address for the log.
func from(addr netip.Addr) string {
	if !addr.IsValid() {
		return "-" // a unix socket
	}
	return addr.String()
}

// nameRequest returns the id of a request. It uses the id of a trusted proxy, so that the lines of both logs can be
// matched, or else generates one. It ignores ids from clients. Fly's proxy passes on a client's X-Request-Id, so on Fly
// only Fly-Request-Id counts.
func (s *Server) nameRequest(r *http.Request) string {
	header := echo.HeaderXRequestID
	if s.cfg.OnFly {
		header = "Fly-Request-Id"
	}
	if id := r.Header.Values(header); len(id) == 1 && plainID(id[0]) && s.addresses.trusts(parseAddr(r.RemoteAddr)) {
		return id[0]
	}
	return newRequestID()
}

// maxRequestID is the maximum length of a proxy's request id, in bytes.
const maxRequestID = 64

func plainID(id string) bool {
	for i := range len(id) {
		switch c := id[i]; {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '-', c == '_', c == '.':
		default:
			return false
		}
	}
	return id != "" && len(id) <= maxRequestID
}

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
