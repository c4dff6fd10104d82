package accounts

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestClaims(t *testing.T) { onEach(t, testClaims) }

func testClaims(t *testing.T, db database) {
	c := newClock()
	s := db.open(t, Config{Now: c.now})
	u := add(t, s, "ada", "", "")
	began := c.now()
	build := Claim{Key: "build", State: "dnd", Text: " Deep  work ", Emoji: "🎧", Token: "token-1",
		SetAt: began.Add(-time.Hour), Ends: began.Add(time.Hour)} // the store sets these two
	want := Claim{Key: "build", State: "dnd", Text: "Deep work", Emoji: "🎧", Token: "token-1"}
	put := func(what string, put Claim, lease time.Duration, created bool, revs int64) {
		t.Helper()
		rev := mustRev(t, s)
		got, isNew, err := s.PutClaim(t.Context(), u.ID, put, lease)
		if err != nil || got != want || isNew != created || mustRev(t, s) != rev+revs {
			t.Errorf("%s: PutClaim = %+v, %t, %v and %d revs, want %+v, %t and %d",
				what, got, isNew, err, mustRev(t, s)-rev, want, created, revs)
		}
		all, err := s.Claims(t.Context(), u.ID)
		if err != nil || len(all) != 1 || all[0] != want {
			t.Errorf("%s: Claims = %+v, %v, want %+v", what, all, err, want)
		}
		changes, err := s.Changes(t.Context(), rev)
		if err != nil || len(changes.Users) != int(revs) || revs > 0 && !reflect.DeepEqual(changes.Users[0].Claims, all) {
			t.Errorf("%s: Changes = %+v, %v, want %+v", what, changes, err, all)
		}
	}
	want.SetAt, want.Ends = began, began.Add(5*time.Minute)
	put("set", build, 5*time.Minute, true, 1)
	c.add(2 * time.Minute)
	want.Ends = began.Add(7 * time.Minute)
	put("renew", build, 5*time.Minute, false, 1)
	put("the same at the same time", build, 5*time.Minute, false, 0)
	build.Until, want.Until = began.Add(time.Hour), began.Add(time.Hour)
	want.SetAt = c.now()
	put("tell an end", build, 5*time.Minute, false, 1)
	c.add(time.Minute)
	want.Ends = want.Until
	put("a lease after the end", build, 2*time.Hour, false, 1)
	put("no lease", build, 0, false, 0)
	build.State, want.State, want.SetAt = "away", "away", c.now()
	put("another state", build, 0, false, 1)
	build.Token, want.Token = "token-2", "token-2"
	put("by another token", build, 0, false, 1)
	c.add(time.Hour)
	if all, err := s.Claims(t.Context(), u.ID); err != nil || len(all) != 0 {
		t.Errorf("Claims after the end = %+v, %v, want none", all, err)
	}
	build = Claim{Key: "build", Text: "Again"}
	want = Claim{Key: "build", Text: "Again", SetAt: c.now(), Ends: c.now().Add(MinLease)}
	put("set again", build, MinLease, true, 1)
	c.add(MinLease)
	want.SetAt, want.Ends = c.now(), c.now().Add(MinLease) // it had lapsed
	put("renew too late", build, MinLease, true, 1)
}

func TestDeleteClaim(t *testing.T) { onEach(t, testDeleteClaim) }

