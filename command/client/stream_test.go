package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

// streamed serves one connection after another: each function writes what it sends.
func streamed(t *testing.T, conns ...func(w http.ResponseWriter, r *http.Request)) *Client {
	t.Helper()
	n := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n == len(conns) {
			t.Errorf("connection %d, want %d", n+1, len(conns))
			return
		}
		n++
		w.Header().Set("Content-Type", "application/x-ndjson")
		conns[n-1](w, r)
	}))
	t.Cleanup(server.Close)
	c, err := New(server.URL, "token", "test")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// send writes lines.
func send(w http.ResponseWriter, lines ...string) {
	for _, line := range lines {
		fmt.Fprintln(w, line)
	}
	_ = http.NewResponseController(w).Flush()
}

var errEnough = errors.New("enough")

// follow follows until there was an event of the kind last, and returns what handle got: kinds and names.
func follow(t *testing.T, c *Client, last string) (got []string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	f := follower{client: c, team: "Ops & co", wait: time.Millisecond, silence: 10 * time.Second, handle: func(e Event) error {
		got = append(got, strings.TrimSpace(e.Kind+" "+e.User.User))
		if got[len(got)-1] == last {
			return errEnough
		}
		return nil
	}}
	return got, f.run(ctx)
}

// After a break, a stream continues from the last cursor, and tells that it wasn't live in between.
func TestFollowContinues(t *testing.T) {
	t.Parallel()
	c := streamed(t,
		func(w http.ResponseWriter, r *http.Request) {
			if got := r.URL.Query().Get("team") + r.URL.Query().Get("since"); got != "Ops & co" {
				t.Errorf("the first connection asks for %q, want the team and no cursor", got)
			}
			send(w, `{"event":"snapshot","cursor":"one","users":[]}`, `{"event":"change","cursor":"two","user":{"id":"1","user":"ada"}}`)
		},
		func(w http.ResponseWriter, r *http.Request) {
			if got := r.URL.Query().Get("since"); got != "two" {
				t.Errorf("the second connection continues from %q, want two", got)
			}
			http.Error(w, "gone", http.StatusBadGateway)
		},
		func(w http.ResponseWriter, r *http.Request) {
			if got := r.URL.Query().Get("since"); got != "two" {
				t.Errorf("the third connection continues from %q, want two", got)
			}
			send(w, `{"event":"change","user":{"id":"2","user":"ben"}}`, `{"event":"current","cursor":"three"}`,
				`{"event":"restart","retry":1}`, `{"event":"cha`)
		},
		func(w http.ResponseWriter, r *http.Request) {
			if got := r.URL.Query().Get("since"); got != "three" {
				t.Errorf("the fourth connection continues from %q, want three", got)
			}
			send(w, `{"event":"stale","since":"2026-01-02T03:04:05Z"}`, `{"event":"current","cursor":"four"}`, `{"event":"live"}`,
				`{"event":"gone","user":{"id":"1","user":"ada"}}`)
		},
	)
	got, err := follow(t, c, "gone ada")
	want := []string{"snapshot", "change ada", "stale", "change ben", "current", "live", "stale", "stale", "current", "live", "gone ada"}
	if !slices.Equal(got, want) || !errors.Is(err, errEnough) {
		t.Errorf("Follow = %v, %v, want %v", got, err, want)
	}
}

// A stream that is silent for too long is dead.
func TestFollowNoticesSilence(t *testing.T) {
	t.Parallel()
	c := streamed(t,
		func(w http.ResponseWriter, r *http.Request) {
			send(w, `{"event":"snapshot","cursor":"one"}`)
			<-r.Context().Done()
		},
		func(w http.ResponseWriter, _ *http.Request) { send(w, `{"event":"current","cursor":"two"}`) },
	)
	var got []string
	f := follower{client: c, wait: time.Millisecond, silence: 200 * time.Millisecond, handle: func(e Event) error {
		if got = append(got, e.Kind); e.Kind == "live" {
			return errEnough
		}
		return nil
	}}
	if err := f.run(t.Context()); !errors.Is(err, errEnough) || !slices.Equal(got, []string{"snapshot", "stale", "current", "live"}) {
		t.Errorf("Follow = %v, %v, want another connection after the silence", got, err)
	}
}

// A refusal for good ends the stream with its problem.
func TestFollowEnds(t *testing.T) {
	t.Parallel()
	for status, kind := range map[int]string{401: "unauthorized", 403: "insufficient-scope", 404: "not-found"} {
		c := streamed(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(status)
			fmt.Fprintf(w, `{"type":"https://rollcall.example/problems/%s","detail":"Sorry."}`, kind)
		})
		_, err := follow(t, c, "")
		if p, ok := errors.AsType[*Problem](err); !ok || p.Status != status || p.Kind != kind || p.Detail != "Sorry." {
			t.Errorf("Follow of a stream with %d = %+v, want the problem %s", status, err, kind)
		}
	}
	c := streamed(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		send(w, "<p>Hi")
	})
	if _, err := follow(t, c, ""); err == nil || err.Error() != "200 OK" {
		t.Errorf("Follow of a page = %v, want a problem", err)
	}
}

// The token never follows a redirect, and a response that isn't the API's is a problem.
func TestCallRefuses(t *testing.T) {
	t.Parallel()
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("a redirect leads a request with %q to another server", r.Header.Get("Authorization"))
	}))
	defer other.Close()
	c := streamed(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, http.StatusFound) },
		func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			send(w, "<p>Hi")
		})
	_, err := c.Me(t.Context())
	if p, ok := errors.AsType[*Problem](err); !ok || p.Location != other.URL {
		t.Errorf("Me() at a redirect = %v, want a problem that says where it leads", err)
	}
	if _, err = c.Me(t.Context()); err == nil || err.Error() != "200 OK" {
		t.Errorf("Me() at a page = %v, want a problem", err)
	}
	for _, wrong := range []string{"", "board.example.org", "ftp://x", "http://", "http://a:b@x", "http://x?y", "http://x#y", "http://%"} {
		if _, err := New(wrong, "token", ""); !errors.Is(err, ErrURL) {
			t.Errorf("New(%q) = %v, want %v", wrong, err, ErrURL)
		}
	}
	for _, wrong := range []string{"", "a b", "a\r\nX: y", "ü"} {
		if _, err := New("http://x", wrong, ""); !errors.Is(err, ErrToken) {
			t.Errorf("New with the token %q = %v, want %v", wrong, err, ErrToken)
		}
	}
}

// People beyond one page come from the next ones.
func TestHereReadsAllPages(t *testing.T) {
	t.Parallel()
	page := func(body string) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, r *http.Request) {
			if q := r.URL.Query(); q.Get("state") != "here" || q.Get("team") != "Ops" {
				t.Errorf("asked for %v", q)
			}
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, body)
		}
	}
	c := streamed(t, page(`{"users":[{"user":"ada"}],"next":"a"}`), page(`{"users":[{"user":"ben"}],"warming":true}`))
	if got, err := c.Here(t.Context(), "Ops"); err != nil || len(got.Users) != 2 || got.Users[1].User != "ben" || !got.Warming {
		t.Errorf("Here() = %+v, %v, want both pages", got, err)
	}
}
