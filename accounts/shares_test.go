package accounts

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// share calls everything about shares, for the tests of all statements.
func share(t *testing.T, s *Store, userID string) {
	t.Helper()
	ctx := t.Context()
	token, made, err := s.MakeShare(As(ctx, ByUser(userID)), userID, NewShare{Kind: WallShare, Team: "Ops", Days: 1})
	do(t, "MakeShare", err)
	_, err = s.RenameTeam(ctx, "Ops", "Oops")
	do(t, "RenameTeam", err)
	_, err = s.RenameTeam(ctx, "Oops", "Ops")
	do(t, "RenameTeam", err)
	_, _, err = s.ShareByToken(ctx, token)
	do(t, "ShareByToken", err)
	_, err = s.Shares(ctx, userID)
	do(t, "Shares", err)
	_, err = s.PublicPeople(ctx, "Ops")
	do(t, "PublicPeople", err)
	_, err = s.ShareScopes(ctx, WallShare)
	do(t, "ShareScopes", err)
	do(t, "TouchShares", s.TouchShares(ctx, map[string]time.Time{made.ID: time.Now()}))
	do(t, "RevokeShare", s.RevokeShare(ctx, userID, made.ID))
}

// A share is found by its token until it's revoked or expires, and its times don't tell the time of the day.
func TestShare(t *testing.T) { onEach(t, testShare) }

func testShare(t *testing.T, db database) {
	c := newClock()
	s := db.open(t, Config{Now: c.now})
	ada := add(t, s, "ada", "", "Ops")
	ctx := As(t.Context(), ByUser(ada.ID))
	c.add(5 * time.Hour)
	before := mustRev(t, s)
	token, made, err := s.MakeShare(ctx, ada.ID, NewShare{Kind: WallShare, Label: " Kitchen ", Team: "ops", Texts: true, Days: 90})
	do(t, "MakeShare", err)
	today := c.now().Truncate(wholeDay)
	if len(token) != 27 || made.Label != "Kitchen" || !made.CreatedAt.Equal(today) || !made.ExpiresAt.Equal(today.Add(91*wholeDay)) {
		t.Errorf("MakeShare = %q, %+v, want 27 characters and whole days", token, made)
	}
	if got := mustRev(t, s); got != before {
		t.Errorf("a new share took the rev %d after %d: others would notice when its owner made it", got, before)
	}
	do(t, "TouchShares", s.TouchShares(ctx, map[string]time.Time{made.ID: c.now()}))
	got, owner, err := s.ShareByToken(ctx, token)
	if err != nil || owner.ID != ada.ID || got.ID != made.ID || got.Team != "ops" || !got.Texts || got.Counts || !got.UsedAt.Equal(today) {
		t.Errorf("ShareByToken = %+v of %s, %v, want the share of ada, used today", got, owner.Username, err)
	}
	for _, wrong := range []string{"", "x", token[:26], token[:26] + "-", strings.Repeat("é", 27), token + "a"} {
		_, _, err := s.ShareByToken(ctx, wrong)
		wantErr(t, "ShareByToken("+wrong+")", err, ErrNoShare)
	}
	wantErr(t, "RevokeShare of another person", s.RevokeShare(ctx, "bob", made.ID), ErrNoShare)
	do(t, "RevokeShare", s.RevokeShare(ctx, ada.ID, made.ID))
	wantErr(t, "RevokeShare again", s.RevokeShare(ctx, ada.ID, made.ID), ErrNoShare)
	_, _, err = s.ShareByToken(ctx, token)
	wantErr(t, "ShareByToken of a revoked share", err, ErrNoShare)
	if changes, err := s.Changes(ctx, before); err != nil || !slices.Equal(changes.Shares, []string{made.ID}) {
		t.Errorf("Changes after RevokeShare = %+v, %v, want the share", changes.Shares, err)
	}

	token, _, err = s.MakeShare(ctx, ada.ID, NewShare{Kind: PersonShare, Days: 1})
	do(t, "MakeShare", err)
	c.add(2*wholeDay - 17*time.Hour - time.Second)
	_, _, err = s.ShareByToken(ctx, token)
	do(t, "ShareByToken a second before its end", err)
	c.add(time.Second)
	_, _, err = s.ShareByToken(ctx, token)
	wantErr(t, "ShareByToken at its end", err, ErrNoShare)
	do(t, "Prune", s.Prune(As(ctx, System)))
	var n int
	do(t, "count", s.r.queryRow(ctx, "SELECT count(*) FROM shares", nil, &n))
	if n != 0 {
		t.Errorf("after Prune, %d shares are stored, want 0", n)
	}
	all, err := readAudit(ctx, s.r, sqlAudit, "g", maxAuditPage)
	do(t, "readAudit", err)
	for _, e := range all {
		if (e.Action == ShareMade || e.Action == ShareRevoked) && !e.At.Equal(e.At.Truncate(wholeDay)) {
			t.Errorf("the line %s of the audit log tells the time of the day, %v", e.Action, e.At)
		}
	}
}

// The shares of an account end with it, and when it's disabled. What shows them learns of it.
func TestSharesEndWithTheirOwner(t *testing.T) { onEach(t, testSharesEndWithTheirOwner) }

