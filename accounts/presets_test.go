package accounts

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// wantPresets compares a person's presets, except for their ids.
func wantPresets(t *testing.T, s *Store, what, userID string, want ...Preset) []Preset {
	t.Helper()
	got, err := s.Presets(t.Context(), userID)
	do(t, "Presets", err)
	bare := slices.Clone(got)
	for i := range bare {
		bare[i].ID = ""
	}
	if !slices.Equal(bare, want) {
		t.Errorf("presets after %s = %+v, want %+v", what, bare, want)
	}
	return got
}

func TestPresets(t *testing.T) { onEach(t, testPresets) }

func testPresets(t *testing.T, db database) {
	c := newClock()
	s := db.open(t, Config{Now: c.now})
	u, v := add(t, s, "ada", "", ""), add(t, s, "bob", "", "")
	set := func(w Status, lasts string) {
		t.Helper()
		do(t, "SetStatus", s.SetStatus(t.Context(), u.ID, w, lasts))
	}
	wantPresets(t, s, "nothing", u.ID)
	set(Status{State: "dnd"}, Lasts1Hour)
	set(Status{}, "")
	wantPresets(t, s, "statuses without text and emoji", u.ID)
	set(Status{State: "away", Text: " Lunch ", Emoji: "🍜"}, Lasts30Min)
	set(Status{Text: "Lunch", Emoji: "🍜"}, LastsToday) // a different state makes a different preset
	set(Status{Emoji: "🎧"}, LastsForever)
	lunch, automatic, music := Preset{State: "away", Text: "Lunch", Emoji: "🍜", Lasts: "30m"},
		Preset{Text: "Lunch", Emoji: "🍜", Lasts: "today"}, Preset{Emoji: "🎧"}
	before := wantPresets(t, s, "three statuses", u.ID, music, automatic, lunch)

	c.add(-time.Hour) // correcting the clock doesn't change their order
	lunch.Lasts = "1h"
	set(Status{State: "away", Text: "Lunch", Emoji: "🍜"}, Lasts1Hour)
	after := wantPresets(t, s, "one of them again, for longer", u.ID, lunch, music, automatic)
	if after[0].ID != before[2].ID {
		t.Errorf("the id of a preset that was set again = %s, want %s as before", after[0].ID, before[2].ID)
	}

	set(Status{Text: "Dentist", Until: c.now().Add(time.Hour)}, LastsAt)
	dentist := Preset{Text: "Dentist", Lasts: "today"} // the time itself makes no sense tomorrow
	wantPresets(t, s, "a status until a time", u.ID, dentist, lunch, music, automatic)

	do(t, "ForgetPreset", s.ForgetPreset(t.Context(), v.ID, after[1].ID))
	wantPresets(t, s, "somebody else forgetting", u.ID, dentist, lunch, music, automatic)
	do(t, "ForgetPreset", s.ForgetPreset(t.Context(), u.ID, after[1].ID))
	do(t, "ForgetPreset", s.ForgetPreset(t.Context(), u.ID, after[1].ID))
	do(t, "ForgetPreset", s.ForgetPreset(t.Context(), u.ID, "nonsense"))
	wantPresets(t, s, "forgetting one", u.ID, dentist, lunch, automatic)

	wantField(t, "SetStatus", s.SetStatus(t.Context(), u.ID, Status{Text: "New"}, "3h"), "until")
	wantField(t, "SetStatus", s.SetStatus(t.Context(), u.ID, Status{Text: "New", State: "gone"}, ""), "state")
	wantErr(t, "SetStatus(nobody)", s.SetStatus(t.Context(), "nobody", Status{Text: "New"}, ""), ErrNotFound)
	wantPresets(t, s, "refused statuses", u.ID, dentist, lunch, automatic)
	wantPresets(t, s, "statuses of others", v.ID)
}

// A person has at most six presets. Another one replaces the one that was set longest ago.
func TestPresetsAreBounded(t *testing.T) { onEach(t, testPresetsAreBounded) }

func testPresetsAreBounded(t *testing.T, db database) {
	s := db.open(t, Config{})
	u, v := add(t, s, "ada", "", ""), add(t, s, "bob", "", "")
	do(t, "SetStatus", s.SetStatus(t.Context(), v.ID, Status{Text: "mine"}, ""))
	var want []Preset
	for i := range 10 {
		do(t, "SetStatus", s.SetStatus(t.Context(), u.ID, Status{Text: fmt.Sprint("status ", i)}, ""))
		do(t, "SetStatus", s.SetStatus(t.Context(), u.ID, Status{Text: "always"}, ""))
		if i > 4 {
			want = append([]Preset{{Text: fmt.Sprint("status ", i)}}, want...)
		}
	}
	wantPresets(t, s, "twenty statuses", u.ID, append([]Preset{{Text: "always"}}, want...)...)
	wantPresets(t, s, "statuses of others", v.ID, Preset{Text: "mine"})
	var rows int
	if err := s.r.db.QueryRow("SELECT count(*) FROM presets").Scan(&rows); err != nil || rows != maxPresets+1 {
		t.Errorf("%d presets are stored, %v, want %d", rows, err, maxPresets+1)
	}
}
