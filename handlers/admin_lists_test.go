package handlers

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"rollcall/accounts"
	"rollcall/accounts/peoplecsv"
)

// every action of the log has a sentence that needs no further words.
func TestSentences(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	boss := f.boss("boss")
	ada := f.person("ada")
	gone := f.person("gone")
	ctx := accounts.As(t.Context(), accounts.ByUser(f.uid("boss")))
	visitor := accounts.As(t.Context(), accounts.Visitor)
	began := time.Now().UTC()
	reset, err := f.store.MakeResetLink(ctx, ada.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		f.store.SetTeam(ctx, ada.ID, "Ops"), f.store.Rename(ctx, ada.ID, "Ada L"), f.store.ResetPassword(visitor, reset, "a new password"),
		errOf(f.store.RenameTeam(ctx, "Ops", "Lab")), errOf(f.store.RenameTeam(ctx, "Lab", "")),
		f.store.ChangeSettings(ctx, func(x *accounts.Settings) error { x.SignUp, x.Invisible = "approve", "off"; return nil }),
		errOf(f.store.Import(ctx, []accounts.NewUser{{Username: "new", PasswordHash: goodHash}})),
		f.store.RecordExport(ctx, accounts.AuditExported), f.store.Delete(ctx, gone.ID),
		errOf(f.store.SignOut(accounts.As(t.Context(), accounts.System), []string{ada.ID})),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for action := range sentences {
		if strings.Contains(sentence(fill(sentences[action], "X", map[string]string{"people": "1", "team": "T", "from": "F", "signup": "off"})), "{") {
			t.Errorf("the sentence of %s isn't filled", action)
		}
	}
	page := boss.get("/admin/log")
	text := regexp.MustCompile(`\s+`).ReplaceAllString(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(page.body, " "), " ")
	for _, want := range []string{
		"boss created a reset link for Ada L", "boss moved Ada L from no team to Ops", "boss changed the name of Ada L",
		"boss renamed the team Ops to Lab , with 1 person", "boss deleted the team Lab , with 1 person",
		"boss changed the settings: being invisible = not allowed; who can join = anyone, after approval", "boss imported 1 person",
		"boss downloaded the log", "boss deleted deleted account " + gone.ID[len(gone.ID)-4:], "Rollcall ended all sessions of Ada L",
		"Somebody at the command line made boss an administrator", "Today", "in the browser", "automatic",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the log doesn't say %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "chose a password") && began.Day() == time.Now().UTC().Day() {
		t.Errorf("the log tells today that somebody used a link today:\n%s", text)
	}
	tell := &teller{f.store, time.UTC, time.Now(), map[string]string{}, f.server.ElsewhereName}
	line, err := tell.line(t.Context(), accounts.Entry{Actor: accounts.Visitor, Action: accounts.ResetLinkUsed,
		Target: accounts.TargetUser(ada.ID)})
	if got := sentence(line.Parts); err != nil || got != "Ada L chose a password with a reset link" {
		t.Errorf("tomorrow, it says %q, %v", got, err)
	}
	for show, want := range map[string][2]bool{"people": {true, false}, "board": {false, true}} {
		body := boss.get("/admin/log?show=" + show).body
		if strings.Contains(body, "created a reset link") != want[0] || strings.Contains(body, "downloaded the log") != want[1] {
			t.Errorf("the log of %s has lines of the other kind, or lacks some:\n%s", show, body)
		}
	}
	if body := boss.get("/admin/log?person=ada").body; !strings.Contains(body, "created a reset link") || strings.Contains(body, "downloaded the log") {
		t.Errorf("the log about ada has lines about others, or lacks some:\n%s", body)
	}
	if body := boss.get("/admin/log?person=nobody").body; !strings.Contains(body, "Nobody has the username nobody.") {
		t.Errorf("the log about nobody doesn't say so:\n%s", body)
	}
	for _, path := range []string{"/admin/people/ada", "/admin/people/gone"} {
		if a := boss.get(path); a.StatusCode == http.StatusOK && regexp.MustCompile(`<time[^>]*>`).MatchString(a.body) {
			t.Errorf("GET %s has a time:\n%s", path, a.body)
		}
	}
	wantStatus(t, "a wrong cursor", boss.get("/admin/log?before=%00"), http.StatusBadRequest)
}

func errOf[T any](_ T, err error) error { return err }

// A line whose time would tell when somebody was here has the day in UTC instead, wherever the reader is.
func TestLogHidesTimesOfOwnActs(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	at := func(hour int) time.Time { return time.Date(2026, 3, 1, hour, 0, 0, 0, time.UTC) }
	used := accounts.Entry{At: at(0), Actor: accounts.Visitor, Action: accounts.ResetLinkUsed, Target: accounts.TargetUser("nobody")}
	entries := []accounts.Entry{
		{At: at(23), Actor: accounts.System, Action: accounts.PeopleExported}, used,
		{At: at(22), Actor: accounts.System, Action: accounts.PeopleExported},
	}
	for _, zone := range []string{"UTC", "Asia/Tokyo", "America/Los_Angeles"} {
		tell := &teller{f.store, accounts.Zone(zone), at(23).In(accounts.Zone(zone)), map[string]string{}, f.server.ElsewhereName}
		days, err := tell.days(t.Context(), entries)
		if err != nil || len(days) != 1 || len(days[0].Lines) != 3 {
			t.Fatalf("days in %s = %+v, %v, want one day with 3 lines", zone, days, err)
		}
		for i, line := range days[0].Lines {
			if timeless := line.Time().At == ""; timeless != (i == 1) || timeless && line.Day != "1 Mar" {
				t.Errorf("in %s, line %d has the day %q, and no time: %t", zone, i, line.Day, timeless)
			}
		}
	}
}

// A list is checked as a whole before anybody is added. People without a password get a link, which is shown once.
func TestImportInTheBrowser(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	boss := f.boss("boss")
	upload := func(csv, act string) answer {
		return boss.upload("/admin/import", url.Values{"csv": {""}, "act": {act}}, csv)
	}
	for _, act := range []string{"check", "import"} {
		bad := upload("\ufeffTeam;Display name;Username;Mail\r\nOps;Ada;ada;x\r\nOps;B;boss;x\r\nOps\r\nOps;B;ada;x\r\n", act)
		wantStatus(t, "a list with problems", bad, http.StatusUnprocessableEntity)
		for _, want := range []string{"3 problems to fix", "<td>3</td><td translate=\"no\"><bdi>boss</bdi></td><td>username: This username is taken.",
			"<td>4</td>", "<td>5</td><td translate=\"no\"><bdi>ada</bdi></td>", "<bdi>Mail</bdi>", "Ops;Ada;ada;x"} {
			if !strings.Contains(bad.body, want) {
				t.Errorf("the page about a list with problems doesn't hold %q:\n%s", want, bad.body)
			}
		}
	}
	good := upload("username,display_name,team,password\nada,=Ada,Ops,\nbob,,,correct horse battery\n", "check")
	wantStatus(t, "a good list", good, http.StatusOK)
	if !strings.Contains(good.body, "2 people can be added") || !strings.Contains(good.body, "1 of them has no password.") {
		t.Errorf("the preview doesn't say whom it adds:\n%s", good.body)
	}
	if _, err := f.store.UserByName(t.Context(), "ada"); err == nil {
		t.Fatal("a preview adds people")
	}
	form := kept(good)
	form.Set("act", "import")
	done := boss.do("POST", "/admin/import", form)
	wantStatus(t, "the import", done, http.StatusOK)
	m := regexp.MustCompile(`<code>http://board\.local/reset/([^<]*)</code>`).FindAllStringSubmatch(done.body, -1)
	if !strings.Contains(done.body, "Added 2 people") || len(m) != 1 {
		t.Fatalf("the page after the import doesn't have one link:\n%s", done.body)
	}
	if u, err := f.store.ResetLinkUser(t.Context(), m[0][1]); err != nil || u.Username != "ada" || u.DisplayName != "=Ada" {
		t.Errorf("the link is for %+v, %v, want ada", u, err)
	}
	file := boss.do("POST", "/admin/import/links.csv", kept(done))
	if !strings.Contains(file.Header.Get("Content-Disposition"), "attachment") || file.body != "name,username,link\r\n'=Ada,ada,http://board.local/reset/"+m[0][1]+"\r\n" {
		t.Errorf("the file of links = %q %q", file.Header, file.body)
	}
	if e := f.log(accounts.AuditQuery{Action: accounts.PeopleImported}); len(e) != 1 || e[0].Detail["people"] != "2" {
		t.Errorf("the log about the import = %+v, want one line", e)
	}
	wantStatus(t, "a file that isn't text", upload("\xff\xfeu\x00", "check"), http.StatusUnprocessableEntity)
	large := upload(strings.Repeat("x", maxList+1), "check")
	wantStatus(t, "a file that is too large", large, http.StatusRequestEntityTooLarge)
	if !strings.Contains(large.body, "Split it into lists of up to 4 MiB.") {
		t.Errorf("the page about a file that is too large doesn't say how large it may be:\n%s", large.body)
	}
	wantStatus(t, "a file that is much too large", upload(strings.Repeat("x", maxListBody), "check"), http.StatusRequestEntityTooLarge)
	wantStatus(t, "an upload elsewhere", boss.send(func() *http.Request {
		r := httptest.NewRequest("POST", "/admin/bulk", strings.NewReader("--x--"))
		r.Header.Set("Content-Type", "multipart/form-data; boundary=x")
		return r
	}()), http.StatusUnsupportedMediaType)
}

// upload posts a form with a file, unless file is "".
func (b *browser) upload(path string, fields url.Values, file string) answer {
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for name, values := range fields {
		for _, value := range values {
			_ = w.WriteField(name, value)
		}
	}
	if file != "" {
		part, _ := w.CreateFormFile("csv", "people.csv")
		_, _ = part.Write([]byte(file))
	}
	_ = w.Close()
	r := httptest.NewRequest("POST", path, &body)
	r.Header.Set("Content-Type", w.FormDataContentType())
	return b.send(r)
}

// A list as large as allowed is uploaded once. It's kept by the pages that ask for a proof and for a confirmation.
func TestLargeListIsKept(t *testing.T) {
	t.Parallel()
	f, back := proofFixture(t)
	boss := f.oldBoss(back, "boss")
	var list strings.Builder
	list.WriteString("username,note\n")
	for i := range 4 * maxList / (5 * peoplecsv.MaxCell) {
		fmt.Fprintf(&list, "p%d,%s\n", i, strings.Repeat("ä", peoplecsv.MaxCell/2)) // six bytes each in a form without files
	}
	page := boss.upload("/admin/import", url.Values{"act": {"check"}}, list.String())
	for _, step := range []struct {
		page   string
		status int
		more   url.Values
	}{
		{`name="confirm_password"`, http.StatusForbidden, url.Values{"confirm_password": {goodPassword}}},
		{"can be added", http.StatusOK, url.Values{"act": {"import"}}},
	} {
		if page.StatusCode != step.status || !strings.Contains(page.body, step.page) || !strings.Contains(page.body, `enctype="multipart/form-data"`) {
			t.Fatalf("the answer is %d and lacks %q or a form for large lists:\n%.2000s", page.StatusCode, step.page, page.body)
		}
		form := kept(page)
		for name, values := range step.more {
			form[name] = values
		}
		form.Set("csv", strings.ReplaceAll(form.Get("csv"), "\n", "\r\n")) // as browsers do
		page = boss.upload("/admin/import", form, "")
	}
	if wantStatus(t, "the import", page, http.StatusOK); !strings.Contains(page.body, "Added 819 people") {
		t.Errorf("the answer to the import doesn't say how many were added:\n%.2000s", page.body)
	}
}

// Who has to prove who they are before a download gets a page with a button for it, which the browser leaves open. The
// file has what the form asked for.
func TestDownloadAfterProof(t *testing.T) {
	t.Parallel()
	f, back := proofFixture(t)
	for path, wanted := range map[string]struct {
		form url.Values
		file string
	}{
		"/admin/people.csv": {url.Values{}, "username,display_name"}, "/admin/log.csv": {url.Values{}, "time,who,what"},
		"/admin/import/links.csv": {url.Values{"csv": {"name,link\r\nada,x\r\n"}}, "name,link\r\nada,x\r\n"},
	} {
		boss := f.oldBoss(back, "boss"+strings.NewReplacer("/", "", ".", "").Replace(path))
		ask := boss.do("POST", path, wanted.form)
		wantStatus(t, "POST "+path, ask, http.StatusForbidden)
		form := kept(ask)
		form.Set("confirm_password", goodPassword)
		ready := boss.do("POST", path, form)
		if ready.StatusCode != http.StatusOK || !strings.Contains(ready.body, "Your file is ready") ||
			!strings.Contains(ready.body, `action="`+path+`"`) {
			t.Fatalf("POST %s with a proof = %d, want a page with a button for the file:\n%s", path, ready.StatusCode, ready.body)
		}
		file := boss.do("POST", path, kept(ready))
		if file.StatusCode != http.StatusOK || !strings.Contains(file.Header.Get("Content-Disposition"), "attachment") ||
			!strings.HasPrefix(file.body, wanted.file) {
			t.Errorf("POST %s from that page = %d %v %.100s, want the file", path, file.StatusCode, file.Header, file.body)
		}
	}
}

// Exports are complete and in the log, have no formulas, and can be imported again.
func TestExports(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	boss := f.boss("boss")
	var people []accounts.NewUser
	for i := range 230 {
		people = append(people, accounts.NewUser{Username: fmt.Sprintf("p%03d", i), DisplayName: "=cmd()", Team: "@Ops", PasswordHash: goodHash})
	}
	if _, err := f.store.Import(acting(t.Context()), people); err != nil {
		t.Fatal(err)
	}
	if err := f.store.SetDisabled(acting(t.Context()), f.uid("p000"), true); err != nil {
		t.Fatal(err)
	}
	if err := f.store.SetEmail(acting(t.Context()), f.uid("p000"), "p000@example.org"); err != nil {
		t.Fatal(err)
	}
	file := boss.do("POST", "/admin/people.csv", url.Values{})
	wantStatus(t, "POST /admin/people.csv", file, http.StatusOK)
	today := time.Now().UTC().Format(time.DateOnly)
	for _, want := range []string{"username,display_name,team,role,status,created,email\r\n", "boss,boss,,administrator,," + today + ",\r\n",
		"p000,'=cmd(),'@Ops,member,disabled," + today + ",p000@example.org\r\n", "p229,"} {
		if !strings.Contains(file.body, want) {
			t.Errorf("the list of people doesn't hold %q:\n%.600s", want, file.body)
		}
	}
	if l, err := peoplecsv.Read(strings.NewReader(file.body), 1000); err != nil || len(l.People) != 231 || l.People[1].Email != "p000@example.org" || len(l.Problems) > 0 {
		t.Errorf("the list has %d people and the problems %v, %v, want 231 and none", len(l.People), l.Problems, err)
	}
	reset, err := f.store.MakeResetLink(acting(t.Context()), f.uid("p001"))
	if err == nil {
		err = f.store.ResetPassword(accounts.As(t.Context(), accounts.Visitor), reset, "a new password")
	}
	if err != nil {
		t.Fatal(err)
	}
	file = boss.do("POST", "/admin/log.csv", url.Values{})
	wantStatus(t, "POST /admin/log.csv", file, http.StatusOK)
	lines := strings.Split(strings.TrimSpace(file.body), "\r\n")
	if n := len(f.log(accounts.AuditQuery{})); len(lines) != n+1 {
		t.Errorf("the file has %d lines, want %d and a header", len(lines)-1, n)
	}
	if strings.Contains(file.body, "reset_link.use") && today == time.Now().UTC().Format(time.DateOnly) {
		t.Errorf("the file says today that somebody used a link today:\n%s", file.body)
	}
	if !strings.Contains(file.body, "Somebody at the command line,disabled =cmd(),user.disable,command-line,") {
		t.Errorf("the file lacks a line:\n%s", file.body)
	}
	for _, action := range []accounts.Action{accounts.PeopleExported, accounts.AuditExported} {
		if e := f.log(accounts.AuditQuery{Action: action}); len(e) != 1 || e[0].Actor != accounts.ByUser(f.uid("boss")) {
			t.Errorf("the log about %s = %+v, want one line by boss", action, e)
		}
	}
}
