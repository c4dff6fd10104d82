package handlers

import (
	"testing"

	"rollcall/accounts"
)

// A claim decides about the state of a person who is here until it ends or is deleted.
func TestAPIClaims(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ada := f.program("ada", accounts.ReadMe, accounts.WriteClaim)
	made := into[claimJSON](t, ada.want(201, "PUT", "/me/claims/build", `{"state":"dnd","text":" Releasing ","emoji":"🚀","lease":"5m"}`))
	if made.Key != "build" || made.State != "dnd" || made.Text != "Releasing" || made.Until != nil ||
		made.EndsAt.Sub(made.SetAt).Minutes() != 5 {
		t.Errorf("the new claim = %+v, want one that others see without an end, with a lease of 5 minutes", made)
	}
	told := into[claimJSON](t, ada.want(200, "PUT", "/me/claims/build", `{"state":"away","for":"1h","lease":"2h"}`))
	if told.Until == nil || !told.EndsAt.Equal(*told.Until) {
		t.Errorf("a claim with an end before its lease's = %+v, want it to end then", told)
	}
	if list := into[claimsJSON](t, ada.want(200, "GET", "/me/claims", "")); len(list.Claims) != 1 || list.Claims[0].State != "away" {
		t.Errorf("GET /me/claims = %+v, want the one that replaced the other", list)
	}
	for range 2 {
		ada.want(204, "DELETE", "/me/claims/build", "")
	}
	if list := into[claimsJSON](t, ada.want(200, "GET", "/me/claims", "")); len(list.Claims) != 0 {
		t.Errorf("GET /me/claims = %+v, want none", list)
	}
}

func TestAPIClaimsRefuse(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ada := f.program("ada", accounts.WriteClaim)
	for body, want := range map[string]string{
		`{"state":"online","lease":"5m"}`:                               "#/state",
		`{"state":"dnd"}`:                                               "#/until",
		`{"lease":"5m"}`:                                                "#/state",
		`{"state":"dnd","lease":"5"}`:                                   "#/lease",
		`{"state":"dnd","lease":"1s"}`:                                  "#/lease",
		`{"state":"dnd","for":"31d"}`:                                   "#/for",
		`{"state":"dnd","for":"1h","until":"2099-01-01T00:00:00Z"}`:     "#/for",
		`{"state":"dnd","until":"2020-01-01T00:00:00Z"}`:                "#/until",
		`{"state":"dnd","until":"soon"}`:                                "#/until",
		`{"state":"dnd","lease":"5m","ends_at":"2099-01-01T00:00:00Z"}`: "#/ends_at",
		`{"state":"dnd","lease":"5m","emoji":"two"}`:                    "#/emoji",
	} {
		p := ada.wantProblem(422, "validation", "PUT", "/me/claims/build", body)
		if len(p.Errors) != 1 || p.Errors[0].Pointer != want {
			t.Errorf("PUT %s = %+v, want an error about %s", body, p.Errors, want)
		}
	}
	ada.wantProblem(422, "validation", "PUT", "/me/claims/Build", `{"state":"dnd","lease":"5m"}`)
	ada.wantProblem(404, "not-found", "DELETE", "/me/claims/Build", "")
	f.program("ben", accounts.ReadMe, accounts.WriteMe).wantProblem(403, insufficientScope, "PUT", "/me/claims/x", `{"state":"dnd","lease":"5m"}`)
}