func testDeleteClaim(t *testing.T, db database) {
	c := newClock()
	s := db.open(t, Config{Now: c.now})
	ada, bob := add(t, s, "ada", "", ""), add(t, s, "bob", "", "")
	put := func(u User, key string) {
		t.Helper()
		do(t, "PutClaim", second3(s.PutClaim(t.Context(), u.ID, Claim{Key: key, State: "away"}, time.Minute)))
	}
	put(ada, "build")
	put(ada, "call")
	put(bob, "build")
	drop := func(key string, want bool, left ...string) {
		t.Helper()
		rev := mustRev(t, s)
		got, err := s.DeleteClaim(t.Context(), ada.ID, key)
		all, _ := s.Claims(t.Context(), ada.ID)
		var keys []string
		for _, c := range all {
			keys = append(keys, c.Key)
		}
		if err != nil || got != want || !slices.Equal(keys, left) || (mustRev(t, s) > rev) != want {
			t.Errorf("DeleteClaim(%s) = %t, %v, leaving %v and taking %d revs, want %t and %v",
				key, got, err, keys, mustRev(t, s)-rev, want, left)
		}
	}
	drop("build", true, "call")
	drop("build", false, "call")
	drop("no/such key", false, "call")
	c.add(time.Minute)
	drop("call", false)
	if all, err := s.Claims(t.Context(), bob.ID); err != nil || len(all) != 0 {
		t.Errorf("bob's ended claims = %+v, %v, want none", all, err)
	}
	do(t, "Delete", s.Delete(t.Context(), bob.ID)) // claims go with the account
	wantStored(t, s, 0)
}

// wantStored compares the number of claims in the database.
func wantStored(t *testing.T, s *Store, want int) {
	t.Helper()
	var rows int
	if err := s.r.db.QueryRow("SELECT count(*) FROM claims").Scan(&rows); err != nil || rows != want {
		t.Errorf("%d claims are stored, %v, want %d", rows, err, want)
	}
}

func TestClaimsAreRefused(t *testing.T) { onEach(t, testClaimsAreRefused) }

func testClaimsAreRefused(t *testing.T, db database) {
	c := newClock()
	s := db.open(t, Config{Now: c.now})
	u := add(t, s, "ada", "", "")
	rev := mustRev(t, s)
	for _, tt := range []struct {
		claim Claim
		lease time.Duration
		field string
		code  Code
	}{
		{Claim{State: "dnd"}, time.Minute, "key", Missing},
		{Claim{Key: "Build", State: "dnd"}, time.Minute, "key", BadCharacter},
		{Claim{Key: "a/b", State: "dnd"}, time.Minute, "key", BadCharacter},
		{Claim{Key: "ä", State: "dnd"}, time.Minute, "key", BadCharacter},
		{Claim{Key: "..", State: "dnd"}, time.Minute, "key", BadStart},
		{Claim{Key: strings.Repeat("k", MaxKey+1), State: "dnd"}, time.Minute, "key", TooLong},
		{Claim{Key: "k", State: "online"}, time.Minute, "state", NotAnOption},
		{Claim{Key: "k", State: "offline"}, time.Minute, "state", NotAnOption},
		{Claim{Key: "k"}, time.Minute, "state", Missing},
		{Claim{Key: "k", Text: "  "}, time.Minute, "state", Missing},
		{Claim{Key: "k", Text: strings.Repeat("x", maxStatusText+1)}, time.Minute, "text", TooLong},
		{Claim{Key: "k", Text: "a\u202eb"}, time.Minute, "text", Unprintable},
		{Claim{Key: "k", Emoji: "ab"}, time.Minute, "emoji", NotOneEmoji},
		{Claim{Key: "k", State: "dnd"}, 0, "until", Missing},
		{Claim{Key: "k", State: "dnd", Until: c.now()}, 0, "until", InThePast},
		{Claim{Key: "k", State: "dnd", Until: c.now().Add(MaxClaimAge + time.Second)}, 0, "until", TooFarAhead},
		{Claim{Key: "k", State: "dnd"}, MinLease - 1, "lease", OutOfRange},
		{Claim{Key: "k", State: "dnd"}, -time.Minute, "lease", OutOfRange},
		{Claim{Key: "k", State: "dnd"}, MaxLease + 1, "lease", OutOfRange},
	} {
		_, _, err := s.PutClaim(t.Context(), u.ID, tt.claim, tt.lease)
		if e, ok := errors.AsType[*FieldError](err); !ok || e.Field != tt.field || e.Code != tt.code {
			t.Errorf("PutClaim(%+v, %v) = %v, want %s: %s", tt.claim, tt.lease, err, tt.field, tt.code)
		}
	}
	_, _, err := s.PutClaim(t.Context(), "nobody", Claim{Key: "k", State: "dnd"}, time.Minute)
	wantErr(t, "PutClaim(nobody)", err, ErrNotFound)
	for _, ok := range []Claim{{Key: strings.Repeat("k", MaxKey), State: "away", Until: c.now().Add(MaxClaimAge)},
		{Key: "0.a_b-c", Emoji: "🎧", Until: c.now().Add(time.Millisecond)}} {
		do(t, "PutClaim", second3(s.PutClaim(t.Context(), u.ID, ok, 0)))
	}
	if got := mustRev(t, s) - rev; got != 2 {
		t.Errorf("two claims and many refused ones took %d revs, want 2", got)
	}
}

