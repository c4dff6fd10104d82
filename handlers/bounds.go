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

// Sizes of what a request may bring.
const (
	maxBody   = 64 << 10 // bytes
	maxQuery  = 4 << 10  // bytes
	maxFields = 50       // of a form
)

// boundRequests refuses what nothing of ours takes: long queries and uploads.
func (s *Server) boundRequests(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if len(r.URL.RawQuery) > maxQuery {
			return &failure{Status: http.StatusRequestURITooLong, Heading: "Too long", Message: "This address is too long."}
		}
		// What cannot be parsed is no form either, and is refused where a form is read.
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
	// The writer below Echo's own is told, so that net/http closes the connection instead of reading on.
	r.Body = http.MaxBytesReader(c.Response().Writer, r.Body, limit)
	return nil
}

// checkSite refuses what another site made the visitor's browser send. GET, HEAD and OPTIONS pass: they never change
// anything.
func (s *Server) checkSite(r *http.Request) error {
	if err := s.crossOrigin.Check(r); err != nil {
		return &failure{Status: http.StatusForbidden, Heading: "Refused",
			Message: "This request came from another site. Open the board and do it there.", Err: err}
	}
	return nil
}

func unsupported() *failure {
	return &failure{Status: http.StatusUnsupportedMediaType, Heading: "Not a form", Message: "This form doesn't accept uploads."}
}

// readForm reads the fields of a posted form. The query of the address is not looked at: what is done must stand in
// the body. It fails with 400, 413 or 415.
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

// bodyError leaves what explain knows as it is; any other break is the client's doing.
func bodyError(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) || errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	return &failure{Status: http.StatusBadRequest, Err: err}
}
