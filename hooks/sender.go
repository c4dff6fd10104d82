package hooks

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"strconv"
	"sync/atomic"
	"time"

	"rollcall/accounts"
)

const (
	sendTime      = 15 * time.Second // for one delivery
	dialTime      = 5 * time.Second
	maxAnswer     = 64 << 10 // bytes of an answer that are read; none are kept
	maxRetryAfter = time.Hour
)

// SenderConfig is what a Sender needs.
type SenderConfig struct {
	Allow   []netip.Prefix // addresses that aren't public, but can be connected to
	Version string         // of Rollcall
	Timeout time.Duration  // for one delivery; 0: 15 s, which is also the maximum
}

// Sender sends single messages. Its methods may be called from any goroutine.
type Sender struct {
	client  *http.Client
	timeout time.Duration
	agent   string
}

// NewSender returns a Sender.
func NewSender(cfg SenderConfig) *Sender {
	g := &guard{allow: cfg.Allow, own: net.InterfaceAddrs}
	dialer := &net.Dialer{Timeout: dialTime, KeepAlive: -1, ControlContext: g.control}
	if cfg.Timeout <= 0 || cfg.Timeout > sendTime {
		cfg.Timeout = sendTime
	}
	return &Sender{
		timeout: cfg.Timeout,
		agent:   "Rollcall/" + cfg.Version + " (webhook)",
		client: &http.Client{
			Transport: &http.Transport{
				Proxy:                  nil, // a proxy would connect to addresses that the guard doesn't see
				DialContext:            dialer.DialContext,
				ForceAttemptHTTP2:      true,
				DisableKeepAlives:      true,
				DisableCompression:     true,
				TLSHandshakeTimeout:    dialTime,
				MaxResponseHeaderBytes: maxAnswer,
			},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// Test sends a test event to a hook at once. It returns how that went, and the signature that was sent.
func (s *Sender) Test(ctx context.Context, h accounts.Hook) (d accounts.Delivery, signature string) {
	now, id := time.Now(), newEventID()
	body := testBody(h, now)
	signature = sign(h.HookSecrets, id, now, body)
	a := s.send(ctx, h, id, body, now)
	return accounts.Delivery{At: now, Event: accounts.TestEvent, Tries: 1, Status: a.Status, Took: a.Took, Reason: a.Reason},
		signature
}

// send sends one message, and returns how the receiver answered.
func (s *Sender) send(ctx context.Context, h accounts.Hook, id string, body []byte, now time.Time) (a answer) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL, bytes.NewReader(body))
	if err != nil {
		return answer{Reason: accounts.ReasonConnect}
	}
	r.GetBody = nil // each try of a delivery is one request
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", s.agent)
	r.Header.Set(headerID, id)
	r.Header.Set(headerTimestamp, strconv.FormatInt(now.Unix(), 10))
	r.Header.Set(headerSignature, sign(h.HookSecrets, id, now, body))
	begun := time.Now()
	response, err := s.client.Do(r)
	if err == nil {
		_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, maxAnswer))
		_ = response.Body.Close()
		a = answered(response, now)
	} else {
		a = failed(err)
		a.Unclear = connected.Load()
	}
	a.Took = time.Since(begun)
	return a
}

// answered returns what a response means. After a 5xx, which a proxy may have sent, nobody knows whether the receiver
// has the message.
func answered(r *http.Response, now time.Time) answer {
	a := answer{Status: r.StatusCode}
	switch {
	case r.StatusCode >= 200 && r.StatusCode < 300:
		return a
	case r.StatusCode >= 300 && r.StatusCode < 400:
		a.Reason = accounts.ReasonRedirect
		return a
	}
	a.Reason, a.Unclear = accounts.ReasonStatus, r.StatusCode >= 500 || r.StatusCode == http.StatusRequestTimeout
	switch r.StatusCode {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		a.RetryAfter = retryAfter(r.Header.Get("Retry-After"), now)
	}
	return a
}

// retryAfter returns how long to wait, at most maxRetryAfter.
func retryAfter(header string, now time.Time) time.Duration {
	if n, err := strconv.ParseUint(header, 10, 31); err == nil {
		return min(time.Duration(n)*time.Second, maxRetryAfter)
	}
	if at, err := http.ParseTime(header); err == nil {
		return max(0, min(at.Sub(now), maxRetryAfter))
	}
	return 0
}

// failed returns what an error of the client means.
func failed(err error) answer {
	var guarded *refusal
	var dns *net.DNSError
	var op *net.OpError
	var timeout interface{ Timeout() bool }
	switch {
	case errors.As(err, &guarded):
		return answer{Reason: accounts.ReasonAddress}
	case isTLS(err):
		return answer{Reason: accounts.ReasonTLS}
	case errors.As(err, &dns):
		return answer{Reason: accounts.ReasonDNS}
	case errors.As(err, &timeout) && timeout.Timeout():
		return answer{Reason: accounts.ReasonTimeout}
	case errors.As(err, &op) && op.Op == "dial":
		return answer{Reason: accounts.ReasonConnect}
	}
	return answer{Reason: accounts.ReasonAnswer}
}

func isTLS(err error) bool {
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	var unknown x509.UnknownAuthorityError
	return errors.As(err, &certificate) || errors.As(err, &record) || errors.As(err, &alert) || errors.As(err, &unknown)
}
