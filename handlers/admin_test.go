package handlers

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"rollcall/accounts"
)

// adminPaths returns the paths of all routes of the administration, with a username in place of the parameter.
func (f *fixture) adminPaths(method, name string) (all []string) {
	for _, r := range f.server.echo.Routes() {
		if r.Method == method && strings.HasPrefix(r.Path, "/admin") {
			all = append(all, strings.ReplaceAll(r.Path, ":name", name))
		}
	}
	slices.Sort(all)
	return all
}

// Strangers and members get no page of the administration, and no change is made without a fresh proof.
func TestAdminAccess(t *testing.T) {
	t.Parallel()
	f, back := proofFixture(t)
	member, boss := f.member("ada"), f.oldBoss(back, "boss")
	pages, forms := f.adminPaths("GET", "ada"), f.adminPaths("POST", "ada")
	if len(pages) < 15 || len(forms) < 15 {
		t.Fatalf("%d pages and %d forms, want all of them", len(pages), len(forms))
	}
	for _, path := range pages {
		wantRedirect(t, "a stranger at "+path, f.browser().get(path), "/login?next="+url.QueryEscape(path))
		wantStatus(t, "a member at "+path, member.get(path), http.StatusForbidden)
		if a := boss.get(path); a.StatusCode != http.StatusOK && a.StatusCode != http.StatusSeeOther && path != "/admin/team" {
			t.Errorf("an administrator at %s = %d\n%s", path, a.StatusCode, a.body)
		}
	}
	entries := len(f.log(accounts.AuditQuery{}))
	for _, path := range forms {
		form := url.Values{"person": {f.uid("ada")}, "act": {"disable"}, "confirm_username": {"ada"}, "admin": {"on"}}
		wantRedirect(t, "a stranger who posts to "+path, f.browser().do("POST", path, form), "/login")
		wantStatus(t, "a member who posts to "+path, member.do("POST", path, form), http.StatusForbidden)
		ask := boss.do("POST", path, form)
		if ask.StatusCode != http.StatusForbidden || !strings.Contains(ask.body, `name="confirm_password"`) {
			t.Errorf("POST %s with an old proof = %d, want a page that asks for the password", path, ask.StatusCode)
		}
	}
	if n := len(f.log(accounts.AuditQuery{})); n != entries || f.user("ada").Disabled || f.user("ada").Admin {
		t.Errorf("forms without a proof have left %d lines in the log, or changed ada: %+v", n-entries, f.user("ada"))
	}
}

// log returns lines of the audit log, the newest first.
func (f *fixture) log(q accounts.AuditQuery) []accounts.Entry {
	f.t.Helper()
	q.Limit = 1000
	entries, err := f.store.Audit(f.t.Context(), q)
	if err != nil {
		f.t.Fatal(err)
	}
	return entries
}

// post posts a form that must be answered with a redirect, and returns the page that follows.
func (b *browser) post(path string, form url.Values) answer {
	b.f.t.Helper()
	a := b.do("POST", path, form)
	if a.StatusCode != http.StatusSeeOther {
		b.f.t.Fatalf("POST %s = %d, want a redirect\n%s", path, a.StatusCode, a.body)
	}
	page := b.get(a.location())
	wantStatus(b.f.t, "GET "+a.location(), page, http.StatusOK)
	return page
}

