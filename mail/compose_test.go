package mail

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// letter is a message as a mail program reads it.
type letter struct {
	header     mail.Header
	subject    string
	text, html string
}

// read decodes a composed message.
func read(t testing.TB, data []byte) letter {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("ReadMessage = %v\n%s", err, data)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil {
		t.Fatal(err)
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("Content-Type = %q, %v, want multipart/alternative", m.Header.Get("Content-Type"), err)
	}
	l := letter{header: m.Header, subject: subject}
	parts := multipart.NewReader(m.Body, params["boundary"])
	for i, want := range []string{"text/plain; charset=utf-8", "text/html; charset=utf-8"} {
		part, err := parts.NextRawPart()
		if err != nil || part.Header.Get("Content-Type") != want ||
			part.Header.Get("Content-Transfer-Encoding") != "quoted-printable" {
			t.Fatalf("part %d = %v, %v, want quoted-printable %s", i, part, err, want)
		}
		l.read(t, i, part)
	}
	if _, err := parts.NextPart(); err != io.EOF {
		t.Fatalf("NextPart = %v, want two parts", err)
	}
	return l
}

// checkFields checks that a message has exactly the header fields that compose writes. Relays can add more.
func (l letter) checkFields(t testing.TB, added ...string) {
	t.Helper()
	want := append(added, "Date", "From", "To", "Message-Id", "Subject", "Auto-Submitted", "Mime-Version", "Content-Type")
	for name, values := range l.header {
		if !slices.Contains(want, name) || len(values) != 1 && !slices.Contains(added, name) {
			t.Errorf("the message has %d fields %s: %q", len(values), name, values)
		}
	}
	for _, name := range want {
		if l.header.Get(name) == "" {
			t.Errorf("the message has no field %s", name)
		}
	}
}

// read decodes one part.
func (l *letter) read(t testing.TB, i int, part io.Reader) {
	t.Helper()
	data, err := io.ReadAll(quotedprintable.NewReader(part))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(data), "\r\n", "\n")
	if i == 0 {
		l.text = text
	} else {
		l.html = text
	}
}

func composed(t testing.TB, c Config, m Message) []byte {
	t.Helper()
	data, err := c.compose(m, time.Date(2026, 11, 29, 14, 5, 6, 0, time.FixedZone("", 3600)))
	if err != nil {
		t.Fatalf("compose(%+v) = %v", m, err)
	}
	return data
}

var (
	someConfig  = Config{Host: "mail.example.org", Port: 587, From: "rollcall@example.org", Domain: "board.example.org"}
	someMessage = Message{To: "ada@example.org", FromName: "Acme", Subject: "Hello", Text: "Hi\n", HTML: "<p>Hi</p>\n"}
)