func testSharesEndWithTheirOwner(t *testing.T, db database) {
	s := db.open(t, Config{})
	ctx := t.Context()
	for what, end := range map[string]func(id string) error{
		"disabled": func(id string) error { return s.SetDisabled(ctx, id, true) },
		"deleted":  func(id string) error { return s.Delete(ctx, id) },
	} {
		u := add(t, s, "was-"+what, "", "")
		token, made, err := s.MakeShare(ctx, u.ID, NewShare{Kind: PersonShare})
		do(t, "MakeShare", err)
		rev := mustRev(t, s)
		do(t, what, end(u.ID))
		_, _, err = s.ShareByToken(ctx, token)
		wantErr(t, "ShareByToken after the owner was "+what, err, ErrNoShare)
		if changes, err := s.Changes(ctx, rev); err != nil || !slices.Contains(changes.Shares, made.ID) {
			t.Errorf("Changes after the owner was %s = %+v, %v, want the share", what, changes.Shares, err)
		}
		_, _, err = s.MakeShare(ctx, u.ID, NewShare{Kind: PersonShare})
		wantErr(t, "MakeShare of somebody who was "+what, err, ErrNotFound)
	}
}

// A share of a team follows the team to its new name.
func TestSharesFollowTeams(t *testing.T) { onEach(t, testSharesFollowTeams) }

func testSharesFollowTeams(t *testing.T, db database) {
	s := db.open(t, Config{})
	ctx := t.Context()
	u := add(t, s, "ada", "", "Ops")
	token, made, err := s.MakeShare(ctx, u.ID, NewShare{Kind: WallShare, Team: "OPS"})
	do(t, "MakeShare", err)
	rev := mustRev(t, s)
	_, err = s.RenameTeam(ctx, "Ops", "Operations")
	do(t, "RenameTeam", err)
	got, _, err := s.ShareByToken(ctx, token)
	if err != nil || got.Team != "Operations" {
		t.Errorf("after the team was renamed, the share is of %q, %v, want Operations", got.Team, err)
	}
	if changes, err := s.Changes(ctx, rev); err != nil || !slices.Contains(changes.Shares, made.ID) {
		t.Errorf("Changes after the team was renamed = %+v, %v, want the share", changes.Shares, err)
	}
}

// Each problem with a new share is an error about its field.
func TestNewShareIsChecked(t *testing.T) {
	s := open(t, Config{})
	u := add(t, s, "ada", "", "")
	many := make([]string, MaxOrigins+1)
	for i := range many {
		many[i] = "https://example.org:" + string(rune('1'+i%9)) + strings.Repeat("0", 1+i/9)
	}
	for _, tt := range []struct {
		n     NewShare
		field string
		code  Code
	}{
		{NewShare{}, "kind", NotAnOption},
		{NewShare{Kind: WallShare, Days: MaxShareDays + 1}, "days", OutOfRange},
		{NewShare{Kind: WallShare, Days: -1}, "days", OutOfRange},
		{NewShare{Kind: WallShare, Label: strings.Repeat("x", 65)}, "label", TooLong},
		{NewShare{Kind: WallShare, Team: "\x00"}, "team", Unprintable},
		{NewShare{Kind: EmbedShare}, "origins", Missing},
		{NewShare{Kind: EmbedShare, Origins: []string{"*"}}, "origins", NotAnOrigin},
		{NewShare{Kind: EmbedShare, Origins: many}, "origins", TooMany},
	} {
		_, _, err := s.MakeShare(t.Context(), u.ID, tt.n)
		if wrong := WrongFields(err); len(wrong) != 1 || wrong[0].Field != tt.field || wrong[0].Code != tt.code {
			t.Errorf("MakeShare(%+v) = %v, want %s: %s", tt.n, err, tt.field, tt.code)
		}
	}
	for range MaxShares {
		_, _, err := s.MakeShare(t.Context(), u.ID, NewShare{Kind: PersonShare})
		do(t, "MakeShare", err)
	}
	_, _, err := s.MakeShare(t.Context(), u.ID, NewShare{Kind: PersonShare})
	if wrong := WrongFields(err); len(wrong) != 1 || wrong[0].Field != "shares" || wrong[0].Limit != MaxShares {
		t.Errorf("one share more = %v, want too many", err)
	}
}

// Nobody fills the audit log by making and revoking shares.
func TestSharesPerDay(t *testing.T) {
	c := newClock()
	s := open(t, Config{Now: c.now})
	u := add(t, s, "ada", "", "")
	ctx := As(t.Context(), ByUser(u.ID))
	make := func() error {
		_, made, err := s.MakeShare(ctx, u.ID, NewShare{Kind: PersonShare})
		if err == nil {
			err = s.RevokeShare(ctx, u.ID, made.ID)
		}
		return err
	}
	for range SharesPerDay {
		do(t, "MakeShare", make())
	}
	if wrong := WrongFields(make()); len(wrong) != 1 || wrong[0].Field != "shares" || wrong[0].Detail != "day" {
		t.Errorf("one share more on that day = %v, want too many", wrong)
	}
	c.add(wholeDay)
	do(t, "MakeShare on the next day", make())
}

// Only people who agreed are on public pages.
func TestPublicPeople(t *testing.T) { onEach(t, testPublicPeople) }

func testPublicPeople(t *testing.T, db database) {
	s := db.open(t, Config{})
	ctx := t.Context()
	for name, team := range map[string]string{"ada": "Ops", "bob": "Ops", "cyd": "Dev", "dan": "Dev"} {
		u := add(t, s, name, "", team)
		do(t, "SetDetails", setDetails(ctx, s, u.ID, Details{Public: name != "bob"}))
		if name == "dan" {
			do(t, "SetDisabled", s.SetDisabled(ctx, u.ID, true))
		}
	}
	for team, want := range map[string]string{"": "cyd ada", "ops": "ada", "Nobody": "", "\x00": ""} {
		people, err := s.PublicPeople(ctx, team)
		do(t, "PublicPeople", err)
		var names []string
		for _, p := range people {
			names = append(names, p.Username)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("PublicPeople(%q) = %q, want %q", team, got, want)
		}
	}
}