// Every act does what it says, says so, and is in the audit log with who did it and from where.
func TestAdminActs(t *testing.T) {
	t.Parallel()
	f := newFixture(t, quick)
	boss := f.boss("boss")
	for _, name := range []string{"ada", "bob", "cleo", "dan"} {
		f.person(name)
	}
	id := func(names ...string) (ids []string) {
		for _, name := range names {
			ids = append(ids, f.uid(name))
		}
		return ids
	}
	waits := func(name string) []string {
		u, _, err := f.store.SignUp(acting(t.Context()), accounts.NewUser{Username: name, PasswordHash: goodHash},
			accounts.Joining{Approval: true, Note: "Hello"})
		if err != nil {
			t.Fatal(err)
		}
		return []string{u.ID}
	}
	one, two := waits("first"), waits("second")
	if a := boss.get("/admin/people"); !strings.Contains(a.body, "2 people are waiting for approval") || !strings.Contains(a.body, "“<bdi>Hello</bdi>”") {
		t.Errorf("the list doesn't say who waits:\n%s", a.body)
	}
	ada := f.browser()
	ada.enter("ada")
	for _, step := range []struct {
		path   string
		form   url.Values
		says   string
		action accounts.Action
		lines  int
		ok     func() bool
	}{
		{"/admin/people/ada", url.Values{"display_name": {"Ada L"}, "team": {"Ops"}}, "Saved.", accounts.UserMoved, 2,
			func() bool { return f.user("ada").DisplayName == "Ada L" && f.user("ada").Team == "Ops" }},
		{"/admin/people/ada/role", url.Values{"admin": {"on"}}, "This person is now an administrator.", accounts.AdminGranted, 1,
			func() bool { return f.user("ada").Admin }},
		{"/admin/people/ada/role", url.Values{"admin": {"off"}}, "no longer an administrator", accounts.AdminRevoked, 1,
			func() bool { return !f.user("ada").Admin }},
		{"/admin/people/ada/end-sessions", url.Values{}, "Ended all sessions of 1 person.", accounts.SessionsEnded, 1,
			func() bool { return !ada.signedIn() }},
		{"/admin/people/ada/disable", url.Values{}, "Disabled 1 person.", accounts.UserDisabled, 1,
			func() bool { return f.user("ada").Disabled }},
		{"/admin/people/ada/enable", url.Values{}, "Enabled 1 person.", accounts.UserEnabled, 1,
			func() bool { return !f.user("ada").Disabled }},
		{"/admin/people/dan/delete", url.Values{"confirm_username": {"Dan"}}, "Deleted 1 person.", accounts.UserDeleted, 1,
			func() bool { _, err := f.store.UserByName(t.Context(), "dan"); return err != nil }},
		{"/admin/approve", url.Values{"person": one}, "Approved.", accounts.PersonApproved, 1,
			func() bool { return !f.user("first").Disabled }},
		{"/admin/decline", url.Values{"person": two}, "Declined.", accounts.UserDeleted, 2,
			func() bool { _, err := f.store.UserByName(t.Context(), "second"); return err != nil }},
		{"/admin/bulk", url.Values{"person": id("ada", "bob", "boss"), "act": {"team"}, "team": {"Lab"}, "sure": {"yes"}}, "Moved 2 people.", accounts.UserMoved, 2,
			func() bool { return f.user("bob").Team == "Lab" && f.user("boss").Team == "" }},
		{"/admin/bulk", url.Values{"person": id("ada", "boss"), "act": {"sessions"}, "sure": {"yes"}}, "Ended all sessions of 1 person.", accounts.SessionsEnded, 1,
			func() bool { return boss.signedIn() }},
		{"/admin/bulk", url.Values{"person": id("bob", "boss"), "act": {"disable"}, "sure": {"yes"}}, "Disabled 1 person.", accounts.UserDisabled, 1,
			func() bool { return f.user("bob").Disabled && !f.user("boss").Disabled }},
		{"/admin/bulk", url.Values{"person": id("bob", "cleo", "boss"), "act": {"delete"}, "sure": {"yes"}}, "Deleted 2 people.", accounts.UserDeleted, 2,
			func() bool { _, err := f.store.UserByName(t.Context(), "cleo"); return err != nil && boss.signedIn() }},
		{"/admin/bulk", url.Values{"act": {"delete"}, "sure": {"yes"}}, "Nobody was selected", accounts.UserDeleted, 0, func() bool { return true }},
		{"/admin/teams/rename", url.Values{"from": {"lab"}, "team": {"Labs"}}, "Renamed. It&#39;s the team of 1 person.", accounts.TeamRenamed, 1,
			func() bool { return f.user("ada").Team == "Labs" }},
		{"/admin/teams/delete", url.Values{"from": {"Labs"}}, "Deleted. It was the team of 1 person.", accounts.TeamDeleted, 1,
			func() bool { return f.user("ada").Team == "" }},
		{"/admin/settings", url.Values{"board_name": {"Harbor"}, "teams": {"fixed"}, "signup": {"off"}}, "Saved.", accounts.SettingsChanged, 1,
			func() bool {
				return f.server.inForce().Teams == accounts.TeamsFixed && f.server.inForce().SignUp == accounts.SignUpOpen
			}},
	} {
		what := fmt.Sprint("POST ", step.path, " ", step.form)
		before := f.log(accounts.AuditQuery{})
		page := boss.post(step.path, step.form)
		if !strings.Contains(page.body, step.says) {
			t.Errorf("%s: the next page doesn't say %q:\n%s", what, step.says, page.body)
		}
		if !step.ok() {
			t.Errorf("%s has no effect", what)
		}
		added := f.log(accounts.AuditQuery{})
		added = added[:len(added)-len(before)]
		if len(added) != step.lines {
			t.Errorf("%s adds %d lines to the log, want %d", what, len(added), step.lines)
			continue
		}
		if len(added) > 0 && (added[0].Action != step.action || added[0].Actor != accounts.ByUser(f.uid("boss")) || added[0].Address != "192.0.2.1" ||
			added[0].Via != accounts.ViaWeb || added[0].Request == "") {
			t.Errorf("%s adds %+v to the log, want %s by boss in the browser, with the address and the request", what, added[0], step.action)
		}
	}
	if title := boss.get("/admin/people").body; !strings.Contains(title, "· Harbor</title>") {
		t.Error("the new name of the board isn't in the title")
	}
}