func TestCompose(t *testing.T) {
	m := Message{
		To: "Ada+board@Example.org", FromName: "Bücher & \"Co\"",
		Subject: "Grüße von “Bücher & Co” – willkommen 👋 auf der gemeinsamen Tafel",
		Text:    "Grüße = ein Gruß\n.\n..\n\nFrom here\n" + strings.Repeat("lang ", 300) + "\n",
		HTML:    "<p title=\"=3D\">Grüße</p>\n\n",
	}
	data := composed(t, someConfig, m)
	got := read(t, data)
	got.checkFields(t)
	if got.subject != m.Subject || got.text != m.Text || got.html != m.HTML {
		t.Errorf("the message reads %q, %q, %q\nwant %q, %q, %q", got.subject, got.text, got.html, m.Subject, m.Text, m.HTML)
	}
	from, err := got.header.AddressList("From")
	if err != nil || len(from) != 1 || *from[0] != (mail.Address{Name: m.FromName, Address: "rollcall@example.org"}) {
		t.Errorf("From = %v, %v, want %s <rollcall@example.org>", from, err, m.FromName)
	}
	for name, want := range map[string]string{
		"To": "Ada+board@Example.org", "Date": "Sun, 29 Nov 2026 13:05:06 +0000", "Auto-Submitted": "auto-generated",
		"Mime-Version": "1.0",
	} {
		if got := got.header.Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	id := got.header.Get("Message-Id")
	again := read(t, composed(t, someConfig, m)).header.Get("Message-Id")
	if !strings.HasPrefix(id, "<") || !strings.HasSuffix(id, "@board.example.org>") || len(id) < 40 || id == again {
		t.Errorf("Message-ID = %s, then %s, want two random ones of our host", id, again)
	}
	checkLines(t, data, 76)
}

// checkLines checks that data is ASCII in lines of at most limit bytes, each of which ends with CRLF.
func checkLines(t testing.TB, data []byte, limit int) {
	t.Helper()
	lines := strings.Split(string(data), "\r\n")
	for _, line := range lines {
		if len(line) > limit && !strings.HasPrefix(line, "Content-Type: multipart/") || strings.ContainsAny(line, "\r\n") ||
			strings.ContainsFunc(line, func(r rune) bool { return r >= utf8.RuneSelf }) {
			t.Errorf("line %q is longer than %d bytes, not ASCII, or has CR or LF", line, limit)
		}
	}
	if lines[len(lines)-1] != "" {
		t.Errorf("the message doesn't end with CRLF")
	}
}

// The header has the fields that compose writes and no others, whatever is in the message.
func TestComposeInjection(t *testing.T) {
	const attack = "x\r\nBcc: eve@example.org\r\n\r\nbody"
	for name, change := range map[string]func(*Message){
		"subject":             func(m *Message) { m.Subject = attack },
		"subject, LF":         func(m *Message) { m.Subject = "x\nBcc: eve@example.org" },
		"subject, CR":         func(m *Message) { m.Subject = "x\rBcc: eve@example.org" },
		"subject, not ASCII":  func(m *Message) { m.Subject = "ä" + attack },
		"subject, NUL":        func(m *Message) { m.Subject = "x\x00y\u202ez" },
		"subject, encoded":    func(m *Message) { m.Subject = "=?utf-8?q?x=0D=0ABcc:_eve@example.org?=" },
		"subject, long":       func(m *Message) { m.Subject = strings.Repeat("x", 5000) },
		"subject, long words": func(m *Message) { m.Subject = strings.Repeat("ä b ", 5000) },
		"sender":              func(m *Message) { m.FromName = attack },
		"sender, not ASCII":   func(m *Message) { m.FromName = "ä" + attack },
		"sender, quotes":      func(m *Message) { m.FromName = `x" <eve@example.org>, "y` },
		"sender, encoded":     func(m *Message) { m.FromName = "=?utf-8?q?x=22=0D=0A_<eve@example.org>?=" },
		"sender, long":        func(m *Message) { m.FromName = strings.Repeat("ä ", 5000) },
		"text":                func(m *Message) { m.Text = attack + "\r\n.\r\nMAIL FROM:<eve@example.org>\r\n" },
		"text, CR":            func(m *Message) { m.Text = "x\ry\r\rz" },
		"text, not UTF-8":     func(m *Message) { m.Text = "x\xff\x00y" },
		"HTML":                func(m *Message) { m.HTML = "--x\r\nContent-Type: image/png\r\n\r\nx\r\n--x--\r\n" },
	} {
		m := someMessage
		change(&m)
		data := composed(t, someConfig, m)
		l := read(t, data)
		l.checkFields(t)
		checkLines(t, data, 998)
		if strings.ContainsAny(l.subject, "\r\n\x00\u202e") || utf8.RuneCountInString(l.subject) > maxSubject+1 {
			t.Errorf("%s: the subject reads %q", name, l.subject)
		}
		from, err := l.header.AddressList("From")
		if err != nil || len(from) != 1 || from[0].Address != "rollcall@example.org" ||
			strings.ContainsAny(from[0].Name, "\r\n") || utf8.RuneCountInString(from[0].Name) > maxName+1 {
			t.Errorf("%s: From reads %q, %v", name, from, err)
		}
		if !utf8.ValidString(l.text) || strings.Contains(l.text, "\r") {
			t.Errorf("%s: the text reads %q", name, l.text)
		}
	}
}

func TestComposeRefuses(t *testing.T) {
	for name, change := range map[string]func(*Message){
		"no address":        func(m *Message) { m.To = "" },
		"address with name": func(m *Message) { m.To = "Ada <ada@example.org>" },
		"address with CRLF": func(m *Message) { m.To = "ada@example.org>\r\nRCPT TO:<eve@example.org" },
		"address with LF":   func(m *Message) { m.To = "ada@example.org\n" },
		"two addresses":     func(m *Message) { m.To = "ada@example.org, eve@example.org" },
		"no text":           func(m *Message) { m.Text = "" },
		"no HTML":           func(m *Message) { m.HTML = "" },
		"long text":         func(m *Message) { m.Text = strings.Repeat("x", maxContent+1) },
		"long HTML":         func(m *Message) { m.HTML = strings.Repeat("x", maxContent+1) },
	} {
		m := someMessage
		change(&m)
		s := NewSender(someConfig)
		s.dial = func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("it connects") }
		err := s.Send(t.Context(), m)
		if failed, ok := errors.AsType[*Error](err); !ok || failed.Kind != Permanent || failed.Step != StepCompose ||
			failed.Code != 0 {
			t.Errorf("Send(%s) = %v, want a permanent error of the message", name, err)
		}
	}
	m := someMessage
	m.Text, m.HTML = strings.Repeat("x", maxContent), strings.Repeat("x", maxContent)
	composed(t, someConfig, m)
}

func TestComposeNames(t *testing.T) {
	c := someConfig
	c.FromName, c.Domain = "Operators", "2001:db8::1"
	l := read(t, composed(t, c, someMessage))
	if got := l.header.Get("From"); got != `"Operators" <rollcall@example.org>` {
		t.Errorf("From = %s, want the name of the configuration", got)
	}
	if got := l.header.Get("Message-Id"); !strings.HasSuffix(got, "@[IPv6:2001:db8::1]>") {
		t.Errorf("Message-ID = %s, want an address literal", got)
	}
	c.Domain = "192.0.2.1"
	if got := read(t, composed(t, c, someMessage)).header.Get("Message-Id"); !strings.HasSuffix(got, "@[192.0.2.1]>") {
		t.Errorf("Message-ID = %s, want an address literal", got)
	}
}
