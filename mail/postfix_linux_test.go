package mail

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

// A real Postfix takes every message in every way, and passes it on unchanged.
func TestPostfix(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Log("only root can start Postfix, so the other tests have to do")
		return
	}
	p := startPostfix(t)
	sender := func(scheme, host string, port int, password bool) *Sender {
		s := newSender(t, scheme, host, password, nil, p.roots)
		s.dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, p.address(port))
		}
		return s
	}
	senders := map[string]*Sender{
		"STARTTLS, PLAIN": sender("smtp", remote, p.submission, true),
		"STARTTLS, LOGIN": sender("smtp", remote, p.login, true),
		"TLS first":       sender("smtps", remote, p.smtps, true),
		"this machine":    sender("smtp", "localhost", p.open, false),
	}
	for name, s := range senders {
		t.Run(name, func(t *testing.T) { p.passesOn(t, s, someMessage) })
	}
	for name, c := range contents() {
		t.Run(name, func(t *testing.T) { p.passesOn(t, senders["TLS first"], message(t, c)) })
	}
	t.Run("refused", func(t *testing.T) {
		p.refuses(t, senders["this machine"], "slow@example.org", Temporary, StepRecipient, 450, "Try later")
		p.refuses(t, senders["TLS first"], "gone@example.org", Permanent, StepRecipient, 550, "Nobody")
		p.refuses(t, sender("smtps", remote, p.smtps, false), "ada@example.org", Permanent, StepRecipient, 554, "denied")
		wrong := sender("smtp", remote, p.submission, true)
		wrong.config.Password = "wrong"
		p.refuses(t, wrong, "ada@example.org", Permanent, StepSignIn, 535, "failed")
	})
}

// refuses sends a message that Postfix must refuse.
func (p *postfix) refuses(t *testing.T, s *Sender, to Address, kind Kind, step Step, code int, text string) {
	t.Helper()
	m := someMessage
	m.To = to
	got, ok := errors.AsType[*Error](s.Send(t.Context(), m))
	if !ok || got.Kind != kind || got.Step != step || got.Code != code || !strings.Contains(got.Text, text) {
		t.Errorf("Send(%s) = %v, want %s at %s: %d %s", to, got, kind, step, code, text)
	}
	select {
	case d := <-p.relay.arrived:
		t.Errorf("a message that was refused has arrived: %s", d.data)
	default:
	}
}

// passesOn sends a message, and compares it with what arrives behind Postfix.
func (p *postfix) passesOn(t *testing.T, s *Sender, m Message) {
	t.Helper()
	if err := s.Send(t.Context(), m); err != nil {
		t.Fatalf("Send = %v", err)
	}
	select {
	case got := <-p.relay.arrived:
		l := read(t, got.data)
		l.checkFields(t, "Received")
		if got.from != "rollcall@example.org" || got.to != string(m.To) {
			t.Errorf("the envelope is from %s to %s, want to %s", got.from, got.to, m.To)
		}
		if l.subject != m.Subject || l.text != m.Text || l.html != m.HTML {
			t.Errorf("the message reads\n%s\n%s\n%s\nwant\n%s\n%s\n%s", l.subject, l.text, l.html, m.Subject, m.Text, m.HTML)
		}
		if received := l.header.Get("Received"); !strings.Contains(received, "from board.example.org") {
			t.Errorf("Received: %s, want our own name after EHLO", received)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("nothing arrives behind Postfix")
	}
}
