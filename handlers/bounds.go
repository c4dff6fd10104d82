package handlers

import (
	"cmp"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/labstack/echo/v4"

	"rollcall/accounts"
)

// Size limits of a request.
const (
	maxBody   = 64 << 10 // bytes
	maxQuery  = 4 << 10  // bytes
	maxFields = 50       // of a form

	maxBulkFields = 2*accounts.MaxBulk + maxFields // of a form about several people
)

// boundRequests refuses long queries, which no route accepts.
func (s *Server) boundRequests(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if len(c.Request().URL.RawQuery) > maxQuery {
			return &failure{Status: http.StatusRequestURITooLong, Heading: "Too long", Message: "This address is too long."}
		}
		return next(c)
	}
}

// isUpload reports whether the body of r has parts, such as files. An invalid type isn't a form type either; readForm
// refuses it.
func isUpload(r *http.Request) bool {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return strings.HasPrefix(kind, "multipart/")
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
	if err := s.rules.crossOrigin.Check(r); err != nil {
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
func readForm(r *http.Request) (url.Values, error) { return readFields(r, maxFields) }

// readFields is readForm for a form with at most limit fields.
func readFields(r *http.Request, limit int) (url.Values, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return nil, unsupported()
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, bodyError(err)
	}
	if strings.Count(string(body), "&") >= limit {
		return nil, tooManyFields()
	}
	fields, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, &failure{Status: http.StatusBadRequest, Err: err}
	}
	return fields, nil
}

func tooManyFields() *failure {
	return &failure{Status: http.StatusBadRequest, Message: "That form has too many fields."}
}

// readUpload is readFields for a form with files. A file is the value of its field, instead of what was typed into
// another field with the same name. A field without a chosen file has no value.
func readUpload(r *http.Request, limit int) (url.Values, error) {
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, &failure{Status: http.StatusBadRequest, Err: err}
	}
	fields := url.Values{}
	for n := 0; ; n++ {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return fields, nil
		}
		if err != nil {
			return nil, bodyError(err)
		}
		if n >= limit {
			return nil, tooManyFields()
		}
		text, err := io.ReadAll(part)
		if err != nil {
			return nil, bodyError(err)
		}
		_, isFile := part.Header["Content-Type"]
		switch {
		case isFile && len(text) > 0:
			fields.Set(part.FormName(), string(text))
		case !isFile:
			fields.Add(part.FormName(), string(text))
		}
	}
}

// postedKey is the key of the fields in a request's Echo context.
const postedKey = "posted"

// posted returns the fields of a posted form, within the limits of the policy. Several steps of a request may call it.
func posted(c echo.Context) (fields url.Values, err error) {
	if fields, ok := c.Get(postedKey).(url.Values); ok {
		return fields, nil
	}
	p := policyOf(c)
	if limit := cmp.Or(p.fields, maxFields); p.uploads && isUpload(c.Request()) {
		fields, err = readUpload(c.Request(), limit)
	} else {
		fields, err = readFields(c.Request(), limit)
	}
	if err == nil {
		c.Set(postedKey, fields)
	}
	return fields, err
}

// bodyError returns errors that explain handles unchanged. Any other error is the client's fault.
func bodyError(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) || errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	return &failure{Status: http.StatusBadRequest, Err: err}
}
