package accounts

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

// acts returns the actions in the audit log about target, the oldest first.
func acts(tb testing.TB, s *Store, q AuditQuery) (all []Action) {
	tb.Helper()
	entries, err := s.Audit(tb.Context(), q)
	do(tb, "Audit", err)
	for _, e := range slices.Backward(entries) {
		all = append(all, e.Action)
	}
	return all
}

// Every act on somebody else's account is in the audit log, and nothing that people do to their own account or that
// tells when somebody was here.
func TestAudit(t *testing.T) { onEach(t, testAudit) }

func testAudit(t *testing.T, db database) {
	var log bytes.Buffer
	c := newClock()
	s := db.open(t, Config{Now: c.now, Log: slog.New(slog.NewTextHandler(&log, nil))})
	boss := addAdmin(t, s, "boss")
	ctx := Through(As(t.Context(), ByUser(boss.ID)), Origin{Address: "192.0.2.7", Request: "r1"})
	ada, err := s.Create(ctx, NewUser{Username: "ada", Password: secret})
	do(t, "Create", err)
	self := As(t.Context(), ByUser(ada.ID))
	for _, who := range []struct {
		name string
		want []Action
	}{{"ada herself", nil}, {"boss", []Action{UserRenamed, UserMoved, AdminGranted, AdminRevoked, PasswordSet, SessionsEnded,
		ResetLinkMade, UserDisabled, UserEnabled, UserDeleted}}} {
		ctx, before := ctx, acts(t, s, AuditQuery{Target: TargetUser(ada.ID)})
		if who.want == nil {
			ctx = self
		}
		do(t, "Rename", s.Rename(ctx, ada.ID, "Ada "+who.name))
		do(t, "SetTeam", s.SetTeam(ctx, ada.ID, who.name))
		do(t, "SetStatus", s.SetStatus(ctx, ada.ID, Status{Text: "Tea"}, ""))
		do(t, "SetInvisible", s.SetInvisible(ctx, ada.ID, true))
		do(t, "StampSeen", s.StampSeen(ctx, map[string]time.Time{ada.ID: c.now()}))
		_, session := signIn(t, s, ada.ID)
		do(t, "EndSession", s.EndSession(ctx, session.ID))
		if who.want != nil {
			do(t, "SetAdmin", s.SetAdmin(ctx, ada.ID, true))
			do(t, "SetAdmin", s.SetAdmin(ctx, ada.ID, false))
		}
		do(t, "SetPassword", s.SetPassword(ctx, ada.ID, "a new password", ""))
		if who.want != nil {
			do(t, "SignOut", second(s.SignOut(ctx, []string{ada.ID})))
			do(t, "MakeResetLink", second(s.MakeResetLink(ctx, ada.ID)))
			do(t, "SetDisabled", s.SetDisabled(ctx, ada.ID, true))
			do(t, "SetDisabled", s.SetDisabled(ctx, ada.ID, true))
			do(t, "SetDisabled", s.SetDisabled(ctx, ada.ID, false))
			do(t, "Delete", s.Delete(ctx, ada.ID))
		}
		if got := acts(t, s, AuditQuery{Target: TargetUser(ada.ID)})[len(before):]; !slices.Equal(got, who.want) {
			t.Errorf("by %s, the audit log has %v, want %v", who.name, got, who.want)
		}
	}
	entries, err := s.Audit(ctx, AuditQuery{Action: UserMoved})
	do(t, "Audit", err)
	if len(entries) != 1 {
		t.Fatalf("Audit = %+v, want one entry", entries)
	}
	e := entries[0]
	if !e.At.Equal(c.now()) || e.Actor != ByUser(boss.ID) || e.Via != ViaWeb || e.Address != "192.0.2.7" || e.Request != "r1" ||
		e.Detail["team"] != "boss" || e.Detail["from"] != "ada herself" {
		t.Errorf("Audit = %+v, want all about the move", e)
	}
	want := `msg=audit action=user.team actor=user:` + boss.ID + ` via=web target=user:` + ada.ID +
		` address=192.0.2.7 request=r1 detail_from="ada herself" detail_team=boss`
	if n := strings.Count(log.String(), want); n != 1 {
		t.Errorf("the log has %q %d times, want once:\n%s", want, n, log.String())
	}
}

