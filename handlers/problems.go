package handlers

import (
	"cmp"
	"encoding/json"
	"net/http"

	"github.com/labstack/echo/v4"
)

// problemType names a kind of failure for programs. It's the end of the type in problem+json (RFC 9457), which is an
// identifier and not an address.
type problemType string

const problemBase = "https://rollcall.example/problems/"

// The types that differ from those of their status.
const (
	insufficientScope    problemType = "insufficient-scope"
	confirmationRequired problemType = "confirmation-required"
)

// problemTypes holds the type for each status that the API can answer with, and its title.
var problemTypes = map[int]problem{
	http.StatusBadRequest:            {"bad-request", "The request can't be read"},
	http.StatusUnauthorized:          {"unauthorized", "No valid access token"},
	http.StatusForbidden:             {"forbidden", "Not allowed"},
	http.StatusNotFound:              {"not-found", "Not found"},
	http.StatusMethodNotAllowed:      {"method-not-allowed", "Method not allowed"},
	http.StatusRequestTimeout:        {"timeout", "Too slow"},
	http.StatusConflict:              {"conflict", "Not possible now"},
	http.StatusGone:                  {"gone", "Deleted"},
	http.StatusRequestEntityTooLarge: {"too-large", "Too large"},
	http.StatusRequestURITooLong:     {"uri-too-long", "Address too long"},
	http.StatusUnsupportedMediaType:  {"unsupported-media-type", "Another media type"},
	http.StatusMisdirectedRequest:    {"misdirected", "Another host"},
	http.StatusUnprocessableEntity:   {"validation", "Some fields are not valid"},
	http.StatusTooManyRequests:       {"rate-limited", "Too many requests"},
	http.StatusInternalServerError:   {"internal", "Something went wrong"},
	http.StatusServiceUnavailable:    {"unavailable", "Try again in a moment"},
}

type problem struct {
	kind  problemType
	title string
}

// kind returns the type of f, and its title.
func (f *failure) kind() (kind, title string) {
	switch f.Problem {
	case insufficientScope:
		return problemBase + string(f.Problem), "The access token lacks a scope"
	case confirmationRequired:
		return problemBase + string(f.Problem), "Confirm that it's you"
	}
	if p, known := problemTypes[f.Status]; known {
		return problemBase + string(p.kind), p.title
	}
	return "about:blank", http.StatusText(f.Status)
}

// problem answers a program with problem+json (RFC 9457).
func (s *Server) problem(f *failure, c echo.Context) error {
	kind, title, detail := "about:blank", http.StatusText(f.Status), f.Message
	if s.errorFormatOf(c) == asProblem {
		kind, title = f.kind()
		detail = cmp.Or(detail, title+".")
	}
	body, err := json.Marshal(struct {
		Type    string         `json:"type"`
		Title   string         `json:"title"`
		Status  int            `json:"status"`
		Detail  string         `json:"detail,omitempty"`
		Request string         `json:"request_id"`
		Errors  []fieldProblem `json:"errors,omitempty"`
	}{kind, cmp.Or(title, "Failure"), f.Status, detail, requestID(c), f.fieldProblems()})
	if err != nil {
		return err
	}
	return c.Blob(f.Status, "application/problem+json", body)
}
