package handlers

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/labstack/echo/v4"
)

// Size limits of a request.
const (
	maxBody   = 64 << 10 // bytes
	maxQuery  = 4 << 10  // bytes
	maxFields = 50       // of a form
)

// boundRequests refuses long queries and uploads, which no route accepts.
func (s *Server) boundRequests(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if len(r.URL.RawQuery) > maxQuery {
			return &failure{Status: http.StatusRequestURITooLong, Heading: "Too long", Message: "This address is too long."}
		}
		// An invalid type isn't a form type either; readForm refuses it.
		if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); strings.HasPrefix(kind, "multipart/") {
			return unsupported()
		}
		return next(c)
	}
}

// boundBody refuses a body of more than limit bytes.
func boundBody(c echo.Context, limit int64) error {
	r := c.Request()
	if r.ContentLength > limit {
		return bodyTooLarge(nil)
	}
	// MaxBytesReader gets net/http's own writer, not Echo's, so that net/http closes the connection instead of reading
	// on.
	r.Body = http.MaxBytesReader(c.Response().Writer, r.Body, limit)
	return nil
}

// checkSite refuses requests that another site made the visitor's browser send. GET, HEAD and OPTIONS pass, because
// they never change anything.
func (s *Server) checkSite(r *http.Request) error {
	if err := s.crossOrigin.Check(r); err != nil {
		return &failure{Status: http.StatusForbidden, Heading: "Refused",
			Message: "This request came from another site. Open the board and do it there.", Err: err}
	}
	return nil
}

func unsupported() *failure {
	return &failure{Status: http.StatusUnsupportedMediaType, Heading: "Not a form",
		Message: "This form doesn't accept uploads."}
}

// readForm reads the fields of a posted form. It ignores the query string, so that a link can't fill in a form. It
// fails with 400, 413 or 415.
func readForm(r *http.Request) (url.Values, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return nil, unsupported()
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, bodyError(err)
	}
	if strings.Count(string(body), "&") >= maxFields {
		return nil, &failure{Status: http.StatusBadRequest, Message: "That form has too many fields."}
	}
	fields, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, &failure{Status: http.StatusBadRequest, Err: err}
	}
	return fields, nil
}

// bodyError returns errors that explain handles unchanged. Any other error is the client's fault.
func bodyError(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) || errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	return &failure{Status: http.StatusBadRequest, Err: err}
}
