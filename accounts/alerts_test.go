package accounts

import (
	"fmt"
	"testing"
	"time"
)

func TestAlerts(t *testing.T) { onEach(t, testAlerts) }

func testAlerts(t *testing.T, db database) {
	c := newClock()
	s := db.open(t, Config{Now: c.now})
	ada, bob := add(t, s, "ada", "", ""), add(t, s, "bob", "Bob B", "")
	waits := func(want string) {
		t.Helper()
		if got, err := s.Alert(t.Context(), ada.ID, bob.ID); err != nil || got != want {
			t.Errorf("Alert = %q, %v, want %q", got, err, want)
		}
	}
	since := mustRev(t, s)
	news := func(want ...Alert) {
		t.Helper()
		changes, err := s.Changes(t.Context(), since)
		since = mustRev(t, s)
		if err != nil || fmt.Sprint(changes.Alerts) != fmt.Sprint(want) || len(changes.Users) != 0 {
			t.Errorf("Changes = %+v, %v, want the alerts %+v", changes, err, want)
		}
	}
	waits("")
	do(t, "SetAlert", s.SetAlert(t.Context(), ada.ID, bob.ID, AlertHere))
	want := Alert{ada.ID, bob.ID, "bob", "Bob B", noTeam, AlertHere, c.now(), c.now().Add(AlertLife), time.Time{}}
	waits(AlertHere)
	news(want)
	do(t, "SetAlert", s.SetAlert(t.Context(), ada.ID, bob.ID, AlertFree))
	want.Kind = AlertFree
	waits(AlertFree)
	news(want)
	if other, err := s.Alert(t.Context(), bob.ID, ada.ID); err != nil || other != "" {
		t.Errorf("Alert the other way = %q, %v, want none", other, err)
	}

	// It's told once, no matter which replica does it, and stays for a moment.
	for range 3 {
		do(t, "TellAlert", s.TellAlert(t.Context(), ada.ID, bob.ID))
	}
	want.ToldAt, want.ExpiresAt = c.now(), c.now().Add(AlertTold)
	waits("")
	news(want)
	all, err := s.Alerts(t.Context())
	if err != nil || len(all) != 1 || all[0] != want {
		t.Errorf("Alerts = %+v, %v, want the one that was told", all, err)
	}
	c.add(AlertTold)
	do(t, "PurgeAlerts", s.PurgeAlerts(t.Context()))
	if all, err = s.Alerts(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("Alerts after a while = %+v, %v, want none", all, err)
	}

	// A withdrawn or expired one isn't told.
	do(t, "SetAlert", s.SetAlert(t.Context(), ada.ID, bob.ID, AlertHere))
	do(t, "DropAlert", s.DropAlert(t.Context(), ada.ID, bob.ID))
	do(t, "DropAlert", s.DropAlert(t.Context(), ada.ID, bob.ID))
	do(t, "TellAlert", s.TellAlert(t.Context(), ada.ID, bob.ID))
	news()
	do(t, "SetAlert", s.SetAlert(t.Context(), ada.ID, bob.ID, AlertHere))
	since = mustRev(t, s)
	c.add(AlertLife)
	waits("")
	do(t, "TellAlert", s.TellAlert(t.Context(), ada.ID, bob.ID))
	news()
}

func TestAlertsAreRefused(t *testing.T) { onEach(t, testAlertsAreRefused) }

func testAlertsAreRefused(t *testing.T, db database) {
	s := db.open(t, Config{})
	ada, bob := add(t, s, "ada", "", ""), add(t, s, "bob", "", "")
	left := func(want int) {
		t.Helper()
		var rows int
		if err := s.r.db.QueryRow("SELECT count(*) FROM alerts").Scan(&rows); err != nil || rows != want {
			t.Errorf("%d alerts are stored, %v, want %d", rows, err, want)
		}
	}
	wantField(t, "SetAlert(soon)", s.SetAlert(t.Context(), ada.ID, bob.ID, "soon"), "alerts")
	wantErr(t, "SetAlert(self)", s.SetAlert(t.Context(), ada.ID, ada.ID, AlertHere), ErrNotFound)
	wantErr(t, "SetAlert(nobody)", s.SetAlert(t.Context(), ada.ID, "nobody", AlertHere), ErrNotFound)

	// Forbidding alerts drops those that exist, and leaves those about others.
	do(t, "SetAlert", s.SetAlert(t.Context(), ada.ID, bob.ID, AlertHere))
	do(t, "SetAlert", s.SetAlert(t.Context(), bob.ID, ada.ID, AlertHere))
	do(t, "SetDetails", setDetails(t.Context(), s, bob.ID, Details{NoAlerts: true}))
	left(1)
	wantField(t, "SetAlert", s.SetAlert(t.Context(), ada.ID, bob.ID, AlertHere), "alerts")
	do(t, "SetDetails", setDetails(t.Context(), s, bob.ID, Details{}))
	do(t, "SetAlert", s.SetAlert(t.Context(), ada.ID, bob.ID, AlertHere))

	// They go with either account.
	left(2)
	do(t, "Delete", s.Delete(t.Context(), bob.ID))
	left(0)

	for i := range MaxAlerts {
		do(t, "SetAlert", s.SetAlert(t.Context(), ada.ID, add(t, s, fmt.Sprintf("p%d", i), "", "").ID, AlertHere))
	}
	cleo := add(t, s, "cleo", "", "")
	wantField(t, "SetAlert", s.SetAlert(t.Context(), ada.ID, cleo.ID, AlertHere), "alerts")
	last, err := s.UserByName(t.Context(), "p49")
	do(t, "UserByName", err)
	do(t, "SetAlert again", s.SetAlert(t.Context(), ada.ID, last.ID, AlertFree))
	do(t, "TellAlert", s.TellAlert(t.Context(), ada.ID, last.ID))
	do(t, "SetAlert", s.SetAlert(t.Context(), ada.ID, cleo.ID, AlertHere))
	do(t, "SetDisabled", s.SetDisabled(t.Context(), cleo.ID, true))
	wantErr(t, "SetAlert(disabled)", s.SetAlert(t.Context(), ada.ID, cleo.ID, AlertHere), ErrNotFound)
}
