package mail

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

const (
	testUser     = "rollcall@example.org"
	testPassword = "pass word ä"
)

// server is an SMTP server that takes down what it receives. Set the fields before start.
type server struct {
	tls        *tls.Config // nil: the server offers no STARTTLS
	tlsFirst   bool
	plainAuth  bool     // AUTH without TLS
	mechanisms []string // that the server offers; nil: no AUTH
	smtpUTF8   bool
	refuse     map[Step]error
	hold       func()        // called in DATA, after the message has arrived
	arrived    chan delivery // if set, gets each message

	mu       sync.Mutex
	received []delivery // guarded by mu
	attempts []string   // guarded by mu; mechanism, user, and password of each AUTH
}

// delivery is a message with its envelope.
type delivery struct {
	helo, from, to string
	user           string
	encrypted      bool
	utf8           bool
	body           string // parameter of MAIL FROM
	data           []byte
}

// start serves on l until t ends.
func (s *server) start(t testing.TB, l net.Listener) {
	t.Helper()
	if s.tlsFirst {
		l = tls.NewListener(l, s.tls)
	}
	srv := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		if err := s.refuse[StepGreeting]; err != nil {
			return nil, err
		}
		_, encrypted := c.TLSConnectionState()
		return &conversation{server: s, delivery: delivery{helo: c.Hostname(), encrypted: encrypted}}, nil
	}))
	srv.Domain, srv.AllowInsecureAuth, srv.EnableSMTPUTF8 = "mail.example.org", s.plainAuth, s.smtpUTF8
	srv.ErrorLog = quiet{}
	if !s.tlsFirst {
		srv.TLSConfig = s.tls
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(l)
	}()
	t.Cleanup(func() {
		_ = srv.Close()
		<-done
	})
}

// one returns the only message that has arrived.
func (s *server) one(t testing.TB) delivery {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.received) != 1 {
		t.Fatalf("%d messages have arrived, want 1", len(s.received))
	}
	return s.received[0]
}

// nothing checks that no message has arrived, and no password.
func (s *server) nothing(t testing.TB) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.received) != 0 || len(s.attempts) != 0 {
		t.Errorf("the server got %d messages and the passwords %q, want none", len(s.received), s.attempts)
	}
}

// quiet drops the log of a server.
type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}

// conversation is one connection to a server.
type conversation struct {
	server *server
	delivery
}

func (c *conversation) Reset()        { c.from, c.to = "", "" }
func (c *conversation) Logout() error { return nil }

func (c *conversation) Mail(from string, options *smtp.MailOptions) error {
	c.from, c.utf8, c.body = from, options.UTF8, string(options.Body)
	return c.server.refuse[StepSender]
}

func (c *conversation) Rcpt(to string, _ *smtp.RcptOptions) error {
	if c.to != "" {
		return errors.New("a second recipient")
	}
	c.to = to
	return c.server.refuse[StepRecipient]
}

func (c *conversation) Data(r io.Reader) (err error) {
	if c.data, err = io.ReadAll(r); err != nil {
		return err
	}
	if c.server.hold != nil {
		c.server.hold()
	}
	if err := c.server.refuse[StepContent]; err != nil {
		return err
	}
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	c.server.received = append(c.server.received, c.delivery)
	if c.server.arrived != nil {
		c.server.arrived <- c.delivery
	}
	return nil
}

func (c *conversation) AuthMechanisms() []string { return c.server.mechanisms }

func (c *conversation) Auth(mechanism string) (sasl.Server, error) {
	if !slices.Contains(c.server.mechanisms, mechanism) {
		return nil, smtp.ErrAuthUnknownMechanism
	}
	check := func(user, password string) error {
		c.server.mu.Lock()
		defer c.server.mu.Unlock()
		c.server.attempts = append(c.server.attempts, mechanism+" "+user+" "+password)
		if user != testUser || password != testPassword {
			return smtp.ErrAuthFailed
		}
		c.user = user
		return c.server.refuse[StepSignIn]
	}
	if mechanism == sasl.Plain {
		return sasl.NewPlainServer(func(identity, user, password string) error {
			if identity != "" {
				return errors.New("an identity")
			}
			return check(user, password)
		}), nil
	}
	return &loginServer{check: check}, nil
}

// loginServer is the server's part of AUTH LOGIN.
type loginServer struct {
	asked int
	user  string
	check func(user, password string) error
}

// Next is part of sasl.Server.
func (l *loginServer) Next(answer []byte) (challenge []byte, done bool, err error) {
	l.asked++
	switch l.asked {
	case 1:
		return []byte("User Name\x00"), false, nil
	case 2:
		l.user = string(answer)
		return []byte("Password\x00"), false, nil
	}
	return nil, true, l.check(l.user, string(answer))
}

// certificates returns the settings of a server with a certificate for names, and a pool with the CA that signed it.
// They're valid at the time of a synctest bubble, too.
func certificates(t testing.TB, names ...string) (*tls.Config, *x509.CertPool) {
	t.Helper()
	issue := func(template, parent *x509.Certificate, signer *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if signer == nil {
			parent, signer = template, key
		}
		template.NotBefore, template.NotAfter = time.Unix(0, 0), time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC)
		der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
		if err != nil {
			t.Fatal(err)
		}
		certificate, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return certificate, key
	}
	ca, caKey := issue(&x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test CA"}, IsCA: true, BasicConstraintsValid: true,
	}, nil, nil)
	leaf, key := issue(&x509.Certificate{SerialNumber: big.NewInt(2), DNSNames: names}, ca, caKey)
	roots := x509.NewCertPool()
	roots.AddCert(ca)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{leaf.Raw}, PrivateKey: key}}}, roots
}

// listen returns a listener on a free port of this machine.
func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// dialer connects to l, whatever the address.
func dialer(l net.Listener) dialFunc {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, l.Addr().String())
	}
}
