package accounts

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// mailing returns a store that sends emails, on a clock.
func mailing(t *testing.T, db database) (*Store, *clock) {
	t.Helper()
	c := newClock()
	return db.open(t, Config{Now: c.now, SendsMail: true}), c
}

// take returns the next email that is due.
func take(t *testing.T, s *Store) Mail {
	t.Helper()
	m, ok, err := s.TakeMail(t.Context())
	if do(t, "TakeMail", err); !ok {
		t.Fatal("TakeMail found nothing")
	}
	return m
}

// withAddress gives a user an address, without an email about it.
func withAddress(t *testing.T, s *Store, u User, email string) {
	t.Helper()
	sends := s.sendsMail
	s.sendsMail = false
	do(t, "SetEmail", s.SetEmail(t.Context(), u.ID, email))
	s.sendsMail = sends
}

// none checks that no email is due.
func none(t *testing.T, s *Store, when string) {
	t.Helper()
	if m, ok, err := s.TakeMail(t.Context()); ok || err != nil {
		t.Fatalf("%s: TakeMail = %+v, %v, want nothing", when, m, err)
	}
}

// An email is taken by one, comes back when that one disappears or fails, and isn't sent after its end.
func TestMailQueue(t *testing.T) { onEach(t, testMailQueue) }

func testMailQueue(t *testing.T, db database) {
	s, c := mailing(t, db)
	none(t, s, "an empty queue")
	do(t, "AskReset", s.AskReset(t.Context(), "ada"))
	<-s.MailQueued()
	m := take(t, s)
	if m.Kind != MailForgot || m.Details.Typed != "ada" || m.UserID != "" || m.Tries != 1 || !m.QueuedAt.Equal(c.now()) {
		t.Errorf("TakeMail = %+v, want the first try of what ada asked for", m)
	}
	none(t, s, "while another replica has it")
	c.add(mailTake)
	if m = take(t, s); m.Tries != 2 {
		t.Errorf("tries = %d after a replica disappeared, want 2", m.Tries)
	}
	late := m
	late.Tries--
	do(t, "RetryMail", s.RetryMail(t.Context(), late, 0, true))
	none(t, s, "after a replica that was too late put it back")
	do(t, "RetryMail", s.RetryMail(t.Context(), m, time.Minute, true))
	none(t, s, "before the next try")
	c.add(time.Minute)
	m = take(t, s)
	do(t, "RetryMail", s.RetryMail(t.Context(), m, 0, false))
	if again := take(t, s); again.Tries != m.Tries {
		t.Errorf("tries = %d after one that didn't count, want %d", again.Tries, m.Tries)
	}
	c.add(time.Hour)
	none(t, s, "after its end")
	if n, err := s.CountMails(t.Context()); n != 0 || err != nil {
		t.Errorf("CountMails = %d, %v, want 0", n, err)
	}
}

// Of several workers on two stores, none sends what another sends.
func TestMailsAreTakenOnce(t *testing.T) { onEach(t, testMailsAreTakenOnce) }

func testMailsAreTakenOnce(t *testing.T, db database) {
	place := db.place(t)
	stores := []*Store{openAt(t, place), openAt(t, place)}
	const mails = 60
	for i := range mails {
		do(t, "AskReset", stores[0].AskReset(t.Context(), fmt.Sprint("person-", i)))
	}
	var mu sync.Mutex
	sent := map[string]int{}
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for {
				m, ok, err := stores[i%2].TakeMail(t.Context())
				if errors.Is(err, ErrBusy) {
					continue
				}
				if err != nil || !ok {
					if err != nil {
						t.Errorf("TakeMail = %v", err)
					}
					return
				}
				mu.Lock()
				sent[m.Details.Typed]++
				mu.Unlock()
				if err := stores[i%2].DropMail(t.Context(), m.ID); err != nil {
					t.Errorf("DropMail = %v", err)
				}
			}
		})
	}
	all.Wait()
	if len(sent) != mails {
		t.Errorf("%d emails were taken, want %d", len(sent), mails)
	}
	for who, n := range sent {
		if n != 1 {
			t.Errorf("the email of %s was taken %d times, want once", who, n)
		}
	}
}

