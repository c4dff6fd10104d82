package handlers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"mime"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"rollcall/accounts"
	"rollcall/ui"
)

// failure is an error with what the visitor sees. Heading and Message are shown; Err is the cause and only goes to the
// log.
type failure struct {
	Status     int
	Heading    string               // "": the default for Status
	Message    string               // "": the default for Status
	Fields     accounts.FieldErrors // what is wrong with which field; Message then joins their sentences
	RetryAfter time.Duration        // sent with 429 and 503; 0: a few seconds
	Problem    problemType          // for programs; "": that of Status
	Err        error

	lines  []fieldProblem // what is wrong with a list, for programs
	quiet  bool           // expected: logged at debug level whatever the status
	logged bool           // already logged where it happened, with more detail
}

func (f *failure) Error() string {
	text := strconv.Itoa(f.Status) + " " + http.StatusText(f.Status)
	if f.Message != "" {
		text += ": " + f.Message
	}
	if f.Err != nil {
		text += ": " + f.Err.Error()
	}
	return text
}

func (f *failure) Unwrap() error { return f.Err }

const (
	statusClientGone = 499             // the client left before there was a response; only for the log
	retrySoon        = 5 * time.Second // for a 503 without its own time
)

// unavailable wraps an error of the store. The visitor must neither get access nor be told that it worked.
func unavailable(err error) error {
	return &failure{Status: http.StatusServiceUnavailable, Err: err}
}

// notRead wraps an error of a read as unavailable. Errors that explain has a message for pass through unchanged.
func notRead(err error) error {
	if errors.Is(err, accounts.ErrCursor) || errors.Is(err, accounts.ErrBusy) {
		return err
	}
	return unavailable(err)
}

// notSaved wraps an error of a write, such as a full disk.
func notSaved(err error) *failure {
	if errors.Is(err, accounts.ErrUnknown) {
		return perhapsSaved(err)
	}
	return &failure{Status: http.StatusServiceUnavailable, Heading: "Not saved",
		Message: "Rollcall can't save anything right now, so nothing was changed. Try again in a minute. " +
			"If it keeps happening, tell the person who runs this Rollcall.", Err: err}
}

// perhapsSaved is the failure for a change whose outcome is unknown.
func perhapsSaved(err error) *failure {
	return &failure{Status: http.StatusServiceUnavailable, Heading: "Maybe not saved",
		Message: "Your change may or may not have been saved. Check before you try again.", Err: err}
}

// answer is Echo's error handler and the only place that turns an error into a response. It picks the status, the
// format (a page, or problem+json for a program) and the log level. The visitor never sees err itself.
func (s *Server) answer(err error, c echo.Context) {
	f := explain(err, c.Request())
	s.logFailure(f, c)
	if c.Response().Committed {
		return // part of another response has already been sent
	}
	setRetryAfter(c, f)
	switch {
	case s.errorFormatOf(c) == asProblem, wantsProblem(c.Request()):
		err = s.problem(f, c)
	case ofPanel(c):
		err = c.HTMLBlob(f.Status, s.cfg.UI.Refused(f.Status, f.Heading, f.Message))
	default:
		err = s.errorPage(f, c)
	}
	if err != nil && c.Request().Context().Err() == nil {
		s.log.Debug("error response not sent", "err", err, "request", requestID(c))
	}
}

