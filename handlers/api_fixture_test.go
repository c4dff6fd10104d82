package handlers

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/config"
	failures "github.com/pb33f/libopenapi-validator/errors"

	"rollcall/accounts"
	"rollcall/handlers/openapi"
)

// contract checks requests and responses against the OpenAPI document. Fields, parameters and headers that the document
// doesn't declare are errors, although its schemas stay open for clients.
var contract = sync.OnceValues(func() (validator.Validator, []error) {
	document, err := libopenapi.NewDocument(openapi.YAML)
	if err != nil {
		return nil, []error{err}
	}
	ignored := []string{"authorization", "cookie", "content-type", "content-length", "accept", "origin", "sec-fetch-site", "vary",
		"cache-control", "x-request-id", "allow"}
	for name := range apiHeaders(securityHeaders(site{scheme: "http"}, false)) {
		ignored = append(ignored, strings.ToLower(name))
	}
	return validator.NewValidator(document, config.WithStrictMode(), config.WithFormatAssertions(),
		config.WithoutSecurityValidation(), config.WithStrictIgnoredHeadersExtra(ignored...),
		config.WithStrictIgnorePaths("$.body.entries[*].detail.*")) // a map: its keys depend on the action
})

// program calls the API with a token, or with the cookies of a browser. Every request that succeeds and every response
// must be as the OpenAPI document says.
type program struct {
	*browser
	token string
}

// program returns a program that acts for a person. The person is created if they don't exist.
func (f *fixture) program(name string, scopes ...accounts.Scope) *program {
	f.t.Helper()
	user, err := f.store.UserByName(f.t.Context(), name)
	if err != nil {
		user = f.person(name)
	}
	text, _, err := f.store.CreateToken(acting(f.t.Context()), accounts.NewToken{UserID: user.ID, Scopes: scopes})
	f.must(err)
	b := f.browser()
	b.header = http.Header{}
	return &program{b, text}
}

// call sends a request to a path of the API. body is JSON, or "" for none.
func (p *program) call(method, path, body string) answer {
	p.f.t.Helper()
	var in io.Reader
	if body != "" {
		in = strings.NewReader(body)
	}
	r := httptest.NewRequestWithContext(p.f.t.Context(), method, p.f.server.site.path(apiPath+path), in)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if p.token != "" {
		r.Header.Set("Authorization", "Bearer "+p.token)
	}
	a := p.send(r)
	p.check(r, body, a)
	return a
}

// check compares a request and its response with the OpenAPI document.
func (p *program) check(r *http.Request, body string, a answer) {
	t := p.f.t
	t.Helper()
	check, errs := contract()
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	again := func() *http.Request {
		q := r.Clone(r.Context())
		q.URL.Path = strings.TrimPrefix(q.URL.Path, p.f.server.site.base)
		q.Header.Del("Cookie") // it stands for a token
		q.Body = io.NopCloser(strings.NewReader(body))
		if body == "" {
			q.Body = http.NoBody
		}
		return q
	}
	report := func(what string, ok bool, all []*failures.ValidationError) {
		if ok {
			return
		}
		for _, e := range all {
			t.Errorf("%s %s: the %s isn't as the document says: %s: %s", r.Method, r.URL, what, e.Message, e.Reason)
			for _, s := range e.SchemaValidationErrors {
				t.Errorf("\t%s", s.Reason)
			}
		}
		t.Errorf("\t%d %s", a.StatusCode, a.body)
	}
	if a.StatusCode < 400 {
		ok, all := check.ValidateHttpRequestSync(again())
		report("request", ok, all)
	}
	if known, _ := operationOf(r.Method, strings.TrimPrefix(again().URL.Path, apiPath)); !known {
		return // the document has no response for it
	}
	response := *a.Response
	response.Body = io.NopCloser(strings.NewReader(a.body))
	ok, all := check.ValidateHttpResponse(again(), &response)
	report("response", ok, all)
}

// operationOf returns the operation of a request, if there is one.
func operationOf(method, path string) (known bool, id string) {
	given := strings.Split(path, "/")
	for _, o := range operations {
		parts := strings.Split(o.path, "/")
		same := o.method == method && len(parts) == len(given)
		for i := 0; same && i < len(parts); i++ {
			same = parts[i] == given[i] || strings.HasPrefix(parts[i], "{") && given[i] != ""
		}
		if same {
			return true, o.id
		}
	}
	return false, ""
}

// want calls and fails the test unless the response has a status.
func (p *program) want(status int, method, path, body string) answer {
	p.f.t.Helper()
	a := p.call(method, path, body)
	wantStatus(p.f.t, method+" "+path, a, status)
	return a
}

// into reads the body of a response.
func into[T any](t testing.TB, a answer) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), &v); err != nil {
		t.Fatalf("%v in %s", err, a.body)
	}
	return v
}

// wrongProblem is a problem as programs see it.
type wrongProblem struct {
	Type, Title, Detail string
	Status              int
	RequestID           string `json:"request_id"`
	Errors              []struct{ Pointer, Code, Detail string }
}

// wantProblem calls and fails the test unless the response is a problem of a type. It returns the pointers of its
// errors.
func (p *program) wantProblem(status int, kind problemType, method, path, body string) wrongProblem {
	p.f.t.Helper()
	a := p.want(status, method, path, body)
	got := into[wrongProblem](p.f.t, a)
	if got.Type != problemBase+string(kind) || got.Status != status || got.RequestID != a.Header.Get("X-Request-Id") ||
		a.Header.Get("Content-Type") != "application/problem+json" || got.Detail == "" {
		p.f.t.Errorf("%s %s = %s %s, want a problem of the type %s with a detail", method, path, a.Header.Get("Content-Type"), a.body, kind)
	}
	return got
}