// An act that isn't done leaves no line.
func TestAuditIsPartOfTheAct(t *testing.T) {
	var log bytes.Buffer
	s := open(t, Config{Log: slog.New(slog.NewTextHandler(&log, nil))})
	boss := addAdmin(t, s, "boss")
	log.Reset()
	before := len(acts(t, s, AuditQuery{}))
	wantErr(t, "SetAdmin", s.SetAdmin(t.Context(), boss.ID, false), ErrLastAdmin)
	if after := len(acts(t, s, AuditQuery{})); after != before || log.Len() > 0 {
		t.Errorf("a refused act left %d lines, and the log has %q", after-before, log.String())
	}
}

// Lines come page by page, by actor, target or action.
func TestAuditPages(t *testing.T) { onEach(t, testAuditPages) }

func testAuditPages(t *testing.T, db database) {
	s := db.open(t, Config{})
	boss := addAdmin(t, s, "boss")
	ctx := As(t.Context(), ByUser(boss.ID))
	for i := range 7 {
		_, err := s.Create(ctx, NewUser{Username: fmt.Sprint("user", i), Password: secret})
		do(t, "Create", err)
	}
	for name, q := range map[string]AuditQuery{
		"actor": {Actor: ByUser(boss.ID)}, "action": {Action: UserCreated}, "all": {},
	} {
		var got []string
		for q.Limit = 3; ; {
			page, err := s.Audit(ctx, q)
			do(t, "Audit", err)
			for _, e := range page {
				got = append(got, e.ID)
			}
			if len(page) < q.Limit {
				break
			}
			q.Before = page[len(page)-1].ID
		}
		want := 8
		if name == "actor" {
			want = 7
		}
		if len(got) != want || !slices.IsSortedFunc(got, func(a, b string) int { return strings.Compare(b, a) }) {
			t.Errorf("by %s, the pages have %d lines, want %d, the newest first", name, len(got), want)
		}
	}
}

// Old lines go, addresses go sooner.
func TestAuditIsPruned(t *testing.T) { onEach(t, testAuditIsPruned) }

func testAuditIsPruned(t *testing.T, db database) {
	c := newClock()
	s := db.open(t, Config{Now: c.now})
	ctx := Through(t.Context(), Origin{Address: "192.0.2.7"})
	u := add(t, s, "ada", "", "")
	do(t, "SetTeam", s.SetTeam(ctx, u.ID, "Ops"))
	c.add(AuditAddressAge + time.Millisecond)
	do(t, "SetTeam", s.SetTeam(ctx, u.ID, "Dev"))
	do(t, "Prune", s.Prune(ctx))
	entries, err := s.Audit(ctx, AuditQuery{Action: UserMoved})
	if err != nil || len(entries) != 2 || entries[0].Address == "" || entries[1].Address != "" {
		t.Errorf("after 30 days, Audit = %+v, %v, want the address of the newer line alone", entries, err)
	}
	c.add(AuditAge - AuditAddressAge)
	do(t, "Prune", s.Prune(ctx))
	if entries, err := s.Audit(ctx, AuditQuery{}); err != nil || len(entries) != 1 {
		t.Errorf("after 400 days, Audit = %+v, %v, want the newer line alone", entries, err)
	}
}

// Nobody can flush the log by making lines: a person can make only so many in a day, and recent ones stay in any case.
// What people do to themselves isn't limited, nor what is done at the command line.
func TestAuditCantBeFlushed(t *testing.T) { onEach(t, testAuditCantBeFlushed) }

