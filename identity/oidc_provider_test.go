package identity

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

// silent is a handler that never answers.
func silent(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

func broken(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }

// simulate runs f with a simulated clock and a provider that is reached without a network.
func simulate(t *testing.T, f func(t *testing.T, h *hostile, p *Provider)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := newHostile(t, "https://login.example.com")
		p := h.simulated()
		defer p.Close()
		f(t, h, p)
	})
}

func start(t *testing.T, p *Provider) error {
	t.Helper()
	_, _, err := p.Start(t.Context(), IntentSignIn, "", "")
	return err
}

// TestLazy: nothing is fetched before the first use, and then once for everybody.
func TestLazy(t *testing.T) {
	simulate(t, func(t *testing.T, h *hostile, p *Provider) {
		time.Sleep(2 * time.Hour)
		if since, err := p.Down(); !since.IsZero() || err != nil {
			t.Errorf("Down() before the first use = %v, %v", since, err)
		}
		synctest.Wait()
		if n := h.count(discoveryPath); n != 0 {
			t.Fatalf("%d fetches before the first use", n)
		}
		h.pause[discoveryPath] = time.Second
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if err := start(t, p); err != nil {
					t.Errorf("Start() = %v", err)
				}
			})
		}
		all.Wait()
		if n := h.count(discoveryPath); n != 1 {
			t.Errorf("%d fetches for 20 sign-ins, want 1", n)
		}
	})
}

// TestDiscoveryAge: the document is kept for an hour, and then fetched while people use the old one.
func TestDiscoveryAge(t *testing.T) {
	simulate(t, func(t *testing.T, h *hostile, p *Provider) {
		use := func(want int) {
			t.Helper()
			before := time.Now()
			if err := start(t, p); err != nil || time.Since(before) != 0 {
				t.Errorf("Start() = %v after %v, want success at once", err, time.Since(before))
			}
			synctest.Wait()
			if n := h.count(discoveryPath); n != want {
				t.Errorf("%d fetches, want %d", n, want)
			}
		}
		use(1)
		time.Sleep(59 * time.Minute)
		use(1)
		h.change(func() { h.handle[discoveryPath] = silent })
		time.Sleep(2 * time.Minute)
		use(2) // starts a fetch that hangs
		use(2)
		time.Sleep(requestTimeout)
		synctest.Wait()
		failed := time.Now()
		use(2)
		if since, err := p.Down(); !since.Equal(failed) || !errors.Is(err, ErrUnavailable) {
			t.Errorf("Down() = %v, %v, want since %v", since, err, failed)
		}
		h.change(func() { clear(h.handle) })
		time.Sleep(discoveryPause)
		use(3)
		if since, err := p.Down(); !since.IsZero() || err != nil {
			t.Errorf("Down() = %v, %v, want an answer", since, err)
		}
		time.Sleep(59 * time.Minute)
		use(3)
	})
}

// TestFailureIsRemembered: for 10 seconds nobody waits for a provider that didn't answer, and the time of the first
// failure stays until it answers.
func TestFailureIsRemembered(t *testing.T) {
	simulate(t, func(t *testing.T, h *hostile, p *Provider) {
		h.handle[discoveryPath] = silent
		began := time.Now()
		if err := start(t, p); !errors.Is(err, ErrUnavailable) || time.Since(began) != requestTimeout {
			t.Fatalf("Start() = %v after %v, want ErrUnavailable after %v", err, time.Since(began), requestTimeout)
		}
		failed := time.Now()
		for range 100 {
			if err := start(t, p); !errors.Is(err, ErrUnavailable) {
				t.Errorf("Start() again = %v, want ErrUnavailable", err)
			}
		}
		if n := h.count(discoveryPath); n != 1 || time.Since(failed) != 0 {
			t.Errorf("%d fetches, %v later, want 1 at once", n, time.Since(failed))
		}
		h.change(func() { h.handle[discoveryPath] = broken })
		time.Sleep(discoveryPause)
		if err := start(t, p); !errors.Is(err, ErrUnavailable) || h.count(discoveryPath) != 2 {
			t.Errorf("Start() after the pause = %v with %d fetches, want ErrUnavailable and 2", err, h.count(discoveryPath))
		}
		if since, err := p.Down(); !since.Equal(failed) || err == nil {
			t.Errorf("Down() = %v, %v, want since %v", since, err, failed)
		}
		h.change(func() { clear(h.handle) })
		time.Sleep(discoveryPause)
		if err := start(t, p); err != nil {
			t.Errorf("Start() when the provider is back = %v", err)
		}
		if since, err := p.Down(); !since.IsZero() || err != nil {
			t.Errorf("Down() = %v, %v, want an answer", since, err)
		}
	})
}

// TestDownTriesAgain: a sign-in page that nobody uses finds out by itself that the provider is back.
func TestDownTriesAgain(t *testing.T) {
	simulate(t, func(t *testing.T, h *hostile, p *Provider) {
		h.handle[discoveryPath] = broken
		if err := start(t, p); err == nil {
			t.Fatal("Start() succeeded")
		}
		h.change(func() { clear(h.handle) })
		for range 10 {
			if since, err := p.Down(); since.IsZero() || err == nil {
				t.Errorf("Down() within the pause = %v, %v", since, err)
			}
		}
		time.Sleep(discoveryPause)
		_, _ = p.Down()
		synctest.Wait()
		if since, err := p.Down(); !since.IsZero() || err != nil || h.count(discoveryPath) != 2 {
			t.Errorf("Down() = %v, %v after %d fetches, want an answer after 2", since, err, h.count(discoveryPath))
		}
	})
}

