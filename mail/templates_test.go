package mail

import (
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/jba/templatecheck"
	"golang.org/x/net/html"
)

var update = flag.Bool("update", false, "write the files in testdata that are compared with")

func newTemplates(t testing.TB) *Templates {
	t.Helper()
	templates, err := NewTemplates()
	if err != nil {
		t.Fatal(err)
	}
	return templates
}

func message(t testing.TB, c Content) Message {
	t.Helper()
	m, err := newTemplates(t).Message("ada@example.org", c)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// contents returns at least one example of each content, by the name of its golden file.
func contents() map[string]Content {
	board := Board{Name: "Acme & Co", URL: "https://acme.example/board"}
	link := func(path string) string { return board.URL + path }
	at := time.Date(2026, 11, 29, 14, 5, 0, 0, time.FixedZone("CET", 3600))
	hour, day := at.Add(time.Hour), at.AddDate(0, 0, 1)
	token := "abcdefghijklmnopqrstuvwxyz0123456789-_ABCDE"
	return map[string]Content{
		"password_reset":       PasswordReset{board, "ada", link("/reset/" + token), hour},
		"admin_reset":          AdminReset{board, "ada", link("/reset/" + token), day},
		"no_password":          NoPassword{board, "ada", []Line{"Continue with Example", "Use a passkey"}, link("/login")},
		"no_password_none":     NoPassword{board, "ada", nil, link("/login")},
		"verify_address":       VerifyAddress{board, "ada", link("/verify/" + token), day},
		"address_changed":      AddressChanged{board, "ada", at, link("/undo/" + token), day},
		"password_changed":     PasswordChanged{board, "ada", at, link("/forgot")},
		"new_sign_in":          NewSignIn{board, "ada", "Firefox on Linux", "192.0.2.7", at, link("/settings")},
		"new_sign_in_unknown":  NewSignIn{board, "ada", "Unknown browser", "", at, link("/settings")},
		"invitation":           Invitation{board, "Bob Müller", link("/join/" + token), at.AddDate(0, 0, 30)},
		"approved":             Approved{board, "ada", link("/login")},
		"approval_waiting":     ApprovalWaiting{board, 3, link("/admin/people")},
		"approval_waiting_1":   ApprovalWaiting{board, 1, link("/admin/people")},
		"recovery_code_used":   RecoveryCodeUsed{board, "ada", at, 7, link("/settings")},
		"recovery_code_used_1": RecoveryCodeUsed{board, "ada", at, 1, link("/settings")},
		"recovery_code_used_0": RecoveryCodeUsed{board, "ada", at, 0, link("/settings")},
		"recovery_codes_new":   RecoveryCodesRenewed{board, "ada", at, link("/settings/sign-in")},
		"passkey_added":        FactorChanged{board, "ada", Passkey, true, "Ada's phone", at, link("/settings")},
		"passkey_removed":      FactorChanged{board, "ada", Passkey, false, "Ada's phone", at, link("/settings")},
		"app_added":            FactorChanged{board, "ada", AuthenticatorApp, true, "", at, link("/settings")},
		"app_removed":          FactorChanged{board, "ada", AuthenticatorApp, false, "", at, link("/settings")},
		"linked_added":         FactorChanged{board, "ada", LinkedAccount, true, "Example Corp", at, link("/settings")},
		"factors_reset":        FactorChanged{board, "ada", AllFactors, false, "", at, link("/settings")},
		"address_given":        AddressSet{board, "ada", true, at, link("/settings")},
		"address_taken":        AddressSet{board, "ada", false, at, link("/settings")},
		"sign_up":              SignUp{board, link("/signup/" + token), day},
		"account_exists":       AccountExists{board, "ada", link("/login")},
		"test":                 Test{board, link("/")},
	}
}

// The files in testdata show the messages, so that a change of their words is seen. After a change on purpose, run
// go test ./mail -run Golden -update.
func TestGolden(t *testing.T) {
	want := map[string]bool{}
	for name, c := range contents() {
		m := message(t, c)
		if m.To != "ada@example.org" || m.FromName != "Acme & Co" {
			t.Errorf("%s: To, FromName = %q, %q, want the address and the board", name, m.To, m.FromName)
		}
		for file, got := range map[string]string{
			name + ".txt": "Subject: " + m.Subject + "\n\n" + m.Text, name + ".html": m.HTML,
		} {
			want[file] = true
			path := filepath.Join("testdata", file)
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if golden, err := os.ReadFile(path); string(golden) != got {
				t.Errorf("testdata/%s (%v) reads\n%s\nbut the message reads\n%s", file, err, golden, got)
			}
		}
	}
	files, err := filepath.Glob("testdata/*.*")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		if !want[filepath.Base(path)] {
			t.Errorf("nothing is compared with %s", path)
		}
	}
}