// A person has at most 20 claims at once. Those that have ended make room, and none is stored for long.
func TestClaimsAreBounded(t *testing.T) { onEach(t, testClaimsAreBounded) }

func testClaimsAreBounded(t *testing.T, db database) {
	c := newClock()
	s := db.open(t, Config{Now: c.now})
	u := add(t, s, "ada", "", "")
	put := func(n int) error {
		return second3(s.PutClaim(t.Context(), u.ID, Claim{Key: fmt.Sprint("k", n), State: "away"}, time.Minute))
	}
	for n := range MaxClaims {
		do(t, "PutClaim", put(n))
	}
	wantField(t, "PutClaim once more", put(MaxClaims), "claims")
	do(t, "PutClaim again", put(0))
	c.add(time.Minute)
	do(t, "PutClaim after the others have ended", put(MaxClaims))
	wantStored(t, s, 1)
	rev := mustRev(t, s)
	do(t, "Prune", s.Prune(t.Context()))
	wantStored(t, s, 1)
	c.add(time.Minute)
	do(t, "Prune", s.Prune(t.Context()))
	wantStored(t, s, 0)
	if mustRev(t, s) != rev {
		t.Error("Prune took a rev, want none, because every process ends claims itself")
	}
}

// claimModel is what claims should be: by person and key, with ends that have passed left out.
type claimModel map[string]map[string]Claim

func (m claimModel) at(now time.Time) map[string][]Claim {
	all := map[string][]Claim{}
	for user, claims := range m {
		for _, c := range claims {
			if now.Before(c.Ends) {
				all[user] = append(all[user], c)
			}
		}
		slices.SortFunc(all[user], func(a, b Claim) int { return cmp.Compare(a.Key, b.Key) })
	}
	maps.DeleteFunc(all, func(_ string, claims []Claim) bool { return len(claims) == 0 })
	return all
}

// Whatever programs do, a reader who follows the changes and ends claims by its own clock knows what a new reader
// reads, and both know what the model says.
func TestRandomClaims(t *testing.T) { onEach(t, testRandomClaims) }

