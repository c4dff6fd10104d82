package mail

import (
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// DefaultTimeout is the time that sending one message can take.
const DefaultTimeout = 30 * time.Second

const (
	relayPort      = 25  // takes mail from other servers
	submissionPort = 587 // takes mail from users, with STARTTLS (RFC 6409)
	smtpsPort      = 465 // the same, with TLS from the start (RFC 8314)
)

// Config says how to reach the SMTP server, and how messages name their sender. Make it with ParseConfig.
type Config struct {
	Host     string // name or IP address of the SMTP server
	Port     int
	TLSFirst bool   // TLS from the first byte; otherwise STARTTLS
	User     string // "" means that the server needs no password
	Password string
	From     Address
	FromName string        // "" leaves the display name to each message
	Domain   string        // our own host, which EHLO and message IDs name
	Timeout  time.Duration // for one message, from connecting to the last answer; 0 means DefaultTimeout
}

// ParseConfig returns the Config for a server such as smtp://USER:PASSWORD@mail.example.org:587, the address that
// messages come from, and the host of the public URL, without a port. from can have a display name. It can be empty if
// USER is an email address. The errors say what to write, and hold no part of the URL, because that has the password.
func ParseConfig(server, from, host string) (Config, error) {
	var c Config
	if err := c.parseServer(server); err != nil {
		return Config{}, err
	}
	if err := c.parseFrom(from); err != nil {
		return Config{}, err
	}
	_, err := netip.ParseAddr(host)
	switch {
	case host == "":
		return Config{}, errors.New("the host of the public URL is missing: emails need the public URL for their links")
	case err != nil && (!isHostName(host) || strings.Contains(host, "_")):
		return Config{}, fmt.Errorf("the host of the public URL, %q, can't be used for email: write its ASCII form", host)
	}
	c.Domain = strings.ToLower(host)
	return c, nil
}

// parseServer reads the SMTP URL.
func (c *Config) parseServer(text string) error {
	const form = "write smtp://USER:PASSWORD@HOST:587 or smtps://USER:PASSWORD@HOST:465, with every character of USER " +
		"and PASSWORD that isn't a letter or digit percent-encoded (@ is %40, a space is %20)"
	u, err := url.Parse(text)
	switch { // err holds the password
	case err != nil:
		return errors.New("the SMTP URL can't be read: " + form)
	case u.Scheme != "smtp" && u.Scheme != "smtps":
		return errors.New("the SMTP URL doesn't begin with smtp:// or smtps://: " + form)
	case u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return errors.New("the SMTP URL has more than a user, a password, a host, and a port: " + form)
	}
	c.Host = strings.ToLower(u.Hostname())
	if addr, err := netip.ParseAddr(c.Host); (err != nil || addr.Zone() != "") && !isHostName(c.Host) {
		return errors.New("the SMTP URL has no valid host, in ASCII: " + form)
	}
	if c.User, c.Password, err = credentials(u.User); err != nil {
		return fmt.Errorf("%w: %s", err, form)
	}
	return c.parsePort(u)
}

// parsePort reads the port of the SMTP URL, and decides when TLS starts.
func (c *Config) parsePort(u *url.URL) error {
	smtps := u.Scheme == "smtps"
	c.Port = submissionPort
	if smtps {
		c.Port = smtpsPort
	}
	if text := u.Port(); text != "" {
		port, err := strconv.ParseUint(text, 10, 16)
		if err != nil || port == 0 {
			return errors.New("the port in the SMTP URL must be a number from 1 to 65535")
		}
		c.Port = int(port)
	}
	if smtps && (c.Port == relayPort || c.Port == submissionPort) {
		return fmt.Errorf("port %d begins without TLS: write smtp:// in the SMTP URL, or use port 465", c.Port)
	}
	c.TLSFirst = smtps || c.Port == smtpsPort
	return nil
}

// credentials returns the user name and the password of the SMTP URL: both or neither.
func credentials(info *url.Userinfo) (user, password string, err error) {
	password, _ = info.Password()
	user = info.Username()
	switch {
	case user == "" && password != "":
		return "", "", errors.New("the SMTP URL has a password but no user name")
	case user != "" && password == "":
		return "", "", errors.New("the SMTP URL has a user name but no password")
	case strings.ContainsFunc(user+password, unicode.IsControl):
		return "", "", errors.New("the user name or password in the SMTP URL has a control character")
	}
	return user, password, nil
}

// parseFrom reads the From address.
func (c *Config) parseFrom(text string) error {
	const form = "write one like rollcall@example.org or Rollcall <rollcall@example.org>"
	if text = strings.TrimSpace(text); text == "" {
		var err error
		if c.From, err = ParseAddress(c.User); err != nil {
			return errors.New("the address that emails come from is missing: " + form)
		}
		return nil
	}
	parsed, err := mail.ParseAddress(text)
	if err != nil {
		return fmt.Errorf("the address that emails come from, %q, can't be read: %s", text, form)
	}
	if c.From, err = ParseAddress(parsed.Address); err != nil {
		return fmt.Errorf("the address that emails come from, %q, can't be used (%w): %s", text, err, form)
	}
	c.FromName = oneLine(parsed.Name, maxName)
	return nil
}

// address returns the server as HOST:PORT.
func (c Config) address() string { return net.JoinHostPort(c.Host, strconv.Itoa(c.Port)) }

// String returns the server without the user name and the password, for logs.
func (c Config) String() string {
	if c.TLSFirst {
		return "smtps://" + c.address()
	}
	return "smtp://" + c.address()
}

// GoString keeps the password out of %#v, too.
func (c Config) GoString() string { return c.String() }
