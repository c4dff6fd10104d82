package handlers

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"rollcall/accounts"
)

// adminProgram returns a program of an administrator with all scopes.
func (f *fixture) adminProgram() *program {
	f.t.Helper()
	f.person("boss")
	f.must(f.store.SetAdmin(acting(f.t.Context()), f.uid("boss"), true))
	return f.program("boss", accounts.Scopes...)
}

// Every operation of the administration works as the document says. A new one needs a line here.
func TestEveryAdminOperation(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(cfg *Config) { cfg.Fixed = accounts.Settings{Invisible: "on"} })
	boss := f.adminProgram()
	for _, name := range []string{"wanda", "will"} {
		n := accounts.NewUser{Username: name, PasswordHash: "", Password: goodPassword}
		if _, _, err := f.store.SignUp(acting(t.Context()), n, accounts.Joining{Approval: true}); err != nil {
			t.Fatal(err)
		}
	}
	tried := map[string]bool{}
	try := func(id string, status int, method, path, body string) answer {
		t.Helper()
		plain, _, _ := strings.Cut(path, "?")
		if _, got := operationOf(method, plain); got != id {
			t.Errorf("%s %s is the operation %q, want %q", method, path, got, id)
		}
		tried[id] = true
		return boss.want(status, method, path, body)
	}
	made := into[accountJSON](t, try("createAccount", 201, "POST", "/admin/users", `{"user":"mei","name":"Mei Lin","team":"Platform","email":"mei@example.org"}`))
	if made.User != "mei" || made.ResetURL == "" || *made.Email != "mei@example.org" {
		t.Errorf("the new account = %+v, want a link for a password", made)
	}
	if a := into[accountJSON](t, try("createAccount", 201, "POST", "/admin/users", `{"user":"kim","password":"correct horse battery"}`)); a.ResetURL != "" {
		t.Errorf("the new account with a password = %+v, want no link", a)
	}
	try("listAccounts", 200, "GET", "/admin/users?limit=2&sort=username", "")
	try("getAccount", 200, "GET", "/admin/users/mei", "")
	changed := into[accountJSON](t, try("patchAccount", 200, "PATCH", "/admin/users/mei", `{"name":"Mei","team":null,"admin":true,"disabled":true}`))
	if changed.Name != "Mei" || changed.Team != "" || !changed.Admin || !changed.Disabled {
		t.Errorf("the changed account = %+v, want all changes", changed)
	}
	boss.wantProblem(409, "conflict", "POST", "/admin/users/mei/reset-link", "")
	try("patchAccount", 200, "PATCH", "/admin/users/mei", `{"disabled":false,"team":"Platform"}`)
	try("createResetLink", 201, "POST", "/admin/users/mei/reset-link", "")
	try("endAccountSessions", 204, "DELETE", "/admin/users/mei/sessions", "")
	try("resetFactors", 204, "DELETE", "/admin/users/mei/factors", "")
	corp := accounts.Identity{Issuer: "https://corp.example", Subject: "1", Provider: "corp", Label: "mei@corp.example"}
	f.must(f.store.Link(acting(t.Context()), f.uid("kim"), corp))
	kim := boss.want(200, "GET", "/admin/users/kim", "")
	linked := *into[accountJSON](t, kim).Linked
	if len(linked) != 1 || linked[0].Provider != "corp" || strings.Contains(kim.body, corp.Label) {
		t.Errorf("the account of somebody with a linked account = %s, want where it is, and not what it's called there", kim.body)
	}
	try("unlinkAccount", 204, "DELETE", "/admin/users/kim/linked/"+corp.ID(), "")
	boss.wantProblem(404, "not-found", "DELETE", "/admin/users/kim/linked/"+corp.ID(), "")
	tried["mailResetLink"] = true // in TestAPIMails
	boss.wantProblem(409, "conflict", "POST", "/admin/users/mei/reset-mail", "")
	boss.wantProblem(409, "conflict", "POST", "/admin/invitations", `{"email":"new@example.org"}`)
	for _, id := range []string{"previewImport", "importAccounts", "exportAccounts", "exportAudit"} {
		tried[id] = true // in TestAPIImport and TestAPIExports
	}
	waiting := into[accountsJSON](t, try("listApprovals", 200, "GET", "/admin/approvals", ""))
	if len(waiting.Users) != 2 || !waiting.Users[0].Waiting {
		t.Errorf("who waits = %+v, want two", waiting)
	}
	try("approve", 204, "POST", "/admin/approvals/wanda", "")
	boss.wantProblem(409, "conflict", "POST", "/admin/approvals/wanda", "")
	try("decline", 204, "DELETE", "/admin/approvals/will", "")
	try("listTeams", 200, "GET", "/admin/teams", "")
	try("patchTeam", 200, "PATCH", "/admin/teams/platform", `{"name":"R&D / Ops"}`)
	boss.want(201, "POST", "/admin/users", `{"user":"lee","team":"Support"}`)
	for range 2 {
		try("pairTeams", 204, "PUT", "/admin/team-pairs/r&d%20%2F%20ops/Support", "")
	}
	pairs := into[teamPairsJSON](t, try("listTeamPairs", 200, "GET", "/admin/team-pairs", "")).Pairs
	if len(pairs) != 1 || pairs[0].Team+pairs[0].Other != "R&D / OpsSupport" {
		t.Errorf("the pairs are %+v, want one", pairs)
	}
	boss.wantProblem(422, "validation", "PUT", "/admin/team-pairs/Support/support", "")
	boss.wantProblem(422, "validation", "PUT", "/admin/team-pairs/Support/Nobodies", "")
	try("unpairTeams", 204, "DELETE", "/admin/team-pairs/Support/R&D%20%2F%20Ops", "")
	boss.wantProblem(404, "not-found", "DELETE", "/admin/team-pairs/Support/R&D%20%2F%20Ops", "")
	try("deleteTeam", 200, "DELETE", "/admin/teams/R&D%20%2F%20Ops", "")
	invitation := into[invitationJSON](t, try("createInvitation", 201, "POST", "/admin/invitations", `{"team":"Ops","uses":5,"days":14}`))
	if invitation.UsesLeft != 5 || !strings.Contains(invitation.URL, "/join/") {
		t.Errorf("the invitation = %+v, want its link", invitation)
	}
	if list := try("listInvitations", 200, "GET", "/admin/invitations", ""); strings.Contains(list.body, "/join/") {
		t.Errorf("the list of invitations has links: %s", list.body)
	}
	try("revokeInvitation", 204, "DELETE", "/admin/invitations/"+invitation.ID, "")
	boss.wantProblem(404, "not-found", "DELETE", "/admin/invitations/"+invitation.ID, "")
	try("getSettings", 200, "GET", "/admin/settings", "")
	if x := into[settingsJSON](t, try("patchSettings", 200, "PATCH", "/admin/settings", `{"board_name":"Harbor","teams":"existing"}`)); x.BoardName != "Harbor" ||
		x.Teams != "existing" || !slices.Equal(x.Fixed, []string{"invisible"}) {
		t.Errorf("the settings = %+v, want those that were chosen", x)
	}
	boss.wantProblem(409, "conflict", "PATCH", "/admin/settings", `{"invisible":"off"}`)
	boss.wantProblem(422, "validation", "PATCH", "/admin/settings", `{"signup":"never"}`)
	try("deleteAccount", 204, "DELETE", "/admin/users/kim", "")
	log := into[entriesJSON](t, try("listAudit", 200, "GET", "/admin/audit?limit=3", ""))
	if len(log.Entries) != 3 || log.Next == "" || log.Entries[0].Action != accounts.UserDeleted || log.Entries[0].Via != accounts.ViaAPI ||
		log.Entries[0].Request == "" {
		t.Errorf("the audit log = %+v, want the last change first, made by the API", log)
	}
	for _, o := range operations {
		if !tried[o.id] && o.scope == accounts.Administer {
			t.Errorf("no test calls %s", o.id)
		}
	}
}

