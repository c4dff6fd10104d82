package handlers

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
)

// A group's policy applies to each of its routes: headers, the format of errors, the size of bodies, and who may call.
func TestPolicies(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	s := f.server
	f.person("ada")
	stranger, ada := f.browser(), f.browser()
	ada.enter("ada")
	ok := func(c echo.Context) error {
		if _, err := readForm(c.Request()); err != nil && c.Request().Method == http.MethodPost {
			return err
		}
		return c.String(http.StatusOK, "ok")
	}
	fail := func(echo.Context) error { return &failure{Status: http.StatusTeapot, Message: "No coffee."} }

	framed := s.group(policy{callers: anybody, headers: http.Header{
		"Content-Security-Policy":      {"default-src 'none'; frame-ancestors *"},
		"Cross-Origin-Resource-Policy": {"cross-origin"},
	}})
	framed.get("/framed", ok)
	a := stranger.get("/framed")
	if a.Header.Get("Content-Security-Policy") != "default-src 'none'; frame-ancestors *" ||
		a.Header.Get("X-Frame-Options") != "" ||
		a.Header.Get("Cross-Origin-Resource-Policy") != "cross-origin" || a.Header.Get("X-Request-Id") == "" {
		t.Errorf("the headers of a group with its own are %v", a.Header)
	}

	api := s.group(policy{callers: anybody, anySite: true, errors: asProblem, body: 100})
	api.get("/api/tea", fail)
	api.post("/api/tea", ok)
	stranger.header.Set("Accept", "text/html")
	for target, want := range map[string]int{"/api/tea": http.StatusTeapot, "/api/nowhere": http.StatusNotFound} {
		a := stranger.get(target)
		if kind := a.Header.Get("Content-Type"); a.StatusCode != want || kind != "application/problem+json" {
			t.Errorf("GET %s for a browser = %d %s, want %d as problem+json", target, a.StatusCode, kind, want)
		}
	}
	if a := stranger.get("/nowhere"); !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
		t.Errorf("an error elsewhere = %s, want a page", a.Header.Get("Content-Type"))
	}
	stranger.header.Set("Sec-Fetch-Site", "cross-site")
	wantStatus(t, "a request from another site where that is allowed",
		stranger.do("POST", "/api/tea", url.Values{"a": {"b"}}), http.StatusOK)
	wantStatus(t, "a body over the group's limit",
		stranger.do("POST", "/api/tea", url.Values{"a": {strings.Repeat("x", 100)}}), http.StatusRequestEntityTooLarge)

	own := s.group(policy{})
	own.get("/own", ok)
	own.post("/own", ok)
	wantStatus(t, "a request from another site", stranger.do("POST", "/own", url.Values{}), http.StatusForbidden)
	stranger.header.Del("Sec-Fetch-Site")
	wantRedirect(t, "a stranger on a page for members", stranger.get("/own"), "/login?next=%2Fown")
	wantStatus(t, "a member", ada.get("/own"), http.StatusOK)
}

// A response may take longer than usual if its policy or its handler says so.
func TestPolicyOfStreams(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	const usual = 200 * time.Millisecond
	drip := func(c echo.Context) error {
		for i := range 4 {
			if _, err := fmt.Fprintln(c.Response(), i); err != nil {
				return err
			}
			c.Response().Flush()
			time.Sleep(usual / 2) // the pace of the stream
		}
		return nil
	}
	f.server.group(policy{callers: anybody, anyHost: true}).get("/usual", drip)
	f.server.group(policy{callers: anybody, anyHost: true, answerIn: -1}).get("/stream", drip)
	f.server.group(policy{callers: anybody, anyHost: true}).get("/extended", func(c echo.Context) error {
		return errors.Join(setAnswerTime(c, time.Minute), drip(c))
	})
	srv := f.server.HTTPServer()
	srv.WriteTimeout = usual
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close(); <-served })
	for path, whole := range map[string]bool{"/usual": false, "/stream": true, "/extended": true} {
		resp, err := http.Get("http://" + l.Addr().String() + path)
		if err != nil {
			t.Fatal(err)
		}
		lines := 0
		for in := bufio.NewScanner(resp.Body); in.Scan(); lines++ {
		}
		_ = resp.Body.Close()
		if (lines == 4) != whole {
			t.Errorf("GET %s gave %d of 4 lines, want all of them: %t", path, lines, whole)
		}
	}
	http.DefaultClient.CloseIdleConnections()
}

// Every HTTP method has its own label in the metrics.
func TestMethodsInMetrics(t *testing.T) {
	f := newFixture(t)
	b := f.browser()
	for _, method := range append(methods, "BREW") {
		b.do(method, "/login", nil)
	}
	scraped := f.scrape()
	for _, method := range append(methods, "other") {
		found := false
		for name := range scraped {
			found = found || strings.HasPrefix(name, "rollcall_http_requests_total{") &&
				strings.Contains(name, `method="`+method+`"`)
		}
		if !found {
			t.Errorf("no request is counted with the method %s", method)
		}
	}
}