func testRandomClaims(t *testing.T, db database) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r, c := rand.New(rand.NewPCG(seed, 0)), newClock()
	s := db.open(t, Config{Now: c.now})
	ids := []string{add(t, s, "ada", "", "").ID, add(t, s, "bob", "", "").ID}
	model, follower, rev := claimModel{}, claimModel{}, mustRev(t, s)
	for _, id := range ids {
		model[id], follower[id] = map[string]Claim{}, map[string]Claim{}
	}
	for step := range 200 {
		id, key := ids[r.IntN(2)], string(rune('a'+r.IntN(4)))
		switch r.IntN(6) {
		case 0:
			c.add(time.Duration(r.IntN(40)) * time.Second)
		case 1:
			do(t, "DeleteClaim", second(s.DeleteClaim(t.Context(), id, key)))
			delete(model[id], key)
		case 2:
			do(t, "Prune", s.Prune(t.Context()))
		default:
			set := Claim{Key: key, State: []string{"", "away", "dnd"}[r.IntN(3)], Text: []string{"Tea", "Call"}[r.IntN(2)]}
			lease := time.Duration(1+r.IntN(3)) * MinLease
			if set.Ends = c.now().Add(lease); r.IntN(2) == 0 {
				set.Until = c.now().Add(time.Duration(1+r.IntN(60)) * time.Second)
				set.Ends = time.UnixMilli(min(set.Ends.UnixMilli(), set.Until.UnixMilli())).UTC()
			}
			set.SetAt = c.now()
			if was := model[id][key]; was.saysSameAs(set) && c.now().Before(was.Ends) {
				set.SetAt = was.SetAt
			}
			model[id][key] = set
			do(t, "PutClaim", second3(s.PutClaim(t.Context(), id, set, lease)))
		}
		if r.IntN(3) > 0 {
			continue
		}
		changes, err := s.Changes(t.Context(), rev)
		do(t, "Changes", err)
		for _, f := range changes.Users {
			follower[f.UserID] = map[string]Claim{}
			for _, claim := range f.Claims {
				follower[f.UserID][claim.Key] = claim
			}
		}
		rev = changes.Rev
		read := map[string][]Claim{}
		facts, _, err := s.Facts(t.Context())
		do(t, "Facts", err)
		for _, f := range facts {
			read[f.UserID] = f.Claims
		}
		if want := model.at(c.now()); !reflect.DeepEqual(read, want) || !reflect.DeepEqual(follower.at(c.now()), want) {
			t.Fatalf("step %d: Facts = %+v, the follower has %+v, want %+v", step, read, follower.at(c.now()), want)
		}
	}
}

// People with claims are among the facts, with everything else that is special about them.
func TestFactsWithClaims(t *testing.T) { onEach(t, testFactsWithClaims) }

func testFactsWithClaims(t *testing.T, db database) {
	c := newClock()
	s := db.open(t, Config{Now: c.now})
	ada, bob := add(t, s, "ada", "", ""), add(t, s, "bob", "", "")
	add(t, s, "plain", "", "")
	do(t, "SetInvisible", s.SetInvisible(t.Context(), bob.ID, true))
	want := map[string]Facts{ada.ID: {UserID: ada.ID}, bob.ID: {UserID: bob.ID, Invisible: true, InvisibleSince: c.now()}}
	for id, f := range want {
		for _, key := range []string{"b", "a"} {
			set, _, err := s.PutClaim(t.Context(), id, Claim{Key: key, State: "dnd"}, time.Hour)
			do(t, "PutClaim", err)
			f.Claims = append([]Claim{set}, f.Claims...)
		}
		want[id] = f
	}
	do(t, "PutClaim", second3(s.PutClaim(t.Context(), ada.ID, Claim{Key: "short", State: "dnd"}, MinLease)))
	c.add(MinLease)
	facts, _, err := s.Facts(t.Context())
	got := map[string]Facts{}
	for _, f := range facts {
		got[f.UserID] = f
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("Facts = %+v, %v, want %+v", got, err, want)
	}
}

// A key that is accepted can be part of any URL as it is.
func FuzzCheckKey(f *testing.F) {
	for _, key := range []string{"", "build", "..", "a/b", "a%2fb", "ä", "A", "-", "0", "a b", strings.Repeat("k", MaxKey+1)} {
		f.Add(key)
	}
	valid := regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,39}$`)
	f.Fuzz(func(t *testing.T, key string) {
		err := CheckKey(key)
		if (err == nil) != valid.MatchString(key) {
			t.Errorf("CheckKey(%q) = %v, want %s", key, err, valid)
		}
		if got := url.PathEscape(key); err == nil && (got != key || path.Clean("/"+key) != "/"+key) {
			t.Errorf("the key %q is %q in a URL", key, got)
		}
	})
}