// contents has every content, and everyContent has every template.
func TestEveryContent(t *testing.T) {
	var known, shown, templates []string
	for _, c := range everyContent {
		known = append(known, c.template())
	}
	for _, c := range contents() {
		shown = append(shown, c.template())
	}
	for _, kind := range []string{".txt", ".html"} {
		paths, err := filepath.Glob("templates/*" + kind)
		if err != nil {
			t.Fatal(err)
		}
		templates = templates[:0]
		for _, path := range paths {
			if name := strings.TrimSuffix(filepath.Base(path), kind); name != "layout" {
				templates = append(templates, name)
			}
		}
		slices.Sort(templates)
		slices.Sort(known)
		if !slices.Equal(templates, known) {
			t.Errorf("templates%s are %q, want those of everyContent: %q", kind, templates, known)
		}
	}
	slices.Sort(shown)
	if shown = slices.Compact(shown); !slices.Equal(shown, known) {
		t.Errorf("contents shows %q, want %q", shown, known)
	}
}

// All branches of the templates fit the types of their data.
func TestTemplateTypes(t *testing.T) {
	parsed, err := parse(files) // not NewTemplates, because rendering changes HTML templates
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range everyContent {
		if err := templatecheck.CheckText(parsed.text[c.template()], c); err != nil {
			t.Errorf("%s.txt: %v", c.template(), err)
		}
		if err := templatecheck.CheckText(parsed.text[c.template()].Lookup("subject"), c); err != nil {
			t.Errorf("%s.txt: subject: %v", c.template(), err)
		}
		if err := templatecheck.CheckHTML(parsed.html[c.template()], c); err != nil {
			t.Errorf("%s.html: %v", c.template(), err)
		}
	}
}

func TestNewTemplatesErrors(t *testing.T) {
	if _, err := NewTemplates(); err != nil {
		t.Errorf("NewTemplates() = %v, want nil", err)
	}
	for file, bad := range map[string]string{
		"templates/test.txt":    `{{define "subject"}}{{end}}{{define "main"}}{{`,
		"templates/test.html":   `{{define "main"}}{{`,
		"templates/layout.txt":  `{{.Missing}}`,
		"templates/layout.html": `<a href="{{if .Link}}"{{end}}>`,
	} {
		all := fstest.MapFS{}
		paths, err := filepath.Glob("templates/*")
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			all[filepath.ToSlash(path)] = &fstest.MapFile{Data: data}
		}
		all[file] = &fstest.MapFile{Data: []byte(bad)}
		if _, err := load(all); err == nil {
			t.Errorf("load(%s = %q) = nil, want an error", file, bad)
		}
	}
}

var address = regexp.MustCompile(`[a-z]+://\S+`)

// Every message names the board and the link in both forms, and leads nowhere else. It loads nothing, sets no colors,
// so that dark mode works, and reads the same without styles.
func TestMessages(t *testing.T) {
	for name, c := range contents() {
		m := message(t, c)
		board, link := c.origin()
		if !strings.Contains(m.Subject, board.Name.String()) || strings.Contains(m.Subject, "\n") {
			t.Errorf("%s: the subject %q doesn't name the board on one line", name, m.Subject)
		}
		links := address.FindAllString(m.Text, -1)
		if !slices.Equal(links, []string{link, board.URL}) {
			t.Errorf("%s: the text has the links %q, want %q and %q", name, links, link, board.URL)
		}
		hrefs, words := inspect(t, name, m.HTML)
		if !slices.Equal(hrefs, []string{link, board.URL + "/"}) {
			t.Errorf("%s: the HTML has the links %q, want %q and %q", name, hrefs, link, board.URL+"/")
		}
		if found := address.FindString(words); found != "" {
			t.Errorf("%s: the HTML shows the address %q", name, found)
		}
		for _, field := range facts(c) {
			if !strings.Contains(words, field) || !strings.Contains(m.Text, field) {
				t.Errorf("%s: %q isn't in both forms:\n%s\n%s", name, field, m.Text, words)
			}
		}
		for _, odd := range []string{"<no value>", "%!", "  ", " .", " ,", "( ", "ZgotmplZ"} {
			if strings.Contains(m.Text, odd) || strings.Contains(words, odd) {
				t.Errorf("%s: has %q:\n%s\n%s", name, odd, m.Text, words)
			}
		}
	}
}

// facts returns what a message must say: each field of c that isn't a link, as text.
func facts(c Content) []string {
	var all []string
	v := reflect.ValueOf(c)
	for i := range v.NumField() {
		switch field := v.Field(i).Interface().(type) {
		case Line:
			all = append(all, field.String())
		case Name:
			all = append(all, field.String())
		case time.Time:
			all = append(all, when(field))
		case []Line:
			for _, line := range field {
				all = append(all, "“"+line.String()+"”")
			}
		case Board:
			all = append(all, field.Name.String())
		}
	}
	return all
}

