package handlers

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"rollcall/live"
)

// reply is what an operation answers.
type reply struct {
	status int
	body   any         // encoded as JSON; nil: no body
	file   *file       // instead of a body
	header http.Header // besides those of the policy
	watch  []live.Want // what to watch for changes of the reply, if the caller wants to wait for one
	quiet  bool        // it holds a secret: it's never stored, and has no ETag
}

// file is a reply that is a list for spreadsheets.
type file struct {
	name  string
	write func(io.Writer) error // after the first bytes, an error can only cut the file off
}

// ok is a reply with a body.
func ok(body any) reply { return reply{status: http.StatusOK, body: body} }

// none is a reply without a body.
func none() reply { return reply{status: http.StatusNoContent} }

// created is the reply about something new at a path of the API.
func (s *Server) created(path string, body any) reply {
	return reply{status: http.StatusCreated, body: body, header: http.Header{"Location": {s.site.path(apiPath + path)}}}
}

// encoded returns the body as JSON with a line break at the end.
func (r reply) encoded() ([]byte, error) {
	var b bytes.Buffer
	out := json.NewEncoder(&b)
	out.SetEscapeHTML(false)
	if err := out.Encode(r.body); err != nil {
		return nil, fmt.Errorf("encode a reply: %w", err)
	}
	return b.Bytes(), nil
}

// send sends the reply to a change.
func (r reply) send(c echo.Context) error {
	setHeaders(c.Response().Header(), r.header)
	if r.file != nil {
		startCSV(c, r.file.name)
		return r.file.write(c.Response())
	}
	if r.body == nil {
		return c.NoContent(r.status)
	}
	body, err := r.encoded()
	if err != nil {
		return err
	}
	return c.Blob(r.status, "application/json", body)
}

// etagOf returns the entity tag of a body. It's weak, because compressed responses have it, too.
func etagOf(body []byte) string {
	sum := sha256.Sum256(body)
	return `W/"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
}

// maxTags is the maximum number of entity tags in If-None-Match that are looked at.
const maxTags = 16

// matches reports whether the value of If-None-Match names an entity tag.
func matches(header, etag string) bool {
	n := 0
	for tag := range strings.SplitSeq(header, ",") {
		if n++; n > maxTags {
			return false
		}
		tag = strings.TrimSpace(tag)
		if tag == "*" || strings.TrimPrefix(tag, "W/") == strings.TrimPrefix(etag, "W/") {
			return true
		}
	}
	return false
}

// sendRead sends the reply to a read, or 304 if the caller already has it.
func (r reply) sendRead(c echo.Context, body []byte) error {
	h := c.Response().Header()
	setHeaders(h, r.header)
	if r.quiet {
		return c.Blob(r.status, "application/json", body)
	}
	etag := etagOf(body)
	h.Set("ETag", etag)
	h.Set("Cache-Control", "no-cache")
	if known := c.Request().Header.Get("If-None-Match"); known != "" && matches(known, etag) {
		return c.NoContent(http.StatusNotModified)
	}
	return c.Blob(r.status, "application/json", body)
}
