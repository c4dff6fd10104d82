package handlers

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"rollcall/accounts"
)

// A share link of the API is one of the settings: it's made, shown once, listed, used, and revoked.
func TestAPIShares(t *testing.T) {
	t.Parallel()
	f := newFixture(t, quick)
	ada := f.program("ada", accounts.ReadMe, accounts.WriteMe, accounts.ReadRoster)
	f.must(f.store.SetTeam(acting(t.Context()), f.uid("ada"), "Ops"))
	wall := into[shareJSON](t, ada.want(201, "POST", "/shares", `{"kind":"wall","name":"Kitchen","team":"Ops","counts":true}`))
	days := time.Until(*wall.ExpiresAt).Hours() / 24
	if wall.Name != "Kitchen" || wall.Team != "Ops" || !wall.Counts || wall.UsedOn != "" ||
		days < accounts.ShareDays-1 || days > accounts.ShareDays+1 {
		t.Errorf("the wall board is %+v, want what was chosen, for %d days", wall, accounts.ShareDays)
	}
	own := into[shareJSON](t, ada.want(201, "POST", "/shares", `{"kind":"person","texts":true,"days":0}`))
	list := into[shareJSON](t, ada.want(201, "POST", "/shares", `{"kind":"embed","origins":["https://wiki.example.org"]}`))
	if own.ExpiresAt != nil {
		t.Errorf("a link with 0 days expires at %s, want never", own.ExpiresAt)
	}
	for url, status := range map[string]int{wall.URL: 200, own.URL + "/state.txt": 200, list.URL: 200} {
		wantStatus(t, "GET "+url, f.browser().get(strings.TrimPrefix(url, "http://board.local")), status)
	}
	all := into[sharesJSON](t, ada.want(200, "GET", "/shares", "")).Shares
	if len(all) != 3 {
		t.Fatalf("GET /shares = %+v, want three", all)
	}
	for _, x := range all {
		if (x.URL != "") != (x.Kind == accounts.EmbedShare) {
			t.Errorf("the list shows the address %q of a %s", x.URL, x.Kind)
		}
	}
	browser := f.browser()
	browser.enter("ada")
	wantParts(t, "the settings", browser.get("/settings/shares"), "Kitchen", list.URL)
	ada.want(204, "DELETE", "/shares/"+wall.ID, "")
	ada.wantProblem(404, "not-found", "DELETE", "/shares/"+wall.ID, "")
	wantStatus(t, "the revoked wall", f.browser().get(strings.TrimPrefix(wall.URL, "http://board.local")), http.StatusNotFound)
	f.program("ben", accounts.WriteMe).wantProblem(404, "not-found", "DELETE", "/shares/"+own.ID, "")
}

// A share link shows others what its owner sees, so a token needs the scopes for both. It never shows a hidden team.
func TestAPISharesRefuse(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(cfg *Config) { cfg.Fixed.Visibility = accounts.VisibleTeams })
	ada := f.program("ada", accounts.WriteMe, accounts.ReadRoster)
	f.person("ben")
	f.must(f.store.SetTeam(acting(t.Context()), f.uid("ben"), "Hidden"))
	for body, want := range map[string]string{
		`{}`:                                "#/kind",
		`{"kind":"badge"}`:                  "#/kind",
		`{"kind":"embed"}`:                  "#/origins",
		`{"kind":"embed","origins":["x"]}`:  "#/origins",
		`{"kind":"wall","team":"Hidden"}`:   "#/team",
		`{"kind":"wall","team":"Nobodies"}`: "#/team",
		`{"kind":"wall","days":-1}`:         "#/days",
		`{"kind":"wall","days":366}`:        "#/days",
		`{"kind":"wall","name":"` + strings.Repeat("x", 65) + `"}`: "#/name",
	} {
		p := ada.wantProblem(422, "validation", "POST", "/shares", body)
		if len(p.Errors) != 1 || p.Errors[0].Pointer != want {
			t.Errorf("POST /shares %s = %+v, want an error about %s", body, p.Errors, want)
		}
	}
	f.program("ada", accounts.ReadRoster).wantProblem(403, insufficientScope, "POST", "/shares", `{"kind":"wall"}`)
	half := f.program("ada", accounts.WriteMe)
	half.wantProblem(403, insufficientScope, "POST", "/shares", `{"kind":"wall"}`)
	for range accounts.MaxShares {
		ada.want(201, "POST", "/shares", `{"kind":"person"}`)
	}
	if p := ada.wantProblem(422, "validation", "POST", "/shares", `{"kind":"person"}`); p.Errors[0].Pointer != "#/shares" {
		t.Errorf("one too many = %+v, want an error about shares", p.Errors)
	}
}