// Nobody can lock themself out, or leave the board without an administrator.
func TestAdminsKeepThemselves(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	boss := f.boss("boss")
	for path, form := range map[string]url.Values{
		"role": {"admin": {"off"}}, "disable": {}, "delete": {"confirm_username": {"boss"}}, "end-sessions": {},
	} {
		a := boss.do("POST", "/admin/people/boss/"+path, form)
		wantStatus(t, "one's own "+path, a, http.StatusForbidden)
		if !strings.Contains(a.body, "Ask another administrator.") {
			t.Errorf("the refusal of one's own %s doesn't say what to do:\n%s", path, a.body)
		}
	}
	if u := f.user("boss"); !u.Admin || u.Disabled || !boss.signedIn() {
		t.Fatalf("after the refusals, boss is %+v", u)
	}
	a := boss.do("POST", "/settings/delete", url.Values{"username": {"boss"}, "password": {goodPassword}})
	wantStatus(t, "the only administrator deletes their account", a, http.StatusConflict)
	if !strings.Contains(a.body, "This is the only administrator. Make somebody else an administrator first.") {
		t.Errorf("the refusal doesn't say why:\n%s", a.body)
	}
	confirm := boss.do("POST", "/admin/bulk", url.Values{"person": {f.uid("boss"), "no such id"}, "act": {"delete"}})
	if wantStatus(t, "a bulk deletion of nobody else", confirm, http.StatusOK); strings.Contains(confirm.body, `name="sure"`) {
		t.Errorf("the page about a deletion of oneself has a button for it:\n%s", confirm.body)
	}
	confirm = boss.do("POST", "/admin/bulk", url.Values{"person": {f.uid("boss")}, "act": {"disable"}, "sure": {"yes"}})
	wantStatus(t, "a confirmed change of oneself", confirm, http.StatusSeeOther)
	if f.user("boss").Disabled {
		t.Error("somebody has disabled themself")
	}
}

// A confirmation can't be made up, nor passed on to another administrator.
func TestConfirmationsCannotBeSpoofed(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	boss, other := f.boss("boss"), f.boss("other")
	f.person("ada")
	to := boss.do("POST", "/admin/bulk", url.Values{"person": {f.uid("ada")}, "act": {"sessions"}}).location()
	const says = "Ended all sessions of 1 person."
	if body := boss.get(to).body; !strings.Contains(body, says) {
		t.Errorf("GET %s doesn't say what was done:\n%s", to, body)
	}
	if body := other.get(to).body; strings.Contains(body, says) {
		t.Error("a confirmation is shown to somebody else")
	}
	for _, forged := range []string{"/admin/people?done=deleted&n=50", strings.Replace(to, "n=1.", "n=50.", 1),
		strings.Replace(to, "done=sessions", "done=deleted", 1), "/admin/settings?done=saved&n=."} {
		if body := boss.get(forged).body; strings.Contains(body, `class="saved done"`) {
			t.Errorf("GET %s says that something was done:\n%s", forged, body)
		}
	}
}

// A deletion of several people is confirmed on a page that names them and keeps the list to return to.
func TestBulkDeletionIsConfirmed(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	boss := f.boss("boss")
	f.person("ada")
	f.person("bob")
	form := url.Values{"person": {f.uid("ada"), f.uid("bob")}, "act": {"delete"}, "next": {"/admin/people?sort=newest"}}
	page := boss.do("POST", "/admin/bulk", form)
	wantStatus(t, "POST without a confirmation", page, http.StatusOK)
	if !strings.Contains(page.body, "Delete 2 accounts?") || !strings.Contains(page.body, "@ada") || !strings.Contains(page.body, "@bob") {
		t.Errorf("the page doesn't name whom it deletes:\n%s", page.body)
	}
	again := kept(page)
	again.Set("sure", "yes")
	wantRedirect(t, "the confirmation", boss.do("POST", "/admin/bulk", again), "/admin/people?done=deleted&n=2&sort=newest")
	form.Set("next", "https://evil.example/admin/people")
	form.Set("act", "team")
	wantRedirect(t, "a list elsewhere", boss.do("POST", "/admin/bulk", form), "/admin/people?done=team")
}