// The queue is bounded. A notice that doesn't fit is left out, and what it's about happens.
func TestMailQueueIsBounded(t *testing.T) {
	s, _ := mailing(t, onSQLite)
	ada := add(t, s, "ada", "", "")
	withAddress(t, s, ada, "ada@example.org")
	for range maxMails {
		do(t, "AskReset", s.AskReset(t.Context(), "ada"))
	}
	wantErr(t, "one more", s.AskReset(t.Context(), "ada"), ErrMailsFull)
	do(t, "SetPassword", s.SetPassword(t.Context(), ada.ID, "another phrase", ""))
	if n, _ := s.CountMails(t.Context()); n != maxMails {
		t.Errorf("%d emails wait, want %d", n, maxMails)
	}
	long := strings.Repeat("é", 2000)
	do(t, "Prune", s.Prune(t.Context()))
	do(t, "Delete", s.Delete(t.Context(), ada.ID))
	s2, _ := mailing(t, onSQLite)
	do(t, "AskReset", s2.AskReset(t.Context(), long))
	if m := take(t, s2); len(m.Details.Typed) > maxTyped {
		t.Errorf("%d bytes of what was typed are stored, want at most %d", len(m.Details.Typed), maxTyped)
	}
}

// Nobody gets more than three emails of a kind in an hour, on all replicas together.
func TestAllowMail(t *testing.T) { onEach(t, testAllowMail) }

func testAllowMail(t *testing.T, db database) {
	s, c := mailing(t, db)
	allowed := func(kind MailKind, to string) bool {
		ok, err := s.AllowMail(t.Context(), kind, to)
		do(t, "AllowMail", err)
		return ok
	}
	var all sync.WaitGroup
	results := make(chan bool, 8)
	for range cap(results) {
		all.Go(func() { results <- allowed(MailForgot, "ada") })
	}
	all.Wait()
	close(results)
	n := 0
	for ok := range results {
		if ok {
			n++
		}
	}
	if n != MailsPerHour {
		t.Errorf("%d of 8 were allowed, want %d", n, MailsPerHour)
	}
	if !allowed(MailForgot, "bob") || !allowed(MailNewSignIn, "ada") {
		t.Error("another person or another kind isn't allowed")
	}
	c.add(time.Hour)
	if !allowed(MailForgot, "ada") {
		t.Error("not allowed an hour later")
	}
}

// What happens to an account queues an email for its owner if they have an address and this Rollcall sends emails.
func TestNotices(t *testing.T) { onEach(t, testNotices) }

