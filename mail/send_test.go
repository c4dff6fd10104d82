package mail

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"net/smtp"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	gosmtp "github.com/emersion/go-smtp"
)

const remote = "mail.example.org" // not this machine, as far as a Sender knows

// newSender returns a Sender for a scheme, a host, and a server that listens on l, with or without a password.
func newSender(t testing.TB, scheme, host string, withPassword bool, l net.Listener, roots *x509.CertPool) *Sender {
	t.Helper()
	u := url.URL{Scheme: scheme, Host: host}
	if withPassword {
		u.User = url.UserPassword(testUser, testPassword)
	}
	c, err := ParseConfig(u.String(), "Operators <rollcall@example.org>", "board.example.org")
	if err != nil {
		t.Fatal(err)
	}
	s := NewSender(c)
	s.roots = roots
	if l != nil {
		s.dial = dialer(l)
	}
	return s
}

// sendError returns the *Error of sending someMessage.
func sendError(t testing.TB, s *Sender) *Error {
	t.Helper()
	err := s.Send(t.Context(), someMessage)
	failed, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("Send = %v, want an *Error", err)
	}
	return failed
}

func TestSend(t *testing.T) {
	config, roots := certificates(t, remote)
	both := []string{"PLAIN", "LOGIN"}
	for name, c := range map[string]struct {
		server       *server
		scheme, host string
		password     bool
		roots        *x509.CertPool
		attempt      string
	}{
		"STARTTLS":                  {&server{tls: config, smtpUTF8: true}, "smtp", remote, false, roots, ""},
		"STARTTLS, any mechanism":   {&server{tls: config, mechanisms: both}, "smtp", remote, true, roots, "PLAIN"},
		"STARTTLS, PLAIN":           {&server{tls: config, mechanisms: both[:1]}, "smtp", remote, true, roots, "PLAIN"},
		"STARTTLS, LOGIN":           {&server{tls: config, mechanisms: both[1:]}, "smtp", remote, true, roots, "LOGIN"},
		"STARTTLS, password unused": {&server{tls: config, mechanisms: both}, "smtp", remote, false, roots, ""},
		"TLS first":                 {&server{tls: config, tlsFirst: true}, "smtps", remote, false, roots, ""},
		"TLS first, PLAIN": {&server{tls: config, tlsFirst: true, mechanisms: both}, "smtps", remote, true, roots,
			"PLAIN"},
		"TLS first, by port":         {&server{tls: config, tlsFirst: true}, "smtp", remote + ":465", false, roots, ""},
		"this machine":               {&server{}, "smtp", "localhost", false, nil, ""},
		"this machine, PLAIN":        {&server{plainAuth: true, mechanisms: both}, "smtp", "127.0.0.1", true, nil, "PLAIN"},
		"this machine, LOGIN":        {&server{plainAuth: true, mechanisms: both[1:]}, "smtp", "[::1]", true, nil, "LOGIN"},
		"this machine, STARTTLS":     {&server{tls: config, mechanisms: both}, "smtp", "localhost", true, nil, "PLAIN"},
		"this machine, TLS first":    {&server{tls: config, tlsFirst: true}, "smtps", "localhost", false, nil, ""},
		"this machine, another name": {&server{}, "smtp", "relay.localhost", false, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			l := listen(t)
			c.server.start(t, l)
			m := someMessage
			m.Subject, m.Text = "Grüße", ".\n..\nGrüße\n.\n"
			if err := newSender(t, c.scheme, c.host, c.password, l, c.roots).Send(t.Context(), m); err != nil {
				t.Fatalf("Send = %v", err)
			}
			got := c.server.one(t)
			want := delivery{
				helo: "board.example.org", from: "rollcall@example.org", to: "ada@example.org", encrypted: c.server.tls != nil,
			}
			if c.password {
				want.user = testUser
			}
			if l := read(t, got.data); l.subject != m.Subject || l.text != m.Text || l.html != m.HTML {
				t.Errorf("the message reads %+v, want %+v", l, m)
			}
			read(t, got.data).checkFields(t)
			if got.data = nil; !equal(got, want) {
				t.Errorf("delivery = %+v, want %+v", got, want)
			}
			if c.attempt != "" {
				c.attempt += " " + testUser + " " + testPassword
			}
			if strings.Join(c.server.attempts, "; ") != c.attempt {
				t.Errorf("passwords = %q, want %q", c.server.attempts, c.attempt)
			}
		})
	}
}

func equal(a, b delivery) bool {
	return a.helo == b.helo && a.from == b.from && a.to == b.to && a.user == b.user && a.encrypted == b.encrypted &&
		a.utf8 == b.utf8 && a.body == b.body
}

