package accounts

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestSetPreferences(t *testing.T) { onEach(t, testSetPreferences) }

func testSetPreferences(t *testing.T, db database) {
	s := db.open(t, Config{})
	u := add(t, s, "ada", "", "")
	add(t, s, "bob", "", "")
	for _, p := range []Preferences{
		{IdleAfter: time.Minute, ShowLastSeen: Exact, TimeZone: "Asia/Kolkata", Theme: "dark", Announce: true},
		{IdleAfter: 2 * time.Hour, ShowLastSeen: Nobody, TimeZone: "UTC", Theme: "light"},
		{IdleAfter: neverIdle, Announce: true},
		{},
	} {
		before := mustRev(t, s)
		do(t, "SetPreferences", setPreferences(t.Context(), s, u.ID, p))
		got, err := s.UserByID(t.Context(), u.ID)
		if err != nil || got.Preferences() != p || got.Rev != before+1 {
			t.Errorf("preferences = %+v at rev %d, %v, want %+v at %d", got.Preferences(), got.Rev, err, p, before+1)
		}
		people, _, err := s.People(t.Context(), PeopleQuery{})
		if err != nil || people[0].ShowLastSeen != p.ShowLastSeen || people[1].ShowLastSeen != Approximate {
			t.Errorf("People = %+v, %v, want the first one's ShowLastSeen to be %q", people, err, p.ShowLastSeen)
		}
		do(t, "SetPreferences again", setPreferences(t.Context(), s, u.ID, p))
		if rev := mustRev(t, s); rev != before+1 {
			t.Errorf("rev after the same preferences = %d, want %d", rev, before+1)
		}
	}
	do(t, "SetPreferences", setPreferences(t.Context(), s, u.ID, Preferences{IdleAfter: -5 * time.Hour}))
	changes, err := s.Changes(t.Context(), mustRev(t, s)-1)
	if err != nil || len(changes.Users) != 1 || changes.Users[0].IdleAfter != neverIdle {
		t.Errorf("Changes after never idle = %+v, %v, want a negative one", changes, err)
	}
	wantErr(t, "SetPreferences(nobody)", setPreferences(t.Context(), s, "nobody", Preferences{}), ErrNotFound)
}

func TestSetPreferencesRefuses(t *testing.T) { onEach(t, testSetPreferencesRefuses) }

func testSetPreferencesRefuses(t *testing.T, db database) {
	s := db.open(t, Config{})
	u := add(t, s, "ada", "", "")
	rev := mustRev(t, s)
	for _, c := range []struct {
		field string
		p     Preferences
	}{
		{"idle_after", Preferences{IdleAfter: time.Second}},
		{"idle_after", Preferences{IdleAfter: 90 * time.Second}},
		{"idle_after", Preferences{IdleAfter: 121 * time.Minute}},
		{"idle_after", Preferences{IdleAfter: 1<<63 - 1}},
		{"last_seen", Preferences{ShowLastSeen: "approximate"}},
		{"last_seen", Preferences{ShowLastSeen: "Exact"}},
		{"time_zone", Preferences{TimeZone: "Local"}},
		{"time_zone", Preferences{TimeZone: "Mars/Olympus"}},
		{"time_zone", Preferences{TimeZone: "/etc/localtime"}},
		{"time_zone", Preferences{TimeZone: "../../etc/passwd"}},
		{"time_zone", Preferences{TimeZone: strings.Repeat("Europe/", 1<<16)}},
		{"theme", Preferences{Theme: "system"}},
		{"theme", Preferences{Theme: "dark\" onload"}},
	} {
		wantField(t, fmt.Sprintf("SetPreferences(%.60q)", fmt.Sprintf("%+v", c.p)), setPreferences(t.Context(), s, u.ID, c.p),
			c.field)
	}
	if got, err := s.UserByID(t.Context(), u.ID); err != nil || got.Preferences() != (Preferences{}) ||
		mustRev(t, s) != rev {
		t.Errorf("preferences after refusals = %+v, %v, want the default ones and no rev", got.Preferences(), err)
	}
}

// A guessed zone is stored only once, and without a new rev.
func TestGuessTimeZone(t *testing.T) { onEach(t, testGuessTimeZone) }

func testGuessTimeZone(t *testing.T, db database) {
	s := db.open(t, Config{})
	u := add(t, s, "ada", "", "")
	rev := mustRev(t, s)
	for _, step := range []struct{ guess, want string }{
		{"", ""}, {"Local", ""}, {"Nowhere/City", ""}, {"../UTC", ""}, {"+01:00", ""}, {strings.Repeat("A", 1<<16), ""},
		{"Europe/Berlin", "Europe/Berlin"}, {"Asia/Tokyo", "Europe/Berlin"}, {"", "Europe/Berlin"},
	} {
		do(t, "GuessTimeZone", s.GuessTimeZone(t.Context(), u.ID, step.guess))
		if got, err := s.UserByID(t.Context(), u.ID); err != nil || got.TimeZone != step.want {
			t.Errorf("time zone after GuessTimeZone(%.20q) = %q, %v, want %q", step.guess, got.TimeZone, err, step.want)
		}
	}
	if got := mustRev(t, s); got != rev {
		t.Errorf("rev after guesses = %d, want %d", got, rev)
	}
	do(t, "SetPreferences", setPreferences(t.Context(), s, u.ID, Preferences{TimeZone: "UTC"}))
	do(t, "GuessTimeZone", s.GuessTimeZone(t.Context(), u.ID, "Asia/Tokyo"))
	if got, err := s.UserByID(t.Context(), u.ID); err != nil || got.TimeZone != "UTC" {
		t.Errorf("time zone after a choice and a guess = %q, %v, want the choice", got.TimeZone, err)
	}
	do(t, "GuessTimeZone(nobody)", s.GuessTimeZone(t.Context(), "nobody", "UTC"))
}

// TestChangePreferencesAtOnce: forms about different preferences that are sent at once don't undo each other.
func TestChangePreferencesAtOnce(t *testing.T) { onEach(t, testChangePreferencesAtOnce) }

func testChangePreferencesAtOnce(t *testing.T, db database) {
	s := db.open(t, Config{})
	u := add(t, s, "ada", "", "")
	for range 20 {
		do(t, "SetPreferences", setPreferences(t.Context(), s, u.ID, Preferences{}))
		var all sync.WaitGroup
		for _, change := range []func(*Preferences){
			func(p *Preferences) { p.ShowLastSeen = Nobody },
			func(p *Preferences) { p.Theme = "dark" },
			func(p *Preferences) { p.Announce = true },
		} {
			all.Go(func() {
				if err := s.ChangePreferences(t.Context(), u.ID, change); err != nil {
					t.Errorf("ChangePreferences = %v, want nil", err)
				}
			})
		}
		all.Wait()
		got, err := s.UserByID(t.Context(), u.ID)
		do(t, "UserByID", err)
		if want := (Preferences{ShowLastSeen: Nobody, Theme: "dark", Announce: true}); got.Preferences() != want {
			t.Fatalf("after three changes at once the preferences are %+v, want %+v", got.Preferences(), want)
		}
	}
}

// setPreferences sets all preferences of a person.
func setPreferences(ctx context.Context, s *Store, userID string, p Preferences) error {
	return s.ChangePreferences(ctx, userID, func(was *Preferences) { *was = p })
}