func testAuditCantBeFlushed(t *testing.T, db database) {
	if max := AuditPerDay * int(AuditAge/(24*time.Hour)); max >= maxAudit {
		t.Errorf("in %v, one person can make %d lines, want fewer than %d", AuditAge, max, maxAudit)
	}
	c := newClock()
	s := db.open(t, Config{Now: c.now})
	boss, ada, eve := addAdmin(t, s, "boss"), add(t, s, "ada", "", ""), add(t, s, "eve", "", "")
	ctx := As(t.Context(), ByUser(boss.ID))
	fill := func(at time.Time, lines int) {
		t.Helper()
		do(t, "add lines", s.write(ctx, func(ctx context.Context, t *transaction) error {
			for range lines {
				id, err := newID()
				if err == nil {
					_, err = t.exec(ctx, sqlAddAudit, id, milli(at), string(ByUser(boss.ID)), "web", "user.team", "user:x", "", "", "")
				}
				if err != nil {
					return err
				}
			}
			return nil
		}))
	}
	fill(c.now(), AuditPerDay-1)
	wantErr(t, "two changes when there is room for one", second(s.SetTeamOf(ctx, []string{ada.ID, eve.ID}, "Dev")), ErrTooManyActs)
	if u, err := s.UserByID(ctx, ada.ID); err != nil || u.Team != "" {
		t.Errorf("after a refused change, ada is %+v, %v, want her without a team", u, err)
	}
	do(t, "the last change of a day", s.SetTeam(ctx, ada.ID, "Dev"))
	wantErr(t, "one more", s.SetTeam(ctx, eve.ID, "Dev"), ErrTooManyActs)
	do(t, "a change without a line", s.SetTeam(ctx, ada.ID, "Dev"))
	do(t, "one's own name", s.Rename(ctx, boss.ID, "Boss"))
	do(t, "a change by a command", s.SetTeam(As(t.Context(), CommandLine), eve.ID, "Ops"))
	prune := func(keep int) {
		t.Helper()
		do(t, "prune", s.write(ctx, func(ctx context.Context, t *transaction) error {
			_, err := t.exec(ctx, sqlSurplusAudit, keep, t.now-auditKept.Milliseconds())
			return err
		}))
	}
	entries := func() int { return len(acts(t, s, AuditQuery{Limit: maxAuditPage, Target: "user:x"})) }
	if prune(10); entries() < maxAuditPage {
		t.Errorf("%d recent lines are left, want all", entries())
	}
	c.add(auditKept + time.Millisecond)
	if prune(10); entries() > 10 {
		t.Errorf("%d old lines are left, want 10 at most", entries())
	}
}

// The person's own data has what the log has about them, and names nobody else.
func TestExportedActs(t *testing.T) {
	s := open(t, Config{})
	boss := addAdmin(t, s, "boss")
	ada := add(t, s, "ada", "", "")
	byBoss := Through(As(t.Context(), ByUser(boss.ID)), Origin{Address: "192.0.2.7"})
	do(t, "SetTeam", s.SetTeam(byBoss, ada.ID, "Ops"))
	for _, tt := range []struct {
		user User
		want string
	}{
		{ada, "user.team by administrator  map[from: team:Ops]; user.create by system  map[]"},
		{boss, "user.team by you 192.0.2.7 map[from: team:Ops]; user.create by system  map[]"},
	} {
		x, err := s.Export(t.Context(), tt.user.ID)
		do(t, "Export", err)
		var got []string
		for _, a := range x.Acts {
			got = append(got, fmt.Sprintf("%s by %s %s %v", a.Action, a.By, a.Address, a.Detail))
		}
		if all := strings.Join(got, "; "); all != tt.want {
			t.Errorf("the acts of %s are %s, want %s", tt.user.Username, all, tt.want)
		}
	}
}

// TestAuditHidesInstants: nothing tells at which time of the day somebody used a link: not the stored time, nor the ID,
// and so neither the order of lines nor what a cursor that somebody made up leaves out. The line can be read once the
// day is over.
func TestAuditHidesInstants(t *testing.T) {
	for _, tt := range []struct {
		days int
		seen bool
	}{{-2, true}, {2, false}} {
		day := time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, tt.days)
		s := open(t, Config{Now: func() time.Time { return day.Add(13*time.Hour + 5*time.Minute) }})
		u := add(t, s, "ada", "", "")
		token, err := s.MakeResetLink(t.Context(), u.ID)
		do(t, "MakeResetLink", err)
		ctx := Through(As(t.Context(), Visitor), Origin{Via: ViaWeb, Address: "192.0.2.1", Request: "abc"})
		do(t, "ResetPassword", s.ResetPassword(ctx, token, secret+"!"))
		lines, err := s.Audit(t.Context(), AuditQuery{Action: ResetLinkUsed})
		do(t, "Audit", err)
		if !tt.seen {
			if len(lines) != 0 {
				t.Errorf("before the end of the day, the log has %+v", lines)
			}
			continue
		}
		if len(lines) != 1 || !lines[0].At.Equal(day) || lines[0].Address+lines[0].Request != "" {
			t.Fatalf("the log has %+v, want one line of %v, without an address", lines, day)
		}
		id, err := uuid.Parse(lines[0].ID)
		do(t, "Parse", err)
		sec, nsec := id.Time().UnixTime()
		if got, want := time.Unix(sec, nsec), day.Add(24*time.Hour-time.Millisecond); !got.Truncate(time.Millisecond).Equal(want) {
			t.Errorf("its ID has the time %v, want %v", got, want)
		}
	}
}
