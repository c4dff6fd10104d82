package e2e_test

import (
	"fmt"
	"io"
	"mime/quotedprintable"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/emersion/go-smtp"
)

// postbox is an SMTP server. The text of each email that arrives goes into the channel.
type postbox chan string

// postboxSession is one connection to a postbox.
type postboxSession struct{ box postbox }

func (postboxSession) Reset()                               {}
func (postboxSession) Logout() error                        { return nil }
func (postboxSession) Mail(string, *smtp.MailOptions) error { return nil }
func (postboxSession) Rcpt(string, *smtp.RcptOptions) error { return nil }

func (s postboxSession) Data(r io.Reader) error {
	text, err := io.ReadAll(quotedprintable.NewReader(r))
	if err == nil {
		s.box <- string(text)
	}
	return err
}

// newPostbox returns a server that runs until t ends, and its URL.
func newPostbox(t *testing.T) (postbox, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	box := make(postbox, 20)
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return postboxSession{box}, nil }))
	server.Domain = "localhost"
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	return box, "smtp://" + l.Addr().String()
}

// path waits for the next email and returns the path of its link that begins with prefix.
func (p postbox) path(t *testing.T, prefix string) string {
	t.Helper()
	select {
	case text := <-p:
		found := regexp.MustCompile(`https?://[^/\s]+(` + prefix + `[\w-]*)`).FindStringSubmatch(text)
		if found == nil {
			t.Fatalf("the email has no link to %s:\n%s", prefix, text)
		}
		return found[1]
	case <-time.After(patience):
		t.Fatalf("no email with a link to %s", prefix)
	}
	return ""
}

// wantFits checks a page: it's accessible, and fits on phones.
func wantFits(b *tab, what string) {
	b.t.Helper()
	wantAccessible(b, what)
	usual := ask[int](b, `innerWidth`)
	for _, width := range []int64{320, 390, 1280} {
		b.run(emulation.SetDeviceMetricsOverride(width, 800, 1, false))
		if ask[bool](b, `document.documentElement.scrollWidth > document.documentElement.clientWidth`) {
			b.t.Errorf("%s scrolls sideways at %d px", what, width)
		}
	}
	b.run(emulation.ClearDeviceMetricsOverride())
	b.until("the page has its width again", fmt.Sprintf(`innerWidth === %d`, usual), patience)
}

// Somebody makes an account with their email address, is told of a sign-in elsewhere, changes the address, undoes that,
// and chooses a new password. All pages on the way are accessible.
func TestEmail(t *testing.T) {
	parallel(t)
	box, smtpURL := newPostbox(t)
	s := newServer(t, "--public-url", "http://ADDR", "--mail-from", "rollcall@example.org", "--signup", "domains",
		"--signup-domains", "example.org")
	s.env = append(s.env, "ROLLCALL_SMTP_URL="+smtpURL)
	s.addUser("boss", "--admin", "--create")
	s.start()
	anna := s.visitor(t).tab()
	anna.allow(`status of (404|422)`)
	look(anna, "light")
	shows := func(text string) {
		t.Helper()
		anna.until("the page says "+text, `document.body.innerText.includes(`+quote(text)+`)`, patience)
	}

	anna.open("/signup")
	anna.fill("#email", "anna@example.net")
	anna.clickThrough("#main form button.main")
	shows("Use an address at example.org.")
	wantFits(anna, "the form for an address, with an error")
	anna.fill("#email", "anna@example.org")
	anna.clickThrough("#main form button.main")
	shows("Check your email")
	wantFits(anna, "the page after the form")
	anna.open(box.path(t, "/signup/"))
	wantFits(anna, "the form for an account")
	anna.fill("#username", "anna")
	anna.fill("#password", password)
	anna.clickThrough("#main form button.main")
	anna.untilAt("/", patience)

	s.signIn("anna") // elsewhere
	box.path(t, "/settings")
	anna.open("/settings")
	shows("New sign-in to your account")
	wantFits(anna, "the settings with a new sign-in")
	anna.clickThrough(`#main form[action$="/sessions/end"] button`)
	shows("Signed out 1 other device.")
	if ask[bool](anna, `document.body.innerText.includes('New sign-in')`) {
		t.Error("the page still shows the sign-in that was ended")
	}

	anna.fill("#email", "anna@example.com")
	anna.clickThrough(`form[action$="/settings/email"] button`)
	shows("Open the link in the email")
	anna.open(box.path(t, "/verify/"))
	wantFits(anna, "the form that confirms an address")
	anna.clickThrough("#main form button.main")
	shows("Your address: anna@example.com")
	anna.open(box.path(t, "/undo/"))
	wantFits(anna, "the form that restores an address")
	anna.clickThrough("#main form button.main")
	shows("Your email address has been restored")
	anna.clickThrough(`a[href="/forgot"]`)
	anna.fill("#account", "anna")
	anna.clickThrough("#main form button.main")
	shows("Check your email")
	anna.open(box.path(t, "/reset/"))
	anna.fill("#password", "another phrase")
	anna.clickThrough("#main form button.main")
	shows("Your password has been changed.")
	if log := s.log.String(); strings.Contains(log, "anna@") {
		t.Errorf("the log has an address:\n%s", log)
	}
}
