package mail

import (
	"fmt"
	"strings"
	"testing"
)

func TestParseConfig(t *testing.T) {
	const from, host = "rollcall@example.org", "board.example.org"
	base := Config{Host: "mail.example.org", Port: 587, From: from, Domain: host}
	with := func(change func(*Config)) Config {
		c := base
		change(&c)
		return c
	}
	for _, c := range []struct {
		server, from, host string
		want               Config
	}{
		{"smtp://mail.example.org", from, host, base},
		{"smtp://Mail.Example.Org:587/", from, host, base},
		{"SMTP://mail.example.org", from, "Board.Example.org", base},
		{"smtps://mail.example.org", from, host, with(func(c *Config) { c.Port, c.TLSFirst = 465, true })},
		{"smtp://mail.example.org:465", from, host, with(func(c *Config) { c.Port, c.TLSFirst = 465, true })},
		{"smtps://mail.example.org:2465", from, host, with(func(c *Config) { c.Port, c.TLSFirst = 2465, true })},
		{"smtp://localhost:25", from, host, with(func(c *Config) { c.Host, c.Port = "localhost", 25 })},
		{"smtp://[::1]:25", from, host, with(func(c *Config) { c.Host, c.Port = "::1", 25 })},
		{"smtp://mail_server", from, host, with(func(c *Config) { c.Host = "mail_server" })},
		{"smtp://ada:p%40%3A%2F%3F%23%25+%20w@mail.example.org", from, host,
			with(func(c *Config) { c.User, c.Password = "ada", "p@:/?#%+ w" })},
		{"smtp://ada@example.org:a:b@mail.example.org", from, host,
			with(func(c *Config) { c.User, c.Password = "ada@example.org", "a:b" })},
		{"smtp://ada@example.org:secret@mail.example.org", " ", host,
			with(func(c *Config) { c.User, c.Password, c.From = "ada@example.org", "secret", "ada@example.org" })},
		{"smtp://mail.example.org", " Bücher \"&\" Co <rollcall@example.org>", host,
			with(func(c *Config) { c.FromName = "Bücher & Co" })},
		{"smtp://mail.example.org", "=?utf-8?q?a=0D=0A=E2=80=AEb?= <rollcall@example.org>", host,
			with(func(c *Config) { c.FromName = "a b" })},
		{"smtp://mail.example.org", from, "192.0.2.1", with(func(c *Config) { c.Domain = "192.0.2.1" })},
	} {
		if got, err := ParseConfig(c.server, c.from, c.host); got != c.want || err != nil {
			t.Errorf("ParseConfig(%q, %q, %q) = %v, %v, want %v", c.server, c.from, c.host, fields(got), err, fields(c.want))
		}
	}
}

// fields shows all fields of c, including those that String leaves out.
func fields(c Config) string {
	type plain Config
	return fmt.Sprintf("%+v", plain(c))
}

func TestParseConfigErrors(t *testing.T) {
	const server, from, host = "smtp://mail.example.org", "rollcall@example.org", "board.example.org"
	for _, c := range []struct {
		server, from, host, want string // want is what the error says
	}{
		{"", from, host, "smtp://USER:PASSWORD@HOST:587"},
		{"mail.example.org:587", from, host, "smtp://"},
		{"smtp:mail.example.org", from, host, "smtp://"},
		{"http://mail.example.org", from, host, "smtp://"},
		{"smtp://", from, host, "host"},
		{"smtp://:587", from, host, "host"},
		{"smtp://bücher.example", from, host, "host"},
		{"smtp://[fe80::1%25eth0]", from, host, "host"},
		{"smtp://a..b", from, host, "host"},
		{"smtp://" + strings.Repeat("a.", 200) + "b", from, host, "host"},
		{"smtp://mail.example.org:0", from, host, "port"},
		{"smtp://mail.example.org:65536", from, host, "port"},
		{"smtp://mail.example.org:smtp", from, host, "smtp://"},
		{"smtps://mail.example.org:587", from, host, "write smtp://"},
		{"smtps://mail.example.org:25", from, host, "write smtp://"},
		{"smtp://mail.example.org/path", from, host, "more than"},
		{"smtp://mail.example.org?tls=no", from, host, "more than"},
		{"smtp://mail.example.org?", from, host, "more than"},
		{"smtp://mail.example.org#x", from, host, "more than"},
		{"smtp://hush-user@mail.example.org", from, host, "no password"},
		{"smtp://hush-user:@mail.example.org", from, host, "no password"},
		{"smtp://:hush@mail.example.org", from, host, "no user"},
		{"smtp://ada:hush#hush@mail.example.org", from, host, "percent-encoded"},
		{"smtp://ada:hush/hush@mail.example.org", from, host, "percent-encoded"},
		{"smtp://ada:123/hush@mail.example.org", from, host, "percent-encoded"},
		{"smtp://ada:hush?hush@mail.example.org", from, host, "percent-encoded"},
		{"smtp://ada:hush hush@mail.example.org", from, host, "a space is %20"},
		{"smtp://ada:hush%hush@mail.example.org", from, host, "percent-encoded"},
		{"smtp://ada:hush%00@mail.example.org", from, host, "control"},
		{"smtp://ada%0A:hush@mail.example.org", from, host, "control"},
		{server, "", host, "rollcall@example.org"},
		{"smtp://apikey:hush@mail.example.org", "", host, "rollcall@example.org"},
		{server, "Rollcall", host, "rollcall@example.org"},
		{server, "rollcall@example", host, "bad_domain"},
		{server, "a@example.org, b@example.org", host, "rollcall@example.org"},
		{server, "rollcall@example.org\r\nBcc: a@example.org", host, "rollcall@example.org"},
		{server, from, "", "missing"},
		{server, from, "bücher.example", "ASCII"},
		{server, from, "a b", "ASCII"},
		{server, from, "a_b.example", "ASCII"},
	} {
		got, err := ParseConfig(c.server, c.from, c.host)
		if err == nil || !strings.Contains(err.Error(), c.want) || got != (Config{}) {
			t.Errorf("ParseConfig(%q, %q, %q) = %v, %v, want an error that says %q", c.server, c.from, c.host, fields(got),
				err, c.want)
		} else if strings.Contains(err.Error(), "hush") {
			t.Errorf("ParseConfig(%q) = %v, which shows a part of the password", c.server, err)
		}
	}
}

func TestConfigHidesThePassword(t *testing.T) {
	c, err := ParseConfig("smtps://ada:hush@mail.example.org", "rollcall@example.org", "board.example.org")
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(format, c); got != "smtps://mail.example.org:465" {
			t.Errorf("Sprintf(%q) = %q, want only the server", format, got)
		}
	}
	c.TLSFirst = false
	if got := c.String(); got != "smtp://mail.example.org:465" {
		t.Errorf("String() = %q, want smtp://", got)
	}
}
