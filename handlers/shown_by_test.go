package handlers

import (
	"strings"
	"testing"

	"rollcall/accounts"
)

// People learn how many access tokens of others can see them: those with the scope for it, of people who can.
func TestTokensThatSeeMe(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ada := f.member("ada")
	wantParts(t, "what is stored, without tokens", ada.get("/settings/stored"), "Access tokens of others that can see you")
	for range 2 {
		f.program("bob", accounts.ReadRoster)
	}
	f.program("cleo", accounts.ReadMe, accounts.ReadRoster)
	f.program("cleo", accounts.ReadMe, accounts.WriteMe, accounts.WriteClaim, accounts.WriteHooks)
	f.program("ada", accounts.ReadRoster)
	wantParts(t, "what is stored", ada.get("/settings/stored"), "3 tokens of 2 people")
	wantParts(t, "the download", ada.get("/settings/my-data.json"), `"access_tokens": 3`, `"people_with_access_tokens": 2`)
	ctx := acting(t.Context())
	f.must(f.store.ChangeSettings(ctx, func(x *accounts.Settings) error { x.Visibility = accounts.VisibleTeams; return nil }))
	f.must(f.store.SetTeam(ctx, f.uid("bob"), "Hidden"))
	f.must(f.store.SetDisabled(ctx, f.uid("cleo"), true))
	f.must(f.server.live.CatchUp(t.Context()))
	if page := ada.get("/settings/stored").body; strings.Contains(page, "of 1 person") || strings.Contains(page, "of 2 people") {
		t.Errorf("tokens count whose owners can't see ada:\n%s", page)
	}
}