// inspect returns the targets of links, and the words that people see. It reports what HTML in a message can't have.
func inspect(t *testing.T, name, text string) (hrefs []string, words string) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	allowed := strings.Fields("html head meta title style body p a b hr")
	var style, seen strings.Builder
	for n := range doc.Descendants() {
		switch {
		case n.Type == html.TextNode && n.Parent.Data == "style":
			style.WriteString(n.Data)
		case n.Type == html.TextNode && n.Parent.Data != "title":
			seen.WriteString(n.Data)
		case n.Type == html.ElementNode && !slices.Contains(allowed, n.Data):
			t.Errorf("%s: has a <%s>", name, n.Data)
		}
		for _, a := range n.Attr {
			switch {
			case a.Key == "href" && n.Data == "a":
				hrefs = append(hrefs, a.Val)
			case !slices.Contains([]string{"class", "lang", "charset", "name", "content"}, a.Key):
				t.Errorf("%s: has %s=%q", name, a.Key, a.Val)
			}
		}
	}
	colored := regexp.MustCompile(`(color|background|url|#|import|font-face)[^-]`)
	if found := colored.FindString(style.String()); found != "" {
		t.Errorf("%s: the style has %q, want only the colors of the mail program", name, found)
	}
	if !strings.Contains(style.String(), "color-scheme: light dark") {
		t.Errorf("%s: doesn't allow dark mode", name)
	}
	return hrefs, strings.Join(strings.Fields(seen.String()), " ")
}

// What people chose is shown as they wrote it, but as text on one line, and not as a link.
func TestMessagesWithStrangeNames(t *testing.T) {
	board := Board{Name: "<b>A</b>\r\nBcc: eve@example.org", URL: "https://acme.example"}
	m := message(t, Invitation{board, "Eve <img src=x>\n\nhttps://evil.example/x", board.URL + "/join/x", time.Now()})
	if want := "Invitation to <b>A</b> Bcc: eve@example.org"; m.Subject != want {
		t.Errorf("subject = %q, want %q", m.Subject, want)
	}
	if want := "Eve <img src=x> https: //evil. example/x invites you to <b>A</b> Bcc: "; !strings.HasPrefix(m.Text, want) {
		t.Errorf("text = %q, want a beginning like %q", m.Text, want)
	}
	hrefs, words := inspect(t, "invitation", m.HTML)
	if want := "Eve <img src=x> https: //evil. example/x invites you"; !strings.HasPrefix(words, want) || len(hrefs) != 2 {
		t.Errorf("the HTML reads %q with the links %q, want a beginning like %q", words, hrefs, want)
	}
	m = message(t, FactorChanged{board, "a", Passkey, true, "evil.example\n\nx", time.Now(), board.URL + "/"})
	if !strings.Contains(m.Text, "(“evil. example x”)") || !strings.Contains(m.HTML, "(“evil. example x”)") {
		t.Errorf("text = %q, HTML = %q, want the label on one line", m.Text, m.HTML)
	}
}

func TestMessageRefusesOtherLinks(t *testing.T) {
	templates := newTemplates(t)
	for _, link := range []string{
		"", "/login", "https://acme.example", "https://evil.example/", "http://acme.example/login",
		"https://acme.example.evil.example/", "https://acme.example@evil.example/", "javascript:alert(1)",
	} {
		board := Board{Name: "Acme", URL: "https://acme.example"}
		if _, err := templates.Message("ada@example.org", Approved{board, "ada", link}); err == nil {
			t.Errorf("Message(link %q) = nil, want an error", link)
		} else if link != "" && strings.Contains(err.Error(), link) {
			t.Errorf("Message(link %q) = %v, which shows the link", link, err)
		}
	}
	if _, err := templates.Message("ada@example.org", Approved{Board{Name: "Acme"}, "ada", "/login"}); err == nil {
		t.Error("Message(no URL of the board) = nil, want an error")
	}
}

func TestWhen(t *testing.T) {
	for zone, want := range map[*time.Location]string{
		time.UTC:                         "November 29, 2026, at 1:05 PM UTC",
		time.FixedZone("CET", 3600):      "November 29, 2026, at 2:05 PM UTC+1",
		time.FixedZone("IST", 19800):     "November 29, 2026, at 6:35 PM UTC+5:30",
		time.FixedZone("", -9*3600-1800): "November 29, 2026, at 3:35 AM UTC-9:30",
		time.FixedZone("LMT", 30):        "November 29, 2026, at 1:05 PM UTC",
		time.FixedZone("", 12*3600):      "November 30, 2026, at 1:05 AM UTC+12",
	} {
		if got := when(time.Date(2026, 11, 29, 13, 5, 0, 0, time.UTC).In(zone)); got != want {
			t.Errorf("when(%v) = %q, want %q", zone, got, want)
		}
	}
}