// explain returns what an error means to a visitor. An unknown error is a 500 without details.
func explain(err error, r *http.Request) *failure {
	var f *failure
	if errors.As(err, &f) {
		if f.Status >= 500 && r.Context().Err() != nil {
			return clientGone(err)
		}
		return f
	}
	if wrong := accounts.WrongFields(err); len(wrong) > 0 {
		return wrongFields(wrong, err)
	}
	var tooLarge *http.MaxBytesError
	var routed *echo.HTTPError
	switch {
	case r.Context().Err() != nil && errors.Is(err, context.Canceled):
		return clientGone(err)
	case errors.Is(err, accounts.ErrBusy):
		return busy(err)
	case errors.Is(err, accounts.ErrUnknown):
		return perhapsSaved(err)
	case errors.Is(err, accounts.ErrLost):
		return notSaved(err)
	case errors.Is(err, accounts.ErrCursor):
		return &failure{Status: http.StatusBadRequest, Heading: "No such page",
			Message: "This link to a page of the board doesn't work. Start from the first page.", Err: err}
	case errors.As(err, &tooLarge):
		return bodyTooLarge(err)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &failure{Status: http.StatusRequestTimeout, Heading: "Too slow",
			Message: "The request took too long to arrive. Try again.", Err: err}
	case errors.As(err, &routed):
		return &failure{Status: routed.Code, Heading: headings[routed.Code], Message: messages[routed.Code], Err: err}
	}
	return &failure{Status: http.StatusInternalServerError, Err: err}
}

// Headings and messages for errors of Echo itself that the error page has no default for.
var (
	headings = map[int]string{http.StatusMethodNotAllowed: "Method not allowed"}
	messages = map[int]string{http.StatusMethodNotAllowed: "This address doesn't accept this kind of request."}
)

func clientGone(err error) *failure {
	return &failure{Status: statusClientGone, Err: err}
}

func busy(err error) *failure {
	return &failure{Status: http.StatusServiceUnavailable, Heading: "Very busy",
		Message: "Rollcall is very busy right now. Try again in a few seconds.", Err: err}
}

func tooManyActs(err error) *failure {
	return &failure{Status: http.StatusTooManyRequests, Heading: "Too many changes in a day", RetryAfter: time.Hour, Err: err,
		Message: fmt.Sprintf("In 24 hours, you can make up to %d changes to others here. Wait, or use rollcall commands, "+
			"which aren't limited.", accounts.AuditPerDay)}
}

func bodyTooLarge(err error) *failure {
	return &failure{Status: http.StatusRequestEntityTooLarge, Heading: "Too large",
		Message: "That's more than this form accepts.", Err: err}
}

// logFailure logs f. A 5xx is an error somebody should act on, unless a limit caused it. The rest is in the access log
// anyway.
func (s *Server) logFailure(f *failure, c echo.Context) {
	level := slog.LevelDebug
	switch {
	case f.logged:
		return
	case f.quiet || f.Status < 500:
	case errors.Is(f.Err, accounts.ErrBusy):
		level = slog.LevelWarn
	default:
		level = slog.LevelError
	}
	s.log.LogAttrs(context.Background(), level, "request failed",
		slog.Int("status", f.Status), slog.Any("err", f.Err), slog.String("request", requestID(c)))
}

// setRetryAfter sets Retry-After in whole seconds, rounded up, for the statuses that have one.
func setRetryAfter(c echo.Context, f *failure) {
	if f.Status != http.StatusTooManyRequests && f.Status != http.StatusServiceUnavailable {
		return
	}
	wait := f.RetryAfter
	if wait <= 0 {
		wait = retrySoon
	}
	c.Response().Header().Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
}

func (s *Server) errorPage(f *failure, c echo.Context) error {
	body, err := s.cfg.UI.Page(ui.ErrorPage{
		Layout: s.layout(c, ""), Status: f.Status, Heading: f.Heading, Message: f.Message, RequestID: requestID(c),
	})
	if err != nil {
		s.log.Error("render error page", "err", err, "request", requestID(c))
		return c.String(f.Status, http.StatusText(f.Status)+"\n")
	}
	return c.HTMLBlob(f.Status, body)
}

// wantsProblem reports whether r asks for JSON and not for a page. Browsers always ask for HTML. A client that names
// neither gets the page.
func wantsProblem(r *http.Request) bool {
	asked := false
	for _, header := range r.Header.Values("Accept") {
		for item := range strings.SplitSeq(header, ",") {
			kind, _, err := mime.ParseMediaType(item)
			if err != nil {
				continue
			}
			switch kind {
			case "text/html", "application/xhtml+xml":
				return false
			case "application/json", "application/problem+json":
				asked = true
			}
		}
	}
	return asked
}
