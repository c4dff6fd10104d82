package handlers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"rollcall/accounts"
)

func TestErrorsAreAnswered(t *testing.T) {
	t.Parallel()
	secret := errors.New("secret-cause at internal.go:17")
	tests := []struct {
		err        error
		status     int
		level      string
		retryAfter string
	}{
		{secret, 500, "ERROR", ""},
		{fmt.Errorf("load: %w", secret), 500, "ERROR", ""},
		{unavailable(secret), 503, "ERROR", "5"},
		{fmt.Errorf("hash: %w", accounts.ErrBusy), 503, "WARN", "5"},
		{fmt.Errorf("change: %w", accounts.ErrUnknown), 503, "ERROR", "5"},
		{accounts.ErrCursor, 400, "DEBUG", ""},
		{&failure{Status: 404, Err: secret}, 404, "DEBUG", ""},
		{fmt.Errorf("wrapped: %w", &failure{Status: 418, Err: secret}), 418, "DEBUG", ""},
		{&failure{Status: 429, RetryAfter: 1500e6}, 429, "DEBUG", "2"},
		{&failure{Status: 503, quiet: true}, 503, "DEBUG", "5"},
		{echo.NewHTTPError(400, "secret-cause"), 400, "DEBUG", ""},
		{echo.ErrNotFound, 404, "DEBUG", ""},
		{&http.MaxBytesError{Limit: 1}, 413, "DEBUG", ""},
		{os.ErrDeadlineExceeded, 408, "DEBUG", ""},
		{context.Canceled, 500, "ERROR", ""}, // the client is still there
		{context.DeadlineExceeded, 500, "ERROR", ""},
	}
	for _, tt := range tests {
		t.Run(tt.err.Error(), func(t *testing.T) {
			f := newFixture(t)
			f.server.echo.GET("/fail", func(echo.Context) error { return tt.err })
			a := f.browser().get("/fail")
			wantStatus(t, "GET /fail", a, tt.status)
			if got := a.Header.Get("Retry-After"); got != tt.retryAfter {
				t.Errorf("Retry-After = %q, want %q", got, tt.retryAfter)
			}
			if strings.Contains(a.body, "secret-cause") || !strings.Contains(a.body, a.Header.Get("X-Request-Id")) {
				t.Errorf("the page shows the cause, or lacks the request id:\n%s", a.body)
			}
			if lines := f.logs.lines(`msg="request failed"`); len(lines) != 1 || !strings.Contains(lines[0], "level="+tt.level) {
				t.Errorf("log = %q, want one line at %s", lines, tt.level)
			}
			b := f.browser()
			b.header.Set("Accept", "application/json")
			a = b.get("/fail")
			wantStatus(t, "GET /fail as a program", a, tt.status)
			var problem struct {
				Type, Title, Detail string
				Status              int
				RequestID           string `json:"request_id"`
			}
			if err := json.Unmarshal([]byte(a.body), &problem); err != nil || problem.Status != tt.status ||
				problem.Type != "about:blank" ||
				problem.Title != http.StatusText(tt.status) || problem.RequestID != a.Header.Get("X-Request-Id") ||
				strings.Contains(a.body, "secret-cause") {
				t.Errorf("problem = %s, %v", a.body, err)
			}
			if got := a.Header.Get("Content-Type"); got != "application/problem+json" {
				t.Errorf("Content-Type = %q, want application/problem+json", got)
			}
		})
	}
}

// A client that disconnects doesn't cause an error in the log.
func TestClientGone(t *testing.T) {
	for _, err := range []error{context.Canceled, unavailable(context.Canceled),
		fmt.Errorf("query: %w", context.Canceled)} {
		f := newFixture(t)
		ctx, cancel := context.WithCancel(t.Context())
		f.server.echo.GET("/fail", func(echo.Context) error { cancel(); return err })
		b := f.browser()
		r, _ := http.NewRequestWithContext(ctx, "GET", "/fail", nil)
		b.send(r)
		if lines := f.logs.lines("level=ERROR"); len(lines) != 0 {
			t.Errorf("%v: logged %q, want nothing at error level", err, lines)
		}
		if lines := f.logs.lines("msg=request ", "status=499"); len(lines) != 1 {
			t.Errorf("%v: access log = %s, want status 499", err, f.logs)
		}
	}
}

func TestPanicIsAnErrorPage(t *testing.T) {
	f := newFixture(t)
	addPanic(f)
	wantStatus(t, "GET /panic", f.browser().get("/panic"), 500)
	lines := f.logs.lines("level=ERROR")
	if len(lines) != 1 || !strings.Contains(lines[0], "secret of the bug") ||
		!strings.Contains(lines[0], "headers_test.go") {
		t.Errorf("log = %q, want one line at error level with the stack", lines)
	}
	wantStatus(t, "GET /healthz", f.browser().get("/healthz"), 200)
}

// After a response has started, no error page is appended to it.
func TestErrorAfterResponseStarted(t *testing.T) {
	f := newFixture(t)
	f.server.echo.GET("/half", func(c echo.Context) error {
		_ = c.String(http.StatusOK, "half")
		return errors.New("too late")
	})
	a := f.browser().get("/half")
	if a.StatusCode != 200 || a.body != "half" {
		t.Errorf("GET /half = %d %q, want 200 and half", a.StatusCode, a.body)
	}
	if lines := f.logs.lines("level=ERROR", "too late"); len(lines) != 1 {
		t.Errorf("log = %s, want the error", f.logs)
	}
}

func TestWantsProblem(t *testing.T) {
	for accept, want := range map[string]bool{
		"":                                     false,
		"*/*":                                  false,
		"text/html,application/json":           false,
		"application/json":                     true,
		"Application/JSON; q=0.9, */*;q=0.1":   true,
		"application/problem+json":             true,
		"application/json, text/html;q=0.1":    false,
		"text/html,application/xhtml+xml,*/*":  false,
		"image/avif,image/webp,*/*":            false,
		"application/jsonx":                    false,
		";;;":                                  false,
		"application/json;q=nonsense,text/css": true,
	} {
		r := &http.Request{Header: http.Header{"Accept": {accept}}}
		if got := wantsProblem(r); got != want {
			t.Errorf("wantsProblem(%q) = %t, want %t", accept, got, want)
		}
	}
}

// Programs get refused forms as problem+json, too.
func TestFormsForPrograms(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.person("ada")
	for path, want := range map[string]int{"/login": 422, "/signup": 409} {
		b := f.browser()
		b.header.Set("Accept", "application/json")
		password := goodPassword
		if path == "/login" {
			password = "wrong password"
		}
		a := b.do("POST", path, url.Values{"username": {"ada"}, "password": {password}})
		wantStatus(t, "POST "+path, a, want)
		if !strings.Contains(a.body, `"detail":"`) || a.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("POST %s = %s %s, want a problem with a detail", path, a.Header.Get("Content-Type"), a.body)
		}
	}
}

// The message says that nothing was changed only if that's certain.
func TestPerhapsSaved(t *testing.T) {
	for err, want := range map[error]string{
		errors.New("disk full"):                           "nothing was changed",
		fmt.Errorf("set status: %w", accounts.ErrUnknown): "may or may not have been saved. Check before you try again",
	} {
		var f *failure
		if !errors.As(notSaved(err), &f) || !strings.Contains(f.Message, want) {
			t.Errorf("notSaved(%v) = %+v, want a message with %q", err, f, want)
		}
	}
}