func testNotices(t *testing.T, db database) {
	s, c := mailing(t, db)
	ctx := t.Context()
	boss, ada := addAdmin(t, s, "boss"), add(t, s, "ada", "", "")
	_, _, err := s.StartSession(ctx, SignIn{UserID: ada.ID, NewBrowser: true})
	do(t, "StartSession", err)
	do(t, "SetPassword", s.SetPassword(ctx, ada.ID, "another phrase", ""))
	none(t, s, "ada has no address")
	for _, u := range []User{boss, ada} {
		withAddress(t, s, u, u.Username+"@example.org")
	}
	want := func(kind MailKind, userID string, d MailDetails) {
		t.Helper()
		if m := take(t, s); m.Kind != kind || m.UserID != userID || m.Details != d {
			t.Errorf("TakeMail = %+v, want %s about %s with %+v", m, kind, userID, d)
		} else {
			do(t, "DropMail", s.DropMail(ctx, m.ID))
		}
		c.add(time.Second)
	}
	do(t, "ChangePassword", s.ChangePassword(ctx, ada.ID, "another phrase", "a third phrase", ""))
	want(MailPasswordChanged, ada.ID, MailDetails{})
	token, err := s.MailedResetLink(ctx, ada.ID)
	do(t, "MailedResetLink", err)
	do(t, "ResetPassword", s.ResetPassword(ctx, token, "a fourth phrase"))
	want(MailPasswordChanged, ada.ID, MailDetails{})
	_, _, err = s.StartSession(ctx, SignIn{UserID: ada.ID, NewBrowser: true, Browser: "Firefox on Linux", Address: "192.0.2.7"})
	do(t, "StartSession", err)
	none(t, s, "the first sign-in after the password was reset")
	_, _, err = s.StartSession(ctx, SignIn{UserID: ada.ID, NewBrowser: true, Browser: "Firefox on Linux", Address: "192.0.2.7"})
	do(t, "StartSession", err)
	want(MailNewSignIn, ada.ID, MailDetails{Browser: "Firefox on Linux", Address: "192.0.2.7"})
	for _, name := range []string{"will", "wanda"} {
		_, waits, err := s.SignUp(ctx, NewUser{Username: name, Password: secret}, Joining{Approval: true})
		if err != nil || !waits {
			t.Fatalf("SignUp = %t, %v, want somebody who waits", waits, err)
		}
	}
	want(MailWaiting, boss.ID, MailDetails{})
	none(t, s, "one email is enough for two who wait")
	will, err := s.UserByName(ctx, "will")
	do(t, "UserByName", err)
	withAddress(t, s, will, "will@example.org")
	do(t, "Approve", s.Approve(ctx, will.ID))
	want(MailApproved, will.ID, MailDetails{})
	s.sendsMail = false
	do(t, "SetPassword", s.SetPassword(ctx, ada.ID, "a fifth phrase", ""))
	none(t, s, "a Rollcall that sends no emails")
}

// A session in a new browser is unnoticed until another session of the person, which isn't, says otherwise.
func TestUnnoticedSession(t *testing.T) { onEach(t, testUnnoticedSession) }

func testUnnoticedSession(t *testing.T, db database) {
	s, c := mailing(t, db)
	ctx := t.Context()
	ada, eve := add(t, s, "ada", "", ""), add(t, s, "eve", "", "")
	start := func(id string) (string, Session) {
		t.Helper()
		c.add(time.Second)
		token, x, err := s.StartSession(ctx, SignIn{UserID: id, NewBrowser: true})
		do(t, "StartSession", err)
		return token, x
	}
	news := func(token string) bool {
		t.Helper()
		x, _, err := s.SessionByToken(ctx, token)
		do(t, "SessionByToken", err)
		return x.News
	}
	firstToken, first := start(ada.ID)
	if news(firstToken) {
		t.Error("the very first sign-in is news")
	}
	evesToken, eves := start(eve.ID)
	strangersToken, stranger := start(ada.ID)
	_, second := start(ada.ID)
	if !news(firstToken) || news(strangersToken) || news(evesToken) {
		t.Errorf("news = %t for the first session, %t for the new one, %t for somebody else, want only the first",
			news(firstToken), news(strangersToken), news(evesToken))
	}
	found, err := s.Unnoticed(ctx, ada.ID)
	if err != nil || len(found) != 2 || found[0].ID != second.ID || found[1].ID != stranger.ID || !found[0].Unnoticed {
		t.Errorf("Unnoticed = %+v, %v, want the two new ones, the latest first", found, err)
	}
	for what, by := range map[string]string{"itself": stranger.ID, "another new one": second.ID, "somebody else's": eves.ID,
		"nobody's": "x"} {
		wantErr(t, "Notice by "+what, s.Notice(ctx, ada.ID, stranger.ID, by), ErrNoSession)
	}
	wantErr(t, "Notice for somebody else", s.Notice(ctx, eve.ID, stranger.ID, eves.ID), ErrNoSession)
	do(t, "Notice", s.Notice(ctx, ada.ID, stranger.ID, first.ID))
	do(t, "EndSessionOf", s.EndSessionOf(ctx, ada.ID, second.ID))
	if news(firstToken) {
		t.Error("there is news after one session was confirmed and the other one ended")
	}
}
