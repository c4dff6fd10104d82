package command

import (
	"bytes"
	"fmt"
	"io"
	"mime/quotedprintable"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"rollcall/accounts"
	"rollcall/mail"
)

// postOffice is an SMTP server. Each message that arrives goes into the channel, decoded.
type postOffice chan letter

type letter struct{ to, text string }

// postSession is one connection to a postOffice.
type postSession struct {
	office postOffice
	to     string
}

func (*postSession) Reset()                                      {}
func (*postSession) Logout() error                               { return nil }
func (*postSession) Mail(string, *smtp.MailOptions) error        { return nil }
func (s *postSession) Rcpt(to string, _ *smtp.RcptOptions) error { s.to = to; return nil }

func (s *postSession) Data(r io.Reader) error {
	text, err := io.ReadAll(quotedprintable.NewReader(r))
	if err == nil {
		s.office <- letter{s.to, string(text)}
	}
	return err
}

// newPostOffice returns a server and its address.
func newPostOffice(t *testing.T) (postOffice, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	office := make(postOffice, 20)
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &postSession{office: office}, nil }))
	server.Domain = "localhost"
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l)
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-done
	})
	return office, l.Addr().String()
}

// link waits for the next message, which must go to an address, and returns its link to path.
func (o postOffice) link(t *testing.T, to, path string) string {
	t.Helper()
	select {
	case l := <-o:
		found := regexp.MustCompile(`http://[\w.:]+` + path + `[\w-]*`).FindString(l.text)
		if l.to != to || found == "" {
			t.Fatalf("a message to %s, want one to %s with a link to %s:\n%s", l.to, to, path, l.text)
		}
		return found
	case <-time.After(30 * time.Second):
		t.Fatalf("no message to %s has arrived", to)
	}
	return ""
}

