package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"unicode"
)

// Whatever a server sends is bounded, and its text is fit for a log.
func TestSendOddServer(t *testing.T) {
	long := strings.Repeat("no way ", 1000)
	const quote = "554 Spam: https://BOARD.example.org/reset/token?x and board.example.org:443/x see https://help.example"
	for name, c := range map[string]struct {
		script script
		kind   Kind
		step   Step
		code   int
		text   string // part of the text
		err    error
	}{
		"not SMTP": {polite.but("greeting", "HTTP/1.1 400 \x1b[31mBad "+long),
			Temporary, StepGreeting, 0, `HTTP/1.1 400 \x1b[31mBad no way`, errMalformed},
		"not SMTP, with a link": {polite.but("greeting", "http://board.example.org/token"),
			Temporary, StepGreeting, 0, "[link]", errMalformed},
		"busy":                {polite.but("greeting", "421 4.3.2 Busy"), Temporary, StepGreeting, 421, "4.3.2 Busy", nil},
		"closed":              {polite.but("greeting", "554 5.7.1 "+long), Permanent, StepGreeting, 554, "5.7.1 no way", nil},
		"an odd code":         {polite.but("MAIL", "399 Huh"), Temporary, StepSender, 399, "Huh", nil},
		"success out of turn": {polite.but("DATA", "250 OK"), Temporary, StepContent, 250, "OK", nil},
		"several lines": {polite.but("RCPT", "550-5.1.1 One\r\n550-5.1.1 \r\n550 5.1.1 two\x00"),
			Permanent, StepRecipient, 550, "5.1.1 One 5.1.1 5.1.1 two", nil},
		"a quoted link": {polite.but(".", quote),
			Permanent, StepContent, 554, "Spam: [link] and [link] see https://help.example", nil},
		"more questions": {polite.but("AUTH", "334 Kg=="), Temporary, StepSignIn, 0, "asks for more", errChallenge},
		"no base64":      {polite.but("AUTH", "334 *"), Temporary, StepSignIn, 0, "base64", nil},
		"hung up":        {polite.but("RCPT", "250-x!"), Temporary, StepRecipient, 0, "EOF", io.EOF},
		"no EHLO":        {polite.but("EHLO", "502 No").but("HELO", "250 OK"), Temporary, StepSignIn, 0, "AUTH", errNoAuth},
	} {
		synctest.Test(t, func(t *testing.T) {
			got := sendError(t, local(t, c.script.dial))
			if got.Kind != c.kind || got.Step != c.step || got.Code != c.code || (got.Err != nil) != (c.code == 0) ||
				c.err != nil && !errors.Is(got, c.err) {
				t.Errorf("Send(%s) = %#v, want %s at %s with %d, %v", name, got, c.kind, c.step, c.code, c.err)
			}
			text := got.Error()
			if len(got.Text) > maxExcerpt || len(text) > 500 || !strings.Contains(text, c.text) ||
				c.code != 0 && !strings.HasPrefix(got.Text, c.text) ||
				strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("Send(%s) = %q, want a short, printable text with %q", name, text, c.text)
			}
		})
	}
}

// endless sends an answer without end, and counts its bytes.
func endless(sent *atomic.Int64) dialFunc {
	return func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go func() {
			defer server.Close()
			for {
				n, err := io.WriteString(server, "220-"+strings.Repeat("x", 1000)+"\r\n")
				if sent.Add(int64(n)); err != nil {
					return
				}
			}
		}()
		return near{client}, nil
	}
}

func TestSendEndlessAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sent atomic.Int64
		got := sendError(t, local(t, endless(&sent)))
		if got.Kind != Temporary || got.Step != StepGreeting || !errors.Is(got, errTooMuch) || sent.Load() > 1<<20 {
			t.Errorf("Send = %v after %d bytes, want %v", got, sent.Load(), errTooMuch)
		}
	})
}

// The limit counts from the connection on, before TLS.
func TestSendEndlessTLS(t *testing.T) {
	config, roots := certificates(t, remote)
	synctest.Test(t, func(t *testing.T) {
		var sent atomic.Int64
		sender := newSender(t, "smtps", remote, true, nil, roots)
		sender.dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			inside, _ := endless(&sent)(ctx, network, address)
			client, outside := net.Pipe()
			go func() {
				defer inside.Close()
				defer outside.Close()
				_, _ = io.Copy(tls.Server(outside, config), inside)
			}()
			return near{client}, nil
		}
		if got := sendError(t, sender); !errors.Is(got, errTooMuch) || sent.Load() > 1<<20 {
			t.Errorf("Send = %v after %d bytes, want %v", got, sent.Load(), errTooMuch)
		}
	})
}
