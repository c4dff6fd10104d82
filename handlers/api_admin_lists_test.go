package handlers

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"rollcall/accounts"
)

// csv sends a list of people to a path of the API.
func (p *program) csv(path, list string) answer {
	p.f.t.Helper()
	r := httptest.NewRequestWithContext(p.f.t.Context(), "POST", apiPath+path, strings.NewReader(list))
	r.Header.Set("Content-Type", "text/csv")
	if p.token != "" {
		r.Header.Set("Authorization", "Bearer "+p.token)
	}
	a := p.send(r)
	p.check(r, list, a)
	return a
}

// A list of people is checked, and then imported, all of it or nothing. The export can be imported again.
func TestAPIImport(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	boss := f.adminProgram()
	const list = "username,name,team,password,shoe size\nmei,Mei Lin,Platform,,38\nkim,Kim,Ops,correct horse battery,41\n"
	preview := boss.csv("/admin/import/preview", list)
	wantStatus(t, "a preview", preview, http.StatusOK)
	if got := into[importJSON](t, preview); got.People != 2 || !slices.Equal(got.Ignored, []string{"shoe size"}) || got.Links != nil {
		t.Errorf("the preview is %+v, want two people and a column that isn't used", got)
	}
	if _, err := f.store.UserByName(t.Context(), "mei"); err == nil {
		t.Error("the preview added somebody")
	}
	imported := boss.csv("/admin/import", list)
	wantStatus(t, "an import", imported, http.StatusOK)
	got := into[importJSON](t, imported)
	if got.People != 2 || len(got.Links) != 1 || got.Links[0].User != "mei" || got.Links[0].Name != "Mei Lin" || got.ExpiresAt == nil {
		t.Fatalf("the import = %+v, want two people, and a link for the one without a password", got)
	}
	wantStatus(t, "the link", f.browser().get(strings.TrimPrefix(got.Links[0].URL, "http://board.local")), http.StatusOK)
	if kim := f.user("kim"); kim.Team != "Ops" {
		t.Errorf("kim is %+v, want them in a team", kim)
	}
	for _, path := range []string{"/admin/import/preview", "/admin/import"} {
		a := boss.csv(path, "username,team,email\nnew,,\nmei,,\nnext,"+strings.Repeat("x", 65)+",nobody\nok,a,b,c\n")
		wantStatus(t, path+" of a wrong list", a, http.StatusUnprocessableEntity)
		var at []string
		for _, e := range into[wrongProblem](t, a).Errors {
			at = append(at, e.Pointer+" "+e.Code)
		}
		want := []string{"#/3/username taken", "#/4/team too_long", "#/4/email not_an_email", "#/5 field_count"}
		if !slices.Equal(at, want) {
			t.Errorf("%s of a wrong list = %q, want %q", path, at, want)
		}
	}
	if _, err := f.store.UserByName(t.Context(), "new"); err == nil {
		t.Error("a list with problems added somebody")
	}
	boss.wantProblem(415, "unsupported-media-type", "POST", "/admin/import", `{"people":[]}`)
	wantStatus(t, "a list that isn't text", boss.csv("/admin/import/preview", "username\n\xff\n"), http.StatusBadRequest)
	wantStatus(t, "no list", boss.csv("/admin/import/preview", ""), http.StatusUnprocessableEntity)
	long := "username\n" + strings.Repeat("x", maxList)
	wantStatus(t, "a long list", boss.csv("/admin/import/preview", long), http.StatusRequestEntityTooLarge)
	longer := "username\n" + strings.Repeat("somebody\n", maxBody/4)
	wantStatus(t, "a list longer than a form", boss.csv("/admin/import/preview", longer), http.StatusUnprocessableEntity)
}

// Exports are files, and the log has a line about each.
func TestAPIExports(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	boss := f.adminProgram()
	people := boss.want(200, "POST", "/admin/export/users", "")
	if people.Header.Get("Content-Type") != "text/csv; charset=utf-8" ||
		!strings.Contains(people.Header.Get("Content-Disposition"), "rollcall-people.csv") ||
		!strings.Contains(people.body, "\r\nboss,") {
		t.Errorf("the export is %v %q, want a file with boss", people.Header, people.body)
	}
	again := boss.csv("/admin/import/preview", people.body)
	wantStatus(t, "a preview of the export, whose names are taken", again, http.StatusUnprocessableEntity)
	log := boss.want(200, "POST", "/admin/export/audit", "").body
	for _, want := range []string{"people.export", "audit.export", ",api,"} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %q:\n%s", want, log)
		}
	}
	f.program("ada", everyScope...).wantProblem(403, insufficientScope, "POST", "/admin/export/users", "")
	browser := f.browser()
	browser.enter("boss")
	page := &program{browser: browser}
	page.want(200, "POST", "/admin/export/users", "")
	f.age(browser)
	page.wantProblem(403, confirmationRequired, "POST", "/admin/export/users", "")
	page.wantProblem(403, confirmationRequired, "POST", "/admin/import", "")
}

// With a mail server, links go to addresses instead of being in the answer.
func TestAPIMails(t *testing.T) {
	t.Parallel()
	f := mailFixture(t)
	boss := f.adminProgram()
	f.person("mei")
	f.address("mei", "mei@example.org")
	boss.want(204, "POST", "/admin/users/mei/reset-mail", "")
	f.mailed("a reset link", accounts.MailReset)
	made := into[invitationJSON](t, boss.want(201, "POST", "/admin/invitations", `{"email":"new@example.org"}`))
	if made.URL != "" {
		t.Errorf("the invitation that is sent has the link %s, too", made.URL)
	}
	f.mailed("an invitation", accounts.MailInvitation)
}
