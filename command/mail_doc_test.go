package command

import (
	"bytes"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestMailDocument: the commands in docs/mail.md work, and every SMTP URL in it is accepted.
func TestMailDocument(t *testing.T) {
	text := readText(t, "docs/mail.md")
	office, smtpAddr := newPostOffice(t)
	db := filepath.Join(t.TempDir(), "rollcall.db")
	command(t, "user", "add", "ada", "--admin", "--create", "--db", db)
	ran := 0
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(text, -1) {
		for line := range strings.Lines(block[1]) {
			args := append(words(line)[1:], "--db", db)
			env := environment{smtpURL: "smtp://" + smtpAddr, "ROLLCALL_MAIL_FROM": "rollcall@example.org",
				"ROLLCALL_ADDR": "127.0.0.1:0", "ROLLCALL_PUBLIC_URL": "http://127.0.0.1:1"}
			var out bytes.Buffer
			con := &console{env: env, files: uiFiles(), stdin: strings.NewReader(""), stdout: &out, stderr: &out}
			if err := run(t.Context(), args, con); err != nil {
				t.Errorf("%s = %v\n%s", line, err, out.String())
			}
			ran++
		}
	}
	office.link(t, "you@example.org", "/")
	urls := regexp.MustCompile("`(smtps?://[^`]+:[0-9]+)`").FindAllStringSubmatch(text, -1)
	public := &url.URL{Scheme: "https", Host: "board.example.org"}
	for _, found := range urls {
		m := mailing{MailFrom: "rollcall@example.org"}
		if err := m.check(environment{smtpURL: found[1]}, public); err != nil {
			t.Errorf("%s: %v", found[1], err)
		}
	}
	if ran != 2 || len(urls) < 9 {
		t.Errorf("ran %d commands and read %d URLs, want all that are in the document", ran, len(urls))
	}
}
