package hooks

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rollcall/accounts"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

func hookAt(url string) accounts.Hook {
	return accounts.Hook{ID: "h", HookSecrets: accounts.HookSecrets{Secret: secretTwo},
		HookWish: accounts.HookWish{URL: url, Format: accounts.HookStandard, Label: "Lamp"}}
}

// Each answer has its meaning. Whatever may have arrived all the same is unclear.
func TestAnswers(t *testing.T) {
	hang := make(chan struct{})
	var requests atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		switch r.URL.Path {
		case "/hang":
			_, _ = io.Copy(io.Discard, r.Body)
			<-hang
		case "/cut":
			panic(http.ErrAbortHandler)
		case "/long":
			w.WriteHeader(http.StatusOK)
			_, _ = w.Write(make([]byte, maxAnswer*4))
		case "/busy":
			w.Header().Set("Retry-After", "120")
			w.WriteHeader(http.StatusTooManyRequests)
		case "/far":
			w.Header().Set("Retry-After", time.Now().Add(48*time.Hour).UTC().Format(http.TimeFormat))
			w.WriteHeader(http.StatusServiceUnavailable)
		case "/moved":
			http.Redirect(w, r, "/200", http.StatusTemporaryRedirect)
		case "/404":
			w.WriteHeader(http.StatusNotFound)
		case "/410":
			w.WriteHeader(http.StatusGone)
		case "/500":
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	defer server.Close()
	defer close(hang)
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	defer secure.Close()
	secure.Config.ErrorLog = nil
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	t.Setenv("HTTP_PROXY", closed.URL) // must have no effect
	patient := NewSender(SenderConfig{Allow: loopback, Version: "test"})
	hasty := NewSender(SenderConfig{Allow: loopback, Version: "test", Timeout: time.Second})
	for _, tt := range []struct {
		url  string
		want answer
	}{
		{server.URL + "/200", answer{Status: 200}},
		{server.URL + "/long", answer{Status: 200}},
		{server.URL + "/moved", answer{Status: 307, Reason: accounts.ReasonRedirect}},
		{server.URL + "/404", answer{Status: 404, Reason: accounts.ReasonStatus}},
		{server.URL + "/410", answer{Status: 410, Reason: accounts.ReasonStatus}},
		{server.URL + "/500", answer{Status: 500, Reason: accounts.ReasonStatus, Unclear: true}},
		{server.URL + "/busy", answer{Status: 429, Reason: accounts.ReasonStatus, RetryAfter: 2 * time.Minute}},
		{server.URL + "/far", answer{Status: 503, Reason: accounts.ReasonStatus, Unclear: true, RetryAfter: time.Hour}},
		{server.URL + "/hang", answer{Reason: accounts.ReasonTimeout, Unclear: true}},
		{server.URL + "/cut", answer{Reason: accounts.ReasonAnswer, Unclear: true}},
		{secure.URL, answer{Reason: accounts.ReasonTLS}},
		{closed.URL, answer{Reason: accounts.ReasonConnect}},
		{"http://nowhere.invalid/", answer{Reason: accounts.ReasonDNS}},
		{"http://169.254.169.254/latest", answer{Reason: accounts.ReasonAddress}},
		{"http://[::1]:8080/", answer{Reason: accounts.ReasonAddress}},
	} {
		s := patient
		if tt.want.Reason == accounts.ReasonTimeout || tt.want.Reason == accounts.ReasonDNS {
			s = hasty
		}
		got := s.send(t.Context(), hookAt(tt.url), "msg_1", []byte("{}"), time.Now())
		if got.Took <= 0 {
			t.Errorf("send to %s took %v", tt.url, got.Took)
		}
		got.Took = 0
		if tt.want.Reason == accounts.ReasonDNS && got.Reason == accounts.ReasonTimeout {
			continue // a resolver that doesn't answer
		}
		if got != tt.want {
			t.Errorf("send to %s = %+v, want %+v", tt.url, got, tt.want)
		}
	}
	if n := requests.Load(); n != 10 {
		t.Errorf("the server got %d requests, want one for each of 10 deliveries", n)
	}
}

// A name that leads to an address of ours is refused, too.
func TestSenderRefusesNames(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a request has arrived") }))
	defer server.Close()
	s := NewSender(SenderConfig{})
	url := strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	if got := s.send(t.Context(), hookAt(url), "msg_1", nil, time.Now()); got.Reason != accounts.ReasonAddress || got.Unclear {
		t.Errorf("send to %s = %+v, want it refused", url, got)
	}
}

// A test says what happened, and shows the signature that the receiver gets.
func TestSenderTest(t *testing.T) {
	var got http.Header
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Header
		w.WriteHeader(http.StatusAccepted)
	}))
	defer server.Close()
	d, signature := NewSender(SenderConfig{Allow: loopback, Version: "1.2"}).Test(context.Background(), hookAt(server.URL))
	if d.Event != accounts.TestEvent || d.Status != 202 || d.Reason != "" || d.Tries != 1 {
		t.Errorf("Test = %+v", d)
	}
	if got.Get(headerSignature) != signature || !strings.HasPrefix(signature, "v1,") || got.Get("User-Agent") != "Rollcall/1.2 (webhook)" ||
		got.Get("Content-Type") != "application/json" {
		t.Errorf("the receiver got %v, want the signature %s", got, signature)
	}
}