// TestDoubt: if the token endpoint doesn't answer, Down finds out whether the provider answers at all.
func TestDoubt(t *testing.T) {
	simulate(t, func(t *testing.T, h *hostile, p *Provider) {
		flow, page, err := p.Start(t.Context(), IntentSignIn, "", "")
		if err != nil {
			t.Fatal(err)
		}
		callback := h.visit(page)
		h.change(func() { h.handle["/token"], h.handle[discoveryPath] = broken, broken })
		if _, err := p.Finish(t.Context(), flow, callback); !errors.Is(err, ErrUnavailable) {
			t.Fatalf("Finish() = %v, want ErrUnavailable", err)
		}
		_, _ = p.Down()
		synctest.Wait()
		if since, err := p.Down(); since.IsZero() || err == nil {
			t.Errorf("Down() = %v, %v, want since now", since, err)
		}
	})
}

// TestSlowAnswers: every request has a limit of 10 seconds, and a Finish one of 20.
func TestSlowAnswers(t *testing.T) {
	for _, path := range []string{"/token", "/keys", "/userinfo"} {
		simulate(t, func(t *testing.T, h *hostile, p *Provider) {
			h.handle[path] = silent
			before := time.Now()
			if _, err := h.signIn(p); !errors.Is(err, ErrUnavailable) || time.Since(before) != requestTimeout {
				t.Errorf("Finish() with a silent %s = %v after %v, want ErrUnavailable after %v",
					path, err, time.Since(before), requestTimeout)
			}
		})
	}
	simulate(t, func(t *testing.T, h *hostile, p *Provider) {
		h.pause["/token"], h.pause["/keys"], h.pause["/userinfo"] = 9*time.Second, 9*time.Second, 9*time.Second
		before := time.Now()
		if _, err := h.signIn(p); !errors.Is(err, ErrUnavailable) || time.Since(before) != finishTimeout {
			t.Errorf("Finish() = %v after %v, want ErrUnavailable after %v", err, time.Since(before), finishTimeout)
		}
	})
}

// TestVisitorLeaves: a visitor who goes away ends their own wait, but not the fetch that others wait for.
func TestVisitorLeaves(t *testing.T) {
	simulate(t, func(t *testing.T, h *hostile, p *Provider) {
		h.pause[discoveryPath] = 5 * time.Second
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var left, stayed error
		var both sync.WaitGroup
		both.Go(func() { _, _, left = p.Start(ctx, IntentSignIn, "", "") })
		both.Go(func() { stayed = start(t, p) })
		both.Wait()
		if !errors.Is(left, ErrUnavailable) || !errors.Is(left, context.DeadlineExceeded) || stayed != nil {
			t.Errorf("Start() = %v for the visitor who left, %v for the one who stayed", left, stayed)
		}
		if since, err := p.Down(); !since.IsZero() || err != nil {
			t.Errorf("Down() = %v, %v, want an answer", since, err)
		}
	})
}

// TestClose: Close ends requests at once, and waits until nothing of the provider runs any more.
func TestClose(t *testing.T) {
	for _, path := range []string{discoveryPath, "/token", "/keys", "/userinfo"} {
		synctest.Test(t, func(t *testing.T) {
			h := newHostile(t, "https://login.example.com")
			p := h.simulated()
			h.handle[path] = silent
			waiting := make(chan error)
			go func() {
				_, err := h.signIn(p)
				waiting <- err
			}()
			synctest.Wait()
			before := time.Now()
			p.Close()
			if p.fetch != nil {
				t.Error("a fetch runs after Close")
			}
			p.Close()
			if err := <-waiting; !errors.Is(err, ErrUnavailable) || time.Since(before) != 0 {
				t.Errorf("%s: sign-in = %v, %v after Close, want ErrUnavailable at once", path, err, time.Since(before))
			}
			n := h.count(discoveryPath)
			time.Sleep(2 * discoveryAge)
			if err := start(t, p); path == discoveryPath && !errors.Is(err, errClosed) {
				t.Errorf("Start() after Close = %v, want errClosed", err)
			}
			if h.count(discoveryPath) != n {
				t.Error("a request was sent after Close")
			}
		})
	}
}

func TestCloseLeavesNothing(t *testing.T) {
	h := startHostile(t)
	others := goleak.IgnoreCurrent()
	p := h.provider()
	flow, page, err := p.Start(t.Context(), IntentSignIn, "", "")
	if err != nil {
		t.Fatal(err)
	}
	callback := h.visit(page)
	p.Close()
	goleak.VerifyNone(t, others)
	_, err = p.Finish(t.Context(), flow, callback)
	if !errors.Is(err, ErrUnavailable) || !errors.Is(err, errClosed) || h.count("/token") != 0 {
		t.Errorf("Finish() after Close = %v with %d requests, want errClosed and none", err, h.count("/token"))
	}
}
