package mail

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/smtp"
	"regexp"
	"time"
)

const (
	quitWait   = 2 * time.Second // for the answer to QUIT
	maxAnswers = 256 << 10       // bytes that a server can send during one connection, including certificates
)

// Sender sends messages to one SMTP server, each over a connection of its own. It's safe for concurrent use.
type Sender struct {
	config Config
	dial   dialFunc
	roots  *x509.CertPool // nil: those of the system
	links  *regexp.Regexp // links to the board
}

// dialFunc is the type of net.Dialer.DialContext.
type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// NewSender returns a Sender. It connects to nothing.
func NewSender(c Config) *Sender {
	c.Timeout = cmp.Or(c.Timeout, DefaultTimeout)
	return &Sender{
		config: c,
		dial:   new(net.Dialer).DialContext,
		links:  regexp.MustCompile(`(?i)(https?://)?\[?` + regexp.QuoteMeta(c.Domain) + `\]?(:[0-9]+)?/\S*`),
	}
}

// Send hands a message to the server. It takes at most as long as Config.Timeout, and ends early if ctx does. After
// nil, the server is responsible for the message. Other results are an *Error.
func (s *Sender) Send(ctx context.Context, m Message) error {
	data, err := s.config.compose(m, time.Now())
	if err != nil {
		return &Error{Kind: Permanent, Step: StepCompose, Err: err}
	}
	slow := fmt.Errorf("the SMTP server took longer than %v: %w", s.config.Timeout, context.DeadlineExceeded)
	ctx, cancel := context.WithTimeoutCause(ctx, s.config.Timeout, slow)
	defer cancel()
	if failed := s.deliver(ctx, m.To, data); failed != nil {
		if failed.Code == 0 && ctx.Err() != nil {
			failed.Err = fmt.Errorf("%w (%w)", context.Cause(ctx), failed.Err)
		}
		return failed
	}
	return nil
}

// deliver sends a composed message over a new connection. The end of ctx closes the connection, which ends whatever is
// waiting for the server.
func (s *Sender) deliver(ctx context.Context, to Address, data []byte) *Error {
	raw, err := s.dial(ctx, "tcp", s.config.address())
	if err != nil {
		return s.failure(StepConnect, err)
	}
	defer raw.Close()
	defer context.AfterFunc(ctx, func() { raw.Close() })()
	conn := net.Conn(&limitedConn{Conn: raw, left: maxAnswers})
	local := isLoopback(s.config.Host) && fromLoopback(raw)
	if s.config.TLSFirst {
		encrypted := tls.Client(conn, s.tls(local))
		if err := encrypted.Handshake(); err != nil {
			if _, plain := errors.AsType[tls.RecordHeaderError](err); plain {
				err = fmt.Errorf("%w (%w)", errNotTLS, err)
			}
			return s.failure(StepConnect, explainTLS(err))
		}
		conn = encrypted
	}
	return s.converse(conn, raw, local, to, data)
}

// converse speaks SMTP (RFC 5321).
func (s *Sender) converse(conn, raw net.Conn, local bool, to Address, data []byte) *Error {
	client, err := smtp.NewClient(conn, s.config.Host)
	if err != nil {
		return s.failure(StepGreeting, err)
	}
	defer quit(client, raw)
	if err := client.Hello(addressLiteral(s.config.Domain)); err != nil {
		return s.failure(StepGreeting, err)
	}
	if err := s.encrypt(client, local); err != nil {
		return s.failure(StepTLS, err)
	}
	if err := s.signIn(client, local); err != nil {
		return s.failure(StepSignIn, err)
	}
	if err := mailFrom(client, s.config.From); err != nil {
		return s.failure(StepSender, err)
	}
	if err := client.Rcpt(string(to)); err != nil {
		return s.failure(StepRecipient, err)
	}
	if err := content(client, data); err != nil {
		return s.failure(StepContent, err)
	}
	return nil
}

// encrypt starts TLS (RFC 3207) unless it's on already. Only a server on this machine can do without.
func (s *Sender) encrypt(client *smtp.Client, local bool) error {
	if s.config.TLSFirst {
		return nil
	}
	offered, _ := client.Extension("STARTTLS")
	switch {
	case offered:
		return explainTLS(client.StartTLS(s.tls(local)))
	case local:
		return nil
	}
	return errNoTLS
}

// tls returns the settings of TLS. A server on this machine usually has a certificate that it made itself. It needn't
// be checked, because the connection needn't be encrypted either.
func (s *Sender) tls(local bool) *tls.Config {
	return &tls.Config{ServerName: s.config.Host, RootCAs: s.roots, InsecureSkipVerify: local}
}

// explainTLS adds the remedy to the error of a certificate.
func explainTLS(err error) error {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return fmt.Errorf("%w (%w)", errNotTrusted, err)
	}
	return err
}

// signIn sends the user name and password, if there are any.
func (s *Sender) signIn(client *smtp.Client, local bool) error {
	if s.config.User == "" {
		return nil
	}
	_, offered := client.Extension("AUTH")
	return client.Auth(newAuth(s.config, offered, local))
}

// mailFrom names the sender. smtp.Client.Mail would ask for SMTPUTF8 wherever it's offered, and then the server could
// pass the message on only to servers that offer it, too.
func mailFrom(client *smtp.Client, from Address) error {
	return command(client, 250, "MAIL FROM:<"+string(from)+">")
}

// quit ends the connection in order. Nothing depends on the answer. smtp.Client.Quit could wait for longer, because it
// also ends TLS.
func quit(client *smtp.Client, conn net.Conn) {
	_ = conn.SetDeadline(time.Now().Add(quitWait))
	_ = command(client, 221, "QUIT")
}

// command sends a line, and returns an error unless the answer has the code.
func command(client *smtp.Client, code int, line string) error {
	id, err := client.Text.Cmd("%s", line)
	if err != nil {
		return err
	}
	client.Text.StartResponse(id)
	defer client.Text.EndResponse(id)
	_, _, err = client.Text.ReadResponse(code)
	return err
}

// content sends the message, and returns nil when the server has taken it.
func content(client *smtp.Client, data []byte) error {
	w, err := client.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write(data); err != nil {
		return err
	}
	return w.Close()
}

// fromLoopback reports whether the other end of a connection is on this machine.
func fromLoopback(conn net.Conn) bool {
	addr, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	return err == nil && addr.Addr().IsLoopback()
}

// limitedConn fails after the server has sent too much, because smtp.Client would keep an answer without end in memory.
type limitedConn struct {
	net.Conn
	left int
}

// Read is part of net.Conn.
func (c *limitedConn) Read(b []byte) (int, error) {
	if c.left <= 0 {
		return 0, errTooMuch
	}
	n, err := c.Conn.Read(b)
	c.left -= n
	return n, err
}