// A change of several people that includes oneself says so before it does anything.
func TestBulkChangeOfOneself(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	boss := f.boss("boss")
	f.person("ada")
	for act, asks := range map[string]string{"team": "Move 1 account to the team Lab?", "disable": "Disable 1 account?",
		"sessions": "End all sessions of 1 account?", "delete": "Delete 1 account?"} {
		page := boss.do("POST", "/admin/bulk", url.Values{"person": {f.uid("ada"), f.uid("boss")}, "act": {act}, "team": {"Lab"}})
		wantStatus(t, act+" of oneself", page, http.StatusOK)
		if !strings.Contains(page.body, asks) || !strings.Contains(page.body, "You selected yourself, too.") || strings.Contains(page.body, "/admin/people/boss") {
			t.Errorf("the page doesn't ask %q, or doesn't say who is left out:\n%s", asks, page.body)
		}
		if u := f.user("ada"); u.Team != "" || u.Disabled {
			t.Errorf("%s without a confirmation changes ada: %+v", act, u)
		}
		if form := kept(page); act == "team" {
			form.Set("sure", "yes")
			wantRedirect(t, "the confirmation", boss.do("POST", "/admin/bulk", form), "/admin/people?done=team&n=1")
			if u := f.user("ada"); u.Team != "Lab" || f.user("boss").Team != "" {
				t.Errorf("after the confirmation, ada is %+v", u)
			}
			if err := f.store.SetTeam(acting(t.Context()), f.uid("ada"), ""); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A change of several people that is refused shows their list again, with the same people selected.
func TestRefusedBulkChangeKeepsTheSelection(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	boss := f.boss("boss")
	f.person("ada")
	f.person("bob")
	next := "/admin/people?sort=username"
	for _, tt := range []struct {
		form url.Values
		says string
	}{
		{url.Values{"act": {"team"}, "team": {"a\u202eb"}}, `id="team-error">Remove invisible and control characters.`},
		{url.Values{"act": {"promote"}, "team": {"Typed"}}, "Choose what to do with these people."},
	} {
		tt.form["person"], tt.form["next"] = []string{f.uid("bob")}, []string{next}
		a := boss.do("POST", "/admin/bulk", tt.form)
		wantStatus(t, fmt.Sprint("POST ", tt.form), a, http.StatusUnprocessableEntity)
		picked := regexp.MustCompile(`value="([^"]*)" aria-label="Select [a-z]*" checked`).FindAllStringSubmatch(a.body, -1)
		if len(picked) != 1 || picked[0][1] != f.uid("bob") || !strings.Contains(a.body, tt.says) ||
			!strings.Contains(a.body, `value="`+next+`"`) || !strings.Contains(a.body, `value="`+tt.form.Get("team")+`"`) {
			t.Errorf("POST %v: the page has %v selected, or doesn't say %q:\n%s", tt.form, picked, tt.says, a.body)
		}
	}
}

// Forms that are refused keep what was typed and say what is wrong beside it.
func TestAdminFormsKeepWhatWasTyped(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	boss := f.boss("boss")
	f.person("ada")
	f.person("bob")
	for name, team := range map[string]string{"ada": "Ops", "bob": "Lab"} {
		if err := f.store.SetTeam(acting(t.Context()), f.uid(name), team); err != nil {
			t.Fatal(err)
		}
	}
	long := strings.Repeat("x", 70)
	for _, tt := range []struct {
		path         string
		form         url.Values
		status       int
		field, value string
		says         string
	}{
		{"/admin/people/ada", url.Values{"display_name": {long}, "team": {"Typed"}}, 422, "team", "Typed", "Use 64 characters or fewer."},
		{"/admin/people/ada/delete", url.Values{"confirm_username": {"typo"}}, 422, "confirm_username", "typo", "Type ada to confirm."},
		{"/admin/invitations", url.Values{"uses": {"0"}, "days": {"99999999999"}, "label": {"Typed"}}, 422, "label", "Typed", "Choose 1 to 100 people."},
		{"/admin/invitations", url.Values{"uses": {"many"}, "days": {"31"}, "team": {"Typed"}}, 422, "uses", "many", "Choose 1 to 30 days."},
		{"/admin/teams/rename", url.Values{"from": {"Ops"}, "team": {"LAB"}}, 422, "team", "LAB", "There is already a team with this name."},
		{"/admin/teams/merge", url.Values{"from": {"Ops"}, "into": {"None"}}, 422, "into", "None", "Choose another team that exists."},
		{"/admin/teams/rename", url.Values{"from": {"Nowhere"}, "team": {"X"}}, 404, "", "", "No such team"},
		{"/admin/settings", url.Values{"board_name": {""}, "teams": {"fixed"}}, 422, "board_name", "", "Type a name for the board."},
		{"/admin/settings", url.Values{"teams": {"nobody"}}, 422, "", "", "Choose one of the options."},
		{"/admin/people/nobody", url.Values{}, 404, "", "", "No such account"},
		{"/admin/approve", url.Values{"person": {f.uid("ada")}}, 409, "", "", "Already decided"},
		{"/admin/invitations/revoke", url.Values{"invitation": {"none"}}, 409, "", "", "This invitation has already ended."},
		{"/admin/bulk", url.Values{"person": {f.uid("ada")}, "act": {"promote"}}, 422, "", "", "Choose what to do"},
	} {
		a := boss.do("POST", tt.path, tt.form)
		what := fmt.Sprint("POST ", tt.path, " ", tt.form)
		wantStatus(t, what, a, tt.status)
		if !strings.Contains(a.body, tt.says) {
			t.Errorf("%s doesn't say %q:\n%s", what, tt.says, a.body)
		}
		if _, value := skeleton(a.body, tt.field); tt.field != "" && value != tt.value {
			t.Errorf("%s: the field %s holds %q, want %q", what, tt.field, value, tt.value)
		}
		if strings.Contains(a.body, "data-live") {
			t.Errorf("%s: a page with a refused form loads itself again", what)
		}
	}
	if s := f.user("ada"); s.Team != "Ops" || s.DisplayName != "ada" {
		t.Errorf("after refused forms, ada is %+v", s)
	}
}

// The list of people can be filtered, searched, sorted and paged.
func TestAdminPeople(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	boss := f.boss("boss")
	var people []accounts.NewUser
	for i := range 120 {
		people = append(people, accounts.NewUser{Username: fmt.Sprintf("p%03d", i), DisplayName: fmt.Sprintf("Person %03d", 119-i), Team: "Ops",
			PasswordHash: goodHash})
	}
	if _, err := f.store.Import(acting(t.Context()), people); err != nil {
		t.Fatal(err)
	}
	if err := f.store.SetDisabled(acting(t.Context()), f.uid("p007"), true); err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`<td class="main">.*?@([a-z0-9]+)<`)
	next := regexp.MustCompile(`rel="next" href="([^"]*)"`)
	list := func(query string) (all []string) {
		t.Helper()
		for target := "/admin/people" + query; ; {
			a := boss.get(target)
			wantStatus(t, "GET "+target, a, http.StatusOK)
			found := names.FindAllStringSubmatch(a.body, -1)
			if len(found) > 50 {
				t.Errorf("GET %s lists %d people, want at most 50", target, len(found))
			}
			for _, m := range found {
				all = append(all, m[1])
			}
			m := next.FindStringSubmatch(a.body)
			if m == nil {
				return all
			}
			target = "/admin/" + strings.ReplaceAll(m[1], "&amp;", "&")
		}
	}
	for query, want := range map[string]struct {
		n           int
		first, last string
	}{
		"": {121, "boss", "p000"}, "?sort=username": {121, "boss", "p119"}, "?sort=newest": {121, "p119", "boss"},
		"?show=admins": {1, "boss", "boss"}, "?show=disabled": {1, "p007", "p007"}, "?show=no-team": {1, "boss", "boss"},
		"?team=ops": {120, "p119", "p000"}, "?q=person+00": {10, "p119", "p110"}, "?q=p007&show=disabled": {1, "p007", "p007"},
	} {
		got := list(query)
		if len(got) != want.n || got[0] != want.first || got[len(got)-1] != want.last {
			t.Errorf("the list %s = %d people, %q, want %+v", query, len(got), got, want)
		}
		slices.Sort(got)
		if len(slices.Compact(got)) != want.n {
			t.Errorf("the list %s has people twice", query)
		}
	}
	a := boss.get("/admin/people")
	for _, want := range []string{"<b>121</b>", "50 of 121 accounts. This list shows accounts. To see who is here, <a"} {
		if !strings.Contains(a.body, want) {
			t.Errorf("the list doesn't hold %q:\n%s", want, a.body)
		}
	}
	for query, want := range map[string]int{"?show=online": 400, "?after=!": 400, "?after=AA": 400, "?q=" + strings.Repeat("x", 500): 400, "?sort=none": 200} {
		wantStatus(t, "GET /admin/people"+query[:min(len(query), 20)], boss.get("/admin/people"+query), want)
	}
}

// Links are shown once, with the address of the board, and work.
func TestLinksAreShownOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t, publicURL(t, "https://board.example/rollcall"))
	boss := f.boss("boss")
	ada := f.person("ada")
	shown := regexp.MustCompile(`<input id="link" value="https://board\.example/rollcall/(join|reset)/([^"]*)"`)
	a := boss.do("POST", "/rollcall/admin/people/ada/reset-link", url.Values{})
	m := shown.FindStringSubmatch(a.body)
	if a.StatusCode != http.StatusOK || m == nil || m[1] != "reset" {
		t.Fatalf("POST reset-link = %d, want a page with the link:\n%s", a.StatusCode, a.body)
	}
	if u, err := f.store.ResetLinkUser(t.Context(), m[2]); err != nil || u.ID != ada.ID {
		t.Errorf("the link is for %+v, %v, want ada", u, err)
	}
	if strings.Contains(boss.get("/rollcall/admin/people/ada").body, m[2]) || strings.Contains(a.body, "data-live") {
		t.Error("the link is shown again, or the page that shows it loads itself again")
	}
	a = boss.do("POST", "/rollcall/admin/invitations", url.Values{"uses": {"3"}, "days": {"2"}, "team": {"Ops"}, "label": {"Autumn"}})
	m = shown.FindStringSubmatch(a.body)
	if a.StatusCode != http.StatusOK || m == nil || m[1] != "join" {
		t.Fatalf("POST invitations = %d, want a page with the link:\n%s", a.StatusCode, a.body)
	}
	made, err := f.store.Invitation(t.Context(), m[2])
	if err != nil || made.UsesLeft != 3 || made.Team != "Ops" || made.Label != "Autumn" || made.ExpiresAt.Sub(made.CreatedAt) != 2*day {
		t.Errorf("the invitation is %+v, %v", made, err)
	}
	list := boss.get("/rollcall/admin/invitations")
	if strings.Contains(list.body, m[2]) || !strings.Contains(list.body, "<bdi>Autumn</bdi>") || !strings.Contains(list.body, "used 0 of 3 times") {
		t.Errorf("the list shows the link, or not the invitation:\n%s", list.body)
	}
	boss.post("/rollcall/admin/invitations/revoke", url.Values{"invitation": {made.ID}})
	if _, err := f.store.Invitation(t.Context(), m[2]); err == nil {
		t.Error("the revoked invitation still works")
	}
	for _, line := range f.logs.lines(m[2]) {
		t.Errorf("the log has the token: %s", line)
	}
}

// What a flag fixes can't be changed, and the page names the flag.
func TestFixedSettings(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(cfg *Config) {
		cfg.Fixed = accounts.Settings{SignUp: accounts.SignUpInvite, BoardName: "Fixed"}
	})
	boss := f.boss("boss")
	page := boss.get("/admin/settings")
	for flag, want := range map[string]bool{"--board-name": true, "--signup": true, "--teams": false, "--invisible": false} {
		if strings.Contains(page.body, "<code>"+flag+"</code>") != want {
			t.Errorf("the page names %s: %t, want %t:\n%s", flag, !want, want, page.body)
		}
	}
	boss.post("/admin/settings", url.Values{"board_name": {"Other"}, "signup": {"open"}, "teams": {"existing"}, "invisible": {"on"}})
	if in := f.server.inForce(); in.BoardName != "Fixed" || in.SignUp != accounts.SignUpInvite || in.Teams != accounts.TeamsExisting {
		t.Errorf("the settings in force are %+v, want only another rule for teams", in)
	}
	stored, err := f.store.Settings(t.Context())
	if err != nil || stored != (accounts.Settings{Teams: accounts.TeamsExisting}) {
		t.Errorf("stored settings = %+v, %v, want only what differs from before", stored, err)
	}
}