// elsewhere is a connection to another machine.
type elsewhere struct{ net.Conn }

func (elsewhere) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 587} }

// Without TLS, nothing is sent to other machines, above all no password. A machine is this one only if its name says so
// and the connection stays here.
func TestSendWithoutTLS(t *testing.T) {
	for name, c := range map[string]struct {
		host string
		away bool // the name leads to another machine
	}{
		"another machine":                {remote, true},
		"a name that leads here":         {remote, false},
		"localhost on another machine":   {"localhost", true},
		"an address that isn't loopback": {"192.0.2.1", true},
	} {
		for _, password := range []bool{false, true} {
			s := &server{plainAuth: true, mechanisms: []string{"PLAIN", "LOGIN"}}
			l := listen(t)
			s.start(t, l)
			sender := newSender(t, "smtp", c.host, password, l, nil)
			if c.away {
				sender.dial = away(sender.dial)
			}
			if got := sendError(t, sender); got.Kind != Temporary || got.Step != StepTLS || !errors.Is(got, errNoTLS) {
				t.Errorf("%s, password %v: Send = %v, want %v", name, password, got, errNoTLS)
			}
			s.nothing(t)
		}
	}
}

// away makes connections look as if they led to another machine.
func away(dial dialFunc) dialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		return elsewhere{conn}, err
	}
}

func TestSendCertificates(t *testing.T) {
	config, roots := certificates(t, remote)
	other, _ := certificates(t, remote)
	otherName, otherRoots := certificates(t, "mail.example.com")
	for name, c := range map[string]struct {
		server *server
		roots  *x509.CertPool
		scheme string
		step   Step
	}{
		"unknown CA":              {&server{tls: other}, roots, "smtp", StepTLS},
		"unknown CA, TLS first":   {&server{tls: other, tlsFirst: true}, roots, "smtps", StepConnect},
		"another name":            {&server{tls: otherName}, otherRoots, "smtp", StepTLS},
		"another name, TLS first": {&server{tls: otherName, tlsFirst: true}, otherRoots, "smtps", StepConnect},
		"CAs of the system":       {&server{tls: config}, nil, "smtp", StepTLS},
	} {
		t.Run(name, func(t *testing.T) {
			c.server.mechanisms = []string{"PLAIN"}
			l := listen(t)
			c.server.start(t, l)
			got := sendError(t, newSender(t, c.scheme, remote, true, l, c.roots))
			if got.Kind != Temporary || got.Step != c.step || got.Code != 0 || !errors.Is(got, errNotTrusted) ||
				!strings.Contains(got.Error(), "x509") {
				t.Errorf("Send = %v, want %v at %s", got, errNotTrusted, c.step)
			}
			c.server.nothing(t)
		})
	}
}

func TestSendTLSToAPlainPort(t *testing.T) {
	l := listen(t)
	s := &server{}
	s.start(t, l)
	got := sendError(t, newSender(t, "smtps", remote, false, l, nil))
	if got.Kind != Temporary || got.Step != StepConnect || !errors.Is(got, errNotTLS) {
		t.Errorf("Send = %v, want %v", got, errNotTLS)
	}
}

// What the server refuses, with 4xx or 5xx, is a typed error.
func TestSendRefused(t *testing.T) {
	config, roots := certificates(t, remote)
	for _, step := range []Step{StepGreeting, StepSignIn, StepSender, StepRecipient, StepContent} {
		for code, kind := range map[int]Kind{421: Temporary, 450: Temporary, 550: Permanent, 554: Permanent} {
			s := &server{tls: config, mechanisms: []string{"PLAIN", "LOGIN"}, refuse: map[Step]error{
				step: &gosmtp.SMTPError{Code: code, EnhancedCode: gosmtp.EnhancedCode{code / 100, 1, 1}, Message: "No\x1b[31m."},
			}}
			l := listen(t)
			s.start(t, l)
			got := sendError(t, newSender(t, "smtp", remote, true, l, roots))
			want := Error{Kind: kind, Step: step, Code: code, Text: got.Text}
			if *got != want || !strings.HasSuffix(got.Text, "1.1 No [31m.") || got.Unwrap() != nil {
				t.Errorf("Send(refused with %d at %s) = %#v, want %#v", code, step, got, want)
			}
			if len(s.received) != 0 {
				t.Errorf("Send(refused with %d at %s): a message has arrived", code, step)
			}
		}
	}
}