// Only administrators administer, with the scope admin or after a proof, and nobody changes their own role.
func TestAPIAdministrators(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	boss := f.adminProgram()
	f.person("ada")
	boss.wantProblem(403, "forbidden", "PATCH", "/admin/users/boss", `{"admin":false}`)
	boss.wantProblem(403, "forbidden", "DELETE", "/admin/users/boss", "")
	boss.wantProblem(404, "not-found", "GET", "/admin/users/nobody", "")
	wrong := boss.wantProblem(422, "validation", "POST", "/admin/users", `{"user":".","name":"\u202e"}`).Errors
	if len(wrong) != 2 || wrong[0].Pointer != "#/user" || wrong[1].Pointer != "#/name" {
		t.Errorf("the errors of a wrong account = %+v, want its fields by their names in the API", wrong)
	}
	boss.wantProblem(409, "conflict", "POST", "/admin/users", `{"user":"ada"}`)
	few := f.program("boss", everyScope...)
	few.wantProblem(403, insufficientScope, "GET", "/admin/users", "")
	browser := f.browser()
	browser.enter("ada")
	member := &program{browser: browser}
	member.wantProblem(403, "forbidden", "GET", "/admin/users", "")
	browser = f.browser()
	browser.enter("boss")
	page := &program{browser: browser}
	page.want(200, "PATCH", "/admin/users/ada", `{"name":"Ada"}`)
	f.age(browser)
	page.want(200, "GET", "/admin/users", "")
	page.wantProblem(403, confirmationRequired, "PATCH", "/admin/users/ada", `{"name":"Ada L"}`)
	text := boss.token
	other := f.person("other")
	f.must(f.store.SetAdmin(acting(t.Context()), other.ID, true))
	f.must(f.store.SetAdmin(acting(t.Context()), f.uid("boss"), false))
	boss.token = text
	wantStatus(t, "a token with the scope admin of a former administrator", boss.call("GET", "/me", ""), http.StatusUnauthorized)
}
