package accounts

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestSetStatus(t *testing.T) { onEach(t, testSetStatus) }

func testSetStatus(t *testing.T, db database) {
	c := newClock()
	s := db.open(t, Config{Now: c.now})
	u := add(t, s, "ada", "", "")
	began := c.now()
	status := func() Status {
		t.Helper()
		got, err := s.UserByID(t.Context(), u.ID)
		do(t, "UserByID", err)
		return got.Status
	}
	for _, step := range []struct{ set, want Status }{
		{Status{State: "dnd", Text: " Writing ", Emoji: "📝", Until: began.Add(time.Hour)},
			Status{State: "dnd", Text: "Writing", Emoji: "📝", Until: began.Add(time.Hour), SetAt: began}},
		{Status{Text: "Lunch"}, Status{Text: "Lunch", SetAt: began.Add(time.Minute)}},
		// The caller can't set SetAt.
		{Status{State: "online", SetAt: began}, Status{State: "online", SetAt: began.Add(2 * time.Minute)}},
		{Status{Until: began.Add(time.Hour)}, Status{}}, // an end without a status
		{Status{}, Status{}},
	} {
		if err := s.SetStatus(t.Context(), u.ID, step.set, ""); err != nil {
			t.Errorf("SetStatus(%+v) = %v, want no error", step.set, err)
		}
		if got := status(); !reflect.DeepEqual(got, step.want) {
			t.Errorf("status after SetStatus(%+v) = %+v, want %+v", step.set, got, step.want)
		}
		c.add(time.Minute)
	}
	wantErr(t, "SetStatus(nobody)", s.SetStatus(t.Context(), "nobody", Status{}, ""), ErrNotFound)
}

// Visibility and status are independent.
func TestSetInvisible(t *testing.T) { onEach(t, testSetInvisible) }

func testSetInvisible(t *testing.T, db database) {
	c := newClock()
	s := db.open(t, Config{Now: c.now})
	u := add(t, s, "ada", "", "")
	rev := mustRev(t, s)
	check := func(what string, text string, since time.Time, takes int64) {
		t.Helper()
		rev += takes
		got, err := s.UserByID(t.Context(), u.ID)
		if err != nil || got.Status.Text != text || got.Invisible != !since.IsZero() || !got.InvisibleSince.Equal(since) ||
			mustRev(t, s) != rev {
			t.Errorf("after %s: %+v at rev %d, %v, want the text %q, invisible since %v, rev %d",
				what, got, mustRev(t, s), err, text, since, rev)
		}
	}
	set := func(on bool) { t.Helper(); do(t, "SetInvisible", s.SetInvisible(t.Context(), u.ID, on)) }
	say := func(text string) {
		t.Helper()
		do(t, "SetStatus", s.SetStatus(t.Context(), u.ID, Status{Text: text}, ""))
	}
	set(false)
	check("going visible while visible", "", time.Time{}, 0)
	say("Lunch")
	began := c.now()
	set(true)
	check("going invisible", "Lunch", began, 2)
	c.add(time.Minute)
	set(true)
	check("going invisible again", "Lunch", began, 0)
	say("Tea")
	check("a status while invisible", "Tea", began, 1)
	say("")
	check("clearing it", "", began, 1)
	facts, _, err := s.Facts(t.Context())
	if err != nil || len(facts) != 1 || !facts[0].Invisible || !facts[0].InvisibleSince.Equal(began) {
		t.Errorf("Facts = %+v, %v, want one who is invisible since %v", facts, err, began)
	}
	say("Here")
	set(false)
	check("going visible", "Here", time.Time{}, 2)
	wantErr(t, "SetInvisible(nobody)", s.SetInvisible(t.Context(), "nobody", true), ErrNotFound)
}

func TestSetStatusRefuses(t *testing.T) { onEach(t, testSetStatusRefuses) }

func testSetStatusRefuses(t *testing.T, db database) {
	c := newClock()
	s := db.open(t, Config{Now: c.now})
	u := add(t, s, "ada", "", "")
	do(t, "SetStatus", s.SetStatus(t.Context(), u.ID, Status{Text: strings.Repeat("ü", 140)}, ""))
	rev := mustRev(t, s)
	for _, bad := range []struct {
		field string
		w     Status
	}{
		{"state", Status{State: "offline"}},
		{"state", Status{State: "Online"}},
		{"text", Status{Text: strings.Repeat("ü", 141)}},
		{"text", Status{Text: strings.Repeat("x", 1<<20)}},
		{"text", Status{Text: "a\nb"}},
		{"text", Status{Text: "\u202Eabc"}},
		{"text", Status{Text: "\xff"}},
		{"emoji", Status{Emoji: "x"}},
		{"emoji", Status{Emoji: "📝📝"}},
		{"until", Status{Text: "x", Until: c.now()}},
		{"until", Status{Text: "x", Until: c.now().AddDate(1, 0, 2)}},
		{"until", Status{Text: "x", Until: time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC)}}, // JSON can't represent it
		{"until", Status{State: "away", Until: c.now().Add(-time.Hour)}},
	} {
		wantField(t, fmt.Sprintf("SetStatus(%.40q)", fmt.Sprintf("%+v", bad.w)), s.SetStatus(t.Context(), u.ID, bad.w, ""),
			bad.field)
	}
	if got := mustRev(t, s); got != rev {
		t.Errorf("rev after refused statuses = %d, want %d", got, rev)
	}
}

func TestIsEmoji(t *testing.T) {
	for _, s := range strings.Fields("📝 ☕ ☕️ ❤️ ❤ 👍🏽 🇩🇪 #️⃣ 1⃣ 👩‍💻 👩🏾‍💻 👨‍👩‍👧‍👦 🏳️‍🌈 🏴‍☠️ 🏴󠁧󠁢󠁳󠁣󠁴󠁿 🫠 ✅ ⌚ ▶️ ™️ 〰️ ㊗️ 🀄 🅰️ 🈚 🏴 ⬛") {
		if !isEmoji(s) {
			t.Errorf("isEmoji(%q) = false, want true", s)
		}
	}
	for _, s := range []string{"", "x", "1", "11", "#", "📝📝", "📝x", "x📝", "🇩", "🇩🇪🇫", "👍🏽🏽", "👩\u200D", "\u200D👩",
		"👩\u200D\u200D💻", "👩\u200Dx", " ", "☕ ",
		"📝\u202E", "\u200B", "e\u0301", "🏴󠁧󠁢", "🏴󠁿", "<b>", "한", "\xff", "\U0010FFFF", "️",
		strings.Repeat("📝\u200D", 5) + "📝"} {
		if isEmoji(s) {
			t.Errorf("isEmoji(%q) = true, want false", s)
		}
	}
}