// post posts a form and returns the page that follows.
func post(t *testing.T, client *http.Client, address string, form url.Values) (status int, page string) {
	t.Helper()
	answer, err := client.PostForm(address, form)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

// A whole server with an SMTP server: somebody makes an account with their address, forgets the password, and chooses a
// new one. No address and no token is in the log.
func TestMailJourney(t *testing.T) {
	office, smtpAddr := newPostOffice(t)
	addr, db := freePort(t), filepath.Join(t.TempDir(), "rollcall.db")
	command(t, "user", "add", "boss", "--admin", "--create", "--db", db)
	r := startIn(t, environment{smtpURL: "smtp://" + smtpAddr}, "serve", "--addr", addr, "--db", db, "--public-url", "http://"+addr,
		"--mail-from", "rollcall@example.org", "--signup", "domains", "--signup-domains", "example.org")
	client := browser(t)
	if status, page := post(t, client, r.url+"/signup", url.Values{"email": {"ada@example.org"}}); status != http.StatusOK {
		t.Fatalf("POST /signup = %d\n%s", status, page)
	}
	link := office.link(t, "ada@example.org", "/signup/")
	form := url.Values{"username": {"ada"}, "password": {"correct horse battery"}}
	if status, page := post(t, client, link, form); status != http.StatusOK || !strings.Contains(page, `data-user="ada"`) {
		t.Fatalf("POST to the link = %d, want the board with ada on it\n%s", status, page)
	}
	if status, page := post(t, client, r.url+"/forgot", url.Values{"who": {"ADA@example.org"}}); status != http.StatusOK {
		t.Fatalf("POST /forgot = %d\n%s", status, page)
	}
	link = office.link(t, "ada@example.org", "/reset/")
	if status, page := post(t, client, link, url.Values{"password": {"another phrase"}}); status != http.StatusOK ||
		!strings.Contains(page, "Your password has been changed.") {
		t.Fatalf("POST to the link = %d\n%s", status, page)
	}
	office.link(t, "ada@example.org", "/forgot")
	form.Set("password", "another phrase")
	if status, page := post(t, client, r.url+"/login", form); status != http.StatusOK || !strings.Contains(page, `data-user="ada"`) {
		t.Fatalf("POST /login = %d\n%s", status, page)
	}
	client.CloseIdleConnections()
	if err := r.end(t); err != nil {
		t.Errorf("run = %v", err)
	}
	if log := r.log.String(); strings.Contains(log, "ada@") || strings.Contains(log, link[strings.LastIndex(link, "/")+1:]) ||
		strings.Count(log, "email sent") != 3 {
		t.Errorf("the log has an address or a token, or not three emails:\n%s", log)
	}
}

// Somebody who has no password and asks for a new one learns which button to use. The provider needn't answer for that.
func TestForgotElsewhere(t *testing.T) {
	office, smtpAddr := newPostOffice(t)
	addr, db := freePort(t), filepath.Join(t.TempDir(), "rollcall.db")
	command(t, "user", "add", "boss", "--admin", "--create", "--db", db)
	store := openDatabase(t, db)
	ctx := accounts.As(t.Context(), accounts.CommandLine)
	made, err := store.Import(ctx, []accounts.NewUser{{Username: "ada", Email: "ada@example.org", NoPassword: true}})
	if err != nil {
		t.Fatal(err)
	}
	issuer := "http://127.0.0.1:1"
	if err := store.Link(ctx, made[0].ID, accounts.Identity{Issuer: issuer, Subject: "ada-1", Provider: "corp"}); err != nil {
		t.Fatal(err)
	}
	r := startIn(t, environment{smtpURL: "smtp://" + smtpAddr, "ROLLCALL_OIDC": "corp", "ROLLCALL_OIDC_CORP_ISSUER": issuer,
		"ROLLCALL_OIDC_CORP_NAME": "Example Corp", "ROLLCALL_OIDC_CORP_CLIENT_ID": "rollcall", "ROLLCALL_OIDC_CORP_CLIENT_SECRET": "secret"},
		"serve", "--addr", addr, "--db", db, "--public-url", "http://"+addr, "--mail-from", "rollcall@example.org")
	if status, page := post(t, browser(t), r.url+"/forgot", url.Values{"who": {"ada"}}); status != http.StatusOK {
		t.Fatalf("POST /forgot = %d\n%s", status, page)
	}
	select {
	case l := <-office:
		if l.to != "ada@example.org" || !strings.Contains(l.text, "“Sign in with Example Corp”") {
			t.Errorf("a message to %s, want one to ada that names the button:\n%s", l.to, l.text)
		}
	case <-time.After(30 * time.Second):
		t.Error("no message has arrived")
	}
	if err := r.end(t); err != nil {
		t.Errorf("run = %v", err)
	}
}

// The doctor sends a test email.
func TestDoctorMail(t *testing.T) {
	office, smtpAddr := newPostOffice(t)
	var out bytes.Buffer
	con := &console{env: environment{smtpURL: "smtp://" + smtpAddr}, files: uiFiles(), stdin: strings.NewReader(""), stdout: &out, stderr: &out}
	err := run(t.Context(), []string{"doctor", "--addr", "127.0.0.1:0", "--db", filepath.Join(t.TempDir(), "rollcall.db"),
		"--public-url", "http://127.0.0.1:1", "--mail-from", "rollcall@example.org", "--mail-to", "ada@example.org"}, con)
	if err != nil || !strings.Contains(out.String(), "the server has taken a test email to ada@example.org") {
		t.Errorf("run = %v\n%s", err, out.String())
	}
	office.link(t, "ada@example.org", "/")
}

// A server that sends no emails doesn't start if people could only join by email, whoever chose that.
func TestDomainsNeedMail(t *testing.T) {
	db := filepath.Join(t.TempDir(), "rollcall.db")
	command(t, "user", "add", "boss", "--admin", "--create", "--db", db)
	serve := []string{"serve", "--addr", "127.0.0.1:0", "--db", db}
	refused := func(env environment, want string, args ...string) {
		t.Helper()
		con := &console{env: env, files: uiFiles(), stdin: strings.NewReader(""), stdout: io.Discard, stderr: io.Discard}
		if err := run(t.Context(), append(serve, args...), con); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("run(%q) = %v, want an error with %q", args, err, want)
		}
	}
	refused(environment{}, "needs ROLLCALL_SMTP_URL", "--signup", "domains", "--signup-domains", "example.org")
	refused(environment{smtpURL: "smtp://127.0.0.1:1"}, "needs a domain", "--signup", "domains", "--public-url", "http://127.0.0.1",
		"--mail-from", "rollcall@example.org")
	command(t, "board", "set", "signup=domains", "signup_domains=example.org", "--db", db)
	refused(environment{}, "rollcall board set signup=invite")
}

// Package accounts, which imports nothing of ours, agrees with package mail about what an email address is.
func TestAddressesAgree(t *testing.T) {
	locals := []string{"ada", "a.b", "a..b", ".a", "a.", "a+b", "a b", `"a b"`, "ä", "", strings.Repeat("a", 64), strings.Repeat("a", 65), "a'b", "a@b", "<a", "a(b)"}
	domains := []string{"example.org", "EXAMPLE.org", "example", "localhost", "a.localhost", "LOCALHOST", "192.0.2.1", "[192.0.2.1]", "-a.org",
		"a-.org", "a..org", "a.org.", "exämple.org", "a_b.org", "1.2", "a.1", "xn--exmple-cua.org", strings.Repeat("a", 64) + ".org",
		strings.Repeat("abcdefghi.", 25) + "org", ""}
	for _, local := range locals {
		for _, domain := range domains {
			typed := fmt.Sprintf(" %s@%s ", local, domain)
			address, ours := mail.ParseAddress(typed)
			email, key, theirs := accounts.CleanEmail(typed)
			if (ours == nil) != (theirs == nil) || ours == nil && (string(address) != email || address.Key() != key) {
				t.Errorf("%q: mail says %q, %v, and accounts %q, %v", typed, address, ours, email, theirs)
			}
		}
	}
}