func TestSendWrongPassword(t *testing.T) {
	config, roots := certificates(t, remote)
	for _, mechanism := range []string{"PLAIN", "LOGIN"} {
		s := &server{tls: config, mechanisms: []string{mechanism}}
		l := listen(t)
		s.start(t, l)
		sender := newSender(t, "smtp", remote, true, l, roots)
		sender.config.Password = "wrong"
		got := sendError(t, sender)
		if got.Kind != Permanent || got.Step != StepSignIn || got.Code != 535 || strings.Contains(got.Error(), "wrong") {
			t.Errorf("Send(wrong password, %s) = %#v, want 535", mechanism, got)
		}
		if len(s.received) != 0 {
			t.Errorf("Send(wrong password, %s): a message has arrived", mechanism)
		}
	}
}

func TestSendWithoutAuth(t *testing.T) {
	config, roots := certificates(t, remote)
	for _, mechanisms := range [][]string{nil, {"CRAM-MD5", "XOAUTH2"}} {
		s := &server{tls: config, mechanisms: mechanisms}
		l := listen(t)
		s.start(t, l)
		got := sendError(t, newSender(t, "smtp", remote, true, l, roots))
		if got.Kind != Temporary || got.Step != StepSignIn || !errors.Is(got, errNoAuth) {
			t.Errorf("Send(server with %q) = %v, want %v", mechanisms, got, errNoAuth)
		}
		s.nothing(t)
	}
}

func TestAuth(t *testing.T) {
	c := Config{User: "ada", Password: "secret"}
	encrypted, plain := &smtp.ServerInfo{Name: "localhost", TLS: true}, &smtp.ServerInfo{Name: "localhost"}
	if mechanism, first, err := newAuth(c, "PLAIN LOGIN", false).Start(plain); err != errPlainText || mechanism != "" ||
		first != nil {
		t.Errorf("Start(not encrypted) = %q, %q, %v, want %v", mechanism, first, err, errPlainText)
	}
	for offered, want := range map[string]string{
		"PLAIN": "PLAIN", "login": "LOGIN", "CRAM-MD5 LOGIN plain": "PLAIN", "XPLAIN LOGIN-X": "", "": "",
	} {
		mechanism, _, err := newAuth(c, offered, false).Start(encrypted)
		if mechanism != want || (err == errNoAuth) != (want == "") {
			t.Errorf("Start(server with %q) = %q, %v, want %q", offered, mechanism, err, want)
		}
	}
	for _, offered := range []string{"PLAIN", "LOGIN"} {
		a := newAuth(c, offered, true)
		if _, _, err := a.Start(plain); err != nil {
			t.Errorf("Start(this machine, %s) = %v, want nil", offered, err)
		}
		var answers []string
		for {
			answer, err := a.Next([]byte("?"), true)
			if err != nil {
				if err != errChallenge {
					t.Errorf("Next = %v, want %v", err, errChallenge)
				}
				break
			}
			answers = append(answers, string(answer))
		}
		if offered == "LOGIN" && !slices.Equal(answers, []string{"ada", "secret"}) || offered == "PLAIN" && answers != nil {
			t.Errorf("%s answers %q", offered, answers)
		}
	}
}

// A host that is an IP address has another form in EHLO.
func TestSendFromIPAddress(t *testing.T) {
	s, l := &server{}, listen(t)
	s.start(t, l)
	sender := newSender(t, "smtp", "localhost", false, l, nil)
	sender.config.Domain = "192.0.2.1"
	if err := sender.Send(t.Context(), someMessage); err != nil {
		t.Fatalf("Send = %v", err)
	}
	if got := s.one(t).helo; got != "[192.0.2.1]" {
		t.Errorf("EHLO %s, want an address literal", got)
	}
}

func TestSendConcurrently(t *testing.T) {
	config, roots := certificates(t, remote)
	s := &server{tls: config, mechanisms: []string{"LOGIN"}}
	l := listen(t)
	s.start(t, l)
	sender := newSender(t, "smtp", remote, true, l, roots)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if err := sender.Send(t.Context(), someMessage); err != nil {
				t.Errorf("Send = %v", err)
			}
		})
	}
	wg.Wait()
	if len(s.received) != 4 {
		t.Errorf("%d messages have arrived, want 4", len(s.received))
	}
}

// A port on which nothing listens, and a host that doesn't exist, are temporary.
func TestSendUnreachable(t *testing.T) {
	l := listen(t)
	sender := newSender(t, "smtp", "localhost", false, l, nil)
	l.Close()
	if got := sendError(t, sender); got.Kind != Temporary || got.Step != StepConnect || got.Code != 0 {
		t.Errorf("Send = %#v, want a temporary error", got)
	}
}
