package accounts

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

const aServer = "server-1"

// wish returns w with defaults.
func wish(w HookWish) HookWish {
	w.Label, w.URL = cmp.Or(w.Label, "Lamp"), cmp.Or(w.URL, "https://hooks.example/in")
	w.Format, w.About = cmp.Or(w.Format, HookStandard), cmp.Or(w.About, AboutEveryone)
	w.States, w.Settle = w.States || !w.Texts, cmp.Or(w.Settle, w.Format.Settle())
	return w
}

func addHook(tb testing.TB, s *Store, userID string, w HookWish) Hook {
	tb.Helper()
	h, err := s.AddHook(tb.Context(), userID, wish(w))
	do(tb, "AddHook", err)
	return h
}

func mustHook(tb testing.TB, s *Store, id string) Hook {
	tb.Helper()
	h, err := s.Hook(tb.Context(), "", id)
	do(tb, "Hook", err)
	return h
}

// ready makes aServer the one that delivers, and has it store what the receiver of h knows.
func ready(tb testing.TB, s *Store, h Hook, states map[string]string) Hook {
	tb.Helper()
	_, held, err := s.TakeLease(tb.Context(), aServer, time.Hour)
	if err != nil || !held {
		tb.Fatalf("TakeLease = %t, %v, want true", held, err)
	}
	h = mustHook(tb, s, h.ID)
	do(tb, "SetTold", s.SetTold(tb.Context(), aServer, h, states))
	return mustHook(tb, s, h.ID)
}

func attempt(h Hook, event string, parts ...Part) Attempt {
	return Attempt{Owner: aServer, Hook: h, EventID: event, Parts: parts}
}

func mustTold(tb testing.TB, s *Store, h Hook) map[string]Told {
	tb.Helper()
	all, err := s.Told(tb.Context(), h.ID)
	do(tb, "Told", err)
	byPerson := map[string]Told{}
	for _, x := range all {
		byPerson[x.PersonID] = x
	}
	return byPerson
}

// People see and change only their own hooks. Every change is recorded, by day if they made it themselves.
func TestHooks(t *testing.T) { onEach(t, testHooks) }

func testHooks(t *testing.T, db database) {
	c := newClock()
	s := db.open(t, Config{Now: c.now})
	ctx := t.Context()
	ada, bob := add(t, s, "ada", "", "Ops"), add(t, s, "bob", "", "")
	as := As(ctx, ByUser(ada.ID))
	rev := mustRev(t, s)
	h, err := s.AddHook(as, ada.ID, wish(HookWish{Label: "  Lamp ", About: AboutOneTeam, Team: "ops", PersonID: "left over"}))
	do(t, "AddHook", err)
	changes, err := s.Changes(ctx, rev)
	if err != nil || !changes.Hooks {
		t.Errorf("Changes after AddHook = %+v, %v, want that hooks have changed", changes, err)
	}
	got, err := s.Hooks(ctx, ada.ID)
	if err != nil || len(got) != 1 || got[0] != h {
		t.Fatalf("Hooks = %+v, %v, want %+v", got, err, h)
	}
	if !strings.HasPrefix(h.Secret, "whsec_") || len(h.Secret) != 50 || h.Label != "Lamp" || h.PersonID != "" || h.Ready {
		t.Errorf("AddHook = %+v, want a secret of 32 bytes, a clean name, no person, and that it isn't ready", h)
	}
	for name, change := range map[string]func(context.Context, string) error{
		"ChangeHook": func(ctx context.Context, who string) error { return s.ChangeHook(ctx, who, h.ID, wish(HookWish{})) },
		"RotateHook": func(ctx context.Context, who string) error { return second(s.RotateHook(ctx, who, h.ID)) },
		"PauseHook":  func(ctx context.Context, who string) error { return s.PauseHook(ctx, who, h.ID) },
		"StartHook":  func(ctx context.Context, who string) error { return s.StartHook(ctx, who, h.ID) },
		"Hook":       func(ctx context.Context, who string) error { return second(s.Hook(ctx, who, h.ID)) },
	} {
		before := mustHook(t, s, h.ID)
		wantErr(t, name+" by somebody else", change(ctx, bob.ID), ErrNoHook)
		do(t, name, change(as, ada.ID))
		if after := mustHook(t, s, h.ID); name != "Hook" && name != "StartHook" && after.Version <= before.Version {
			t.Errorf("%s leaves version %d, want more than %d", name, after.Version, before.Version)
		}
	}
	wantErr(t, "DeleteHook by somebody else", s.DeleteHook(ctx, bob.ID, h.ID), ErrNoHook)
	do(t, "DeleteHook", s.DeleteHook(As(ctx, CommandLine), "", h.ID))
	wantErr(t, "DeleteHook", s.DeleteHook(ctx, ada.ID, h.ID), ErrNoHook)
	c.add(48 * time.Hour)
	entries, err := s.Audit(ctx, AuditQuery{Target: TargetUser(ada.ID)})
	do(t, "Audit", err)
	for _, e := range entries {
		if own := e.Actor == ByUser(ada.ID); strings.HasPrefix(string(e.Action), "hook.") && own != (e.At.Hour() == 0) {
			t.Errorf("the audit log has %s by %s at %v, want only the day if she did it herself", e.Action, e.Actor, e.At)
		}
	}
}

// The previous secret of a hook signs for a day.
func TestRotateHook(t *testing.T) { onEach(t, testRotateHook) }

func testRotateHook(t *testing.T, db database) {
	c := newClock()
	s := db.open(t, Config{Now: c.now})
	ada := add(t, s, "ada", "", "")
	h := addHook(t, s, ada.ID, HookWish{})
	fresh, err := s.RotateHook(t.Context(), ada.ID, h.ID)
	do(t, "RotateHook", err)
	c.add(OldSecretLife - time.Millisecond)
	do(t, "Prune", s.Prune(t.Context()))
	if got := mustHook(t, s, h.ID); got.Secret != fresh || got.Old != h.Secret || fresh == h.Secret {
		t.Errorf("a moment before a day, the secrets are %+v, want %s and %s", got.HookSecrets, fresh, h.Secret)
	}
	c.add(time.Millisecond)
	if got := mustHook(t, s, h.ID); got.HookSecrets != (HookSecrets{Secret: fresh}) {
		t.Errorf("after a day, the secrets are %+v, want only the new one", got.HookSecrets)
	}
	do(t, "Prune", s.Prune(t.Context()))
	var stored int
	do(t, "count", s.r.queryRow(t.Context(), `SELECT count(*) FROM hooks WHERE old_secret <> ''`, nil, &stored))
	if stored != 0 {
		t.Error("after a day, Prune left the previous secret")
	}
}

// Bad input is refused with a code for each field.
func TestHookFields(t *testing.T) {
	s := open(t, Config{})
	ada := add(t, s, "ada", "", "")
	for _, tt := range []struct {
		wish  HookWish
		field string
		code  Code
	}{
		{HookWish{Label: "x\x00"}, "name", Unprintable},
		{HookWish{Label: strings.Repeat("x", 65)}, "name", TooLong},
		{HookWish{Format: "xml"}, "format", NotAnOption},
		{HookWish{About: "some"}, "about", NotAnOption},
		{HookWish{About: AboutOneTeam}, "team", Missing},
		{HookWish{About: AboutOnePerson}, "person", Missing},
		{HookWish{About: AboutOnePerson, PersonID: "nobody"}, "person", UnknownPerson},
		{HookWish{Settle: -1}, "settle", OutOfRange},
		{HookWish{Settle: MaxSettle + 1}, "settle", OutOfRange},
		{HookWish{URL: "https://" + strings.Repeat("x", MaxHookURL)}, "url", TooLong},
		{HookWish{URL: "ftp://hooks.example"}, "url", NotAURL},
		{HookWish{URL: "hooks.example"}, "url", NotAURL},
		{HookWish{URL: "https:///path"}, "url", NotAURL},
		{HookWish{URL: "https:opaque"}, "url", NotAURL},
		{HookWish{URL: "https://a b/"}, "url", NotAURL},
		{HookWish{URL: "https://hooks.example/#part"}, "url", NotAURL},
		{HookWish{URL: "https://hooks.example/\x00"}, "url", NotAURL},
		{HookWish{URL: "https://\xff/"}, "url", NotUTF8},
		{HookWish{URL: "https://ada:secret@hooks.example"}, "url", HasPassword},
		{HookWish{URL: "https://hooks.example:22"}, "url", BadPort},
		{HookWish{URL: "https://hooks.example:"}, "url", BadPort},
	} {
		_, err := s.AddHook(t.Context(), ada.ID, wish(tt.wish))
		if wrong := WrongFields(err); len(wrong) != 1 || wrong[0].Field != tt.field || wrong[0].Code != tt.code {
			t.Errorf("AddHook(%+v) = %v, want %s: %s", tt.wish, err, tt.field, tt.code)
		}
	}
	_, err := s.AddHook(t.Context(), ada.ID, HookWish{})
	if wrong := WrongFields(err); len(wrong) != 5 {
		t.Errorf("AddHook(nothing) = %v, want 5 wrong fields", err)
	}
	_, err = s.AddHook(t.Context(), "nobody", wish(HookWish{}))
	wantErr(t, "AddHook of nobody", err, ErrNotFound)
}

func TestHookLimits(t *testing.T) {
	s := open(t, Config{})
	ada := add(t, s, "ada", "", "")
	for range MaxHooks {
		addHook(t, s, ada.ID, HookWish{})
	}
	_, err := s.AddHook(t.Context(), ada.ID, wish(HookWish{}))
	if wrong := WrongFields(err); len(wrong) != 1 || *wrong[0] != (FieldError{Field: "hooks", Code: TooMany, Limit: MaxHooks}) {
		t.Errorf("AddHook = %v, want too many", err)
	}
}

// FuzzHookURL checks that addresses that are accepted stay the same, and lead where they seem to.
func FuzzHookURL(f *testing.F) {
	for _, text := range []string{"https://hooks.example/in?x=1", "http://[::1]:8080/", "https://a@b", "https://①②⑦.0.0.1/",
		"http://127.1", "HTTPS://EXAMPLE:443", "https://x/%zz", "https://x\\@y/", "https://x:080"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		clean, err := cleanHookURL(text)
		if err != nil {
			if len(WrongFields(err)) != 1 {
				t.Errorf("cleanHookURL(%q) = %v, want one wrong field", text, err)
			}
			return
		}
		u, err := url.Parse(clean)
		if err != nil || u.Hostname() == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https" || len(clean) > MaxHookURL {
			t.Errorf("cleanHookURL(%q) = %q, %v, want an address with a host", text, clean, err)
		}
		if again, err := cleanHookURL(clean); err != nil || again != clean {
			t.Errorf("cleanHookURL(%q) = %q, %v, want it unchanged", clean, again, err)
		}
	})
}

// Only one server holds the lease, also if several ask at once.
func TestLease(t *testing.T) { onEach(t, testLease) }

func testLease(t *testing.T, db database) {
	c := newClock()
	s := db.open(t, Config{Now: c.now})
	take := func(owner string) bool {
		t.Helper()
		until, held, err := s.TakeLease(t.Context(), owner, time.Minute)
		do(t, "TakeLease", err)
		if held && !until.Equal(c.now().Add(time.Minute)) {
			t.Errorf("TakeLease until %v, want %v", until, c.now().Add(time.Minute))
		}
		return held
	}
	contenders := make(chan bool, 5)
	for n := range cap(contenders) {
		go func() {
			_, held, err := s.TakeLease(t.Context(), string(rune('a'+n)), time.Minute)
			contenders <- held && err == nil
		}()
	}
	held := 0
	for range cap(contenders) {
		if <-contenders {
			held++
		}
	}
	if held != 1 {
		t.Fatalf("%d of 5 servers hold the lease, want 1", held)
	}
	c.add(time.Minute + time.Millisecond)
	if !take("x") || take("y") {
		t.Error("after its end, the lease isn't that of the first server that asks")
	}
	c.add(50 * time.Second)
	if !take("x") {
		t.Error("the owner couldn't renew the lease")
	}
	c.add(50 * time.Second)
	if take("y") {
		t.Error("another server has taken a renewed lease")
	}
	do(t, "DropLease by another", s.DropLease(t.Context(), "y"))
	if take("y") {
		t.Error("a server has dropped the lease of another one")
	}
	do(t, "DropLease", s.DropLease(t.Context(), "x"))
	if !take("y") {
		t.Error("another server couldn't take a dropped lease")
	}
}

// What a receiver was told is unknown from before each try until there's a clear answer.
func TestAttempts(t *testing.T) { onEach(t, testAttempts) }

func testAttempts(t *testing.T, db database) {
	c := newClock()
	s := db.open(t, Config{Now: c.now})
	ctx := t.Context()
	ada := add(t, s, "ada", "", "")
	h := ready(t, s, addHook(t, s, ada.ID, HookWish{}), map[string]string{"p": "online", "gone": ""})
	if !h.Ready {
		t.Fatal("the hook isn't ready after SetTold")
	}
	if got := mustTold(t, s, h); len(got) != 1 || got["p"].State != "online" || got["p"].Unsure {
		t.Fatalf("Told = %+v, want that p is online", got)
	}
	next := c.now().Add(5 * time.Second)
	part := Part{PersonID: "p", State: "away", Body: "{}", Tries: 1, Next: next}
	a := attempt(h, "e1", part)
	want := func(what string, want Told) {
		t.Helper()
		want.PersonID = "p"
		if got := mustTold(t, s, h)["p"]; got != want {
			t.Errorf("%s: Told = %+v, want %+v", what, got, want)
		}
	}
	message := HookMessage{"e1", "away", "{}", 1, next.Truncate(time.Millisecond)}
	do(t, "BeginAttempt", s.BeginAttempt(ctx, a))
	want("while sending", Told{State: "online", Unsure: true, Message: message})
	do(t, "EndAttempt", s.EndAttempt(ctx, a, Outcome{Delivery: Delivery{At: c.now(), Event: "presence.changed", Tries: 1, Status: 404}}))
	want("refused", Told{State: "online", Message: message})
	do(t, "EndAttempt", s.EndAttempt(ctx, a, Outcome{Unclear: true}))
	want("no answer", Told{State: "online", Unsure: true, Message: message})
	if got := mustHook(t, s, h.ID); got.Failures != 2 || !got.FailsSince.Equal(c.now()) {
		t.Errorf("after two failures, health = %+v", got.HookHealth)
	}
	a.Parts[0].Next = time.Time{}
	do(t, "EndAttempt", s.EndAttempt(ctx, a, Outcome{Unclear: true}))
	want("given up", Told{State: "online", Unsure: true, Message: HookMessage{"e1", "away", "", 1, time.Time{}}})
	do(t, "EndAttempt", s.EndAttempt(ctx, attempt(h, "another", part), Outcome{Accepted: true}))
	want("an answer to a replaced message", Told{State: "online", Unsure: true, Message: HookMessage{"e1", "away", "", 1, time.Time{}}})
	do(t, "EndAttempt", s.EndAttempt(ctx, a, Outcome{Accepted: true}))
	want("accepted", Told{State: "away"})
	if got := mustHook(t, s, h.ID); got.Failures != 0 || !got.FailsSince.IsZero() {
		t.Errorf("after a success, health = %+v", got.HookHealth)
	}
	off := attempt(h, "e2", Part{PersonID: "p", Tries: 1})
	do(t, "BeginAttempt", s.BeginAttempt(ctx, off))
	do(t, "DropMessage", s.DropMessage(ctx, aServer, h, "p"))
	want("dropped", Told{State: "away", Unsure: true})
	do(t, "BeginAttempt", s.BeginAttempt(ctx, off))
	do(t, "EndAttempt", s.EndAttempt(ctx, off, Outcome{Accepted: true}))
	if got := mustTold(t, s, h); len(got) != 0 {
		t.Errorf("after p was told to be offline, Told = %+v, want nothing", got)
	}
	do(t, "BeginAttempt", s.BeginAttempt(ctx, a))
	do(t, "EndAttempt", s.EndAttempt(ctx, a, Outcome{}))
	do(t, "EndAttempt", s.EndAttempt(ctx, off, Outcome{Accepted: true, Again: true}))
	want("another message succeeded", Told{Message: HookMessage{"e1", "away", "", 1, c.now().Truncate(time.Millisecond)}})
}

// A delivery begins only by the server that holds the lease, to a hook that hasn't changed, whose owner is enabled.
func TestBeginAttempt(t *testing.T) { onEach(t, testBeginAttempt) }

func testBeginAttempt(t *testing.T, db database) {
	c := newClock()
	s := db.open(t, Config{Now: c.now})
	ctx := t.Context()
	ada, bob := add(t, s, "ada", "", "Ops"), add(t, s, "bob", "", "")
	h := addHook(t, s, ada.ID, HookWish{About: AboutOnePerson, PersonID: bob.ID})
	try := func(what string, h Hook, owner string, want error) {
		t.Helper()
		a := attempt(h, "e", Part{PersonID: bob.ID, State: "away", Tries: 1})
		a.Owner = owner
		for name, err := range map[string]error{
			"BeginAttempt": s.BeginAttempt(ctx, a), "DropMessage": s.DropMessage(ctx, owner, h, bob.ID),
			"SetTold": s.SetTold(ctx, owner, h, map[string]string{bob.ID: "dnd"}),
		} {
			if !errors.Is(err, want) {
				t.Errorf("%s %s = %v, want %v", name, what, err, want)
			}
		}
	}
	try("without a lease", h, aServer, ErrNotOurs)
	h = ready(t, s, h, nil)
	try("with the lease", h, aServer, nil)
	try("by another server", h, "server-2", ErrNotOurs)
	old := h
	do(t, "ChangeHook", s.ChangeHook(ctx, ada.ID, h.ID, wish(HookWish{About: AboutOnePerson, PersonID: bob.ID, URL: "https://b.example"})))
	try("to the previous address", old, aServer, ErrNotOurs)
	h = mustHook(t, s, h.ID)
	if got := mustTold(t, s, h); len(got) != 0 || h.Ready {
		t.Errorf("after a change of the address, Told = %+v and ready is %t, want nothing, and false", got, h.Ready)
	}
	try("to the new address", h, aServer, nil)
	rev := mustRev(t, s)
	do(t, "SetDisabled", s.SetDisabled(ctx, ada.ID, true))
	if c, err := s.Changes(ctx, rev); err != nil || !c.Hooks {
		t.Errorf("Changes after SetDisabled = %+v, %v, want that hooks have changed", c, err)
	}
	try("of a disabled owner", h, aServer, ErrNotOurs)
	if active, err := s.ActiveHooks(ctx); err != nil || len(active) != 0 {
		t.Errorf("ActiveHooks of a disabled owner = %+v, %v, want none", active, err)
	}
	do(t, "SetDisabled", s.SetDisabled(ctx, ada.ID, false))
	try("of an enabled owner", h, aServer, nil)
	do(t, "PauseHook", s.PauseHook(ctx, ada.ID, h.ID))
	try("to a paused hook", mustHook(t, s, h.ID), aServer, ErrNotOurs)
	do(t, "StartHook", s.StartHook(ctx, ada.ID, h.ID))
	h = mustHook(t, s, h.ID)
	c.add(time.Hour)
	try("after the lease ended", h, aServer, ErrNotOurs)
}

// Changing the name or the time to settle keeps what was told.
func TestChangeHookKeepsTold(t *testing.T) {
	s := open(t, Config{})
	ada := add(t, s, "ada", "", "Ops")
	for _, tt := range []struct {
		change func(*HookWish)
		keeps  bool
	}{
		{func(w *HookWish) { w.Label, w.Settle = "Another", time.Hour }, true},
		{func(w *HookWish) { w.Texts = true }, false},
		{func(w *HookWish) { w.Format = HookSlack }, false},
		{func(w *HookWish) { w.About, w.Team = AboutOneTeam, "Ops" }, false},
		{func(w *HookWish) { w.URL = "https://b.example" }, false},
	} {
		h := ready(t, s, addHook(t, s, ada.ID, HookWish{}), map[string]string{"p": "online"})
		w := h.HookWish
		tt.change(&w)
		do(t, "ChangeHook", s.ChangeHook(t.Context(), ada.ID, h.ID, w))
		got := mustHook(t, s, h.ID)
		if kept := len(mustTold(t, s, h)) == 1; kept != tt.keeps || got.Ready != tt.keeps || got.HookWish != w {
			t.Errorf("after %+v, told is kept: %t, ready: %t, want both %t", w, kept, got.Ready, tt.keeps)
		}
	}
}

// An account that is deleted takes its hooks along, stops hooks about it, and no message about it is left.
func TestHooksOfDeleted(t *testing.T) { onEach(t, testHooksOfDeleted) }

func testHooksOfDeleted(t *testing.T, db database) {
	s := db.open(t, Config{})
	ctx := t.Context()
	ada, bob := add(t, s, "ada", "", "Ops"), add(t, s, "bob", "", "Ops")
	own := addHook(t, s, bob.ID, HookWish{})
	about := ready(t, s, addHook(t, s, ada.ID, HookWish{About: AboutOnePerson, PersonID: bob.ID}), map[string]string{bob.ID: "dnd"})
	all := ready(t, s, addHook(t, s, ada.ID, HookWish{}), map[string]string{bob.ID: "dnd"})
	for _, h := range []Hook{about, all} {
		do(t, "BeginAttempt", s.BeginAttempt(ctx, attempt(h, "e", Part{PersonID: bob.ID, State: "away", Body: "Bob", Tries: 1})))
	}
	rev := mustRev(t, s)
	do(t, "Delete", s.Delete(ctx, bob.ID))
	if c, err := s.Changes(ctx, rev); err != nil || !c.Hooks {
		t.Errorf("Changes after Delete = %+v, %v, want that hooks have changed", c, err)
	}
	wantErr(t, "Hook", second(s.Hook(ctx, "", own.ID)), ErrNoHook)
	if got := mustHook(t, s, about.ID); got.Stopped != HookPersonLeft || got.PersonID != "" || len(mustTold(t, s, about)) != 0 {
		t.Errorf("the hook about a deleted person is %+v, told %+v, want it stopped and told forgotten", got, mustTold(t, s, about))
	}
	wantField(t, "StartHook", s.StartHook(ctx, ada.ID, about.ID), "person")
	if got := mustTold(t, s, all)[bob.ID]; got != (Told{PersonID: bob.ID, State: "dnd", Unsure: true}) {
		t.Errorf("Told of a deleted person = %+v, want no message", got)
	}
}

// Hooks about a team follow it to its new name, and to the team that it becomes a part of.
func TestHooksOfTeam(t *testing.T) { onEach(t, testHooksOfTeam) }

func testHooksOfTeam(t *testing.T, db database) {
	s := db.open(t, Config{})
	ctx := t.Context()
	ada, bob := add(t, s, "ada", "", "Ops"), add(t, s, "bob", "", "Dev")
	h := ready(t, s, addHook(t, s, ada.ID, HookWish{About: AboutOneTeam, Team: "OPS"}), map[string]string{ada.ID: "dnd"})
	do(t, "RenameTeam", second(s.RenameTeam(ctx, "Ops", "Operations")))
	got := mustHook(t, s, h.ID)
	moved, err := s.UserByID(ctx, ada.ID)
	do(t, "UserByID", err)
	if got.Team != "Operations" || !got.Covers(moved.Person) || got.Covers(bob.Person) || !got.Ready {
		t.Errorf("after RenameTeam, the hook is %+v", got)
	}
	do(t, "RenameTeam", second(s.RenameTeam(ctx, "Operations", "Dev")))
	if got = mustHook(t, s, h.ID); !got.Covers(bob.Person) || got.Ready {
		t.Errorf("after a merge, the hook is %+v, want it about Dev and not ready", got)
	}
	about, err := s.HooksAbout(ctx, bob.Person)
	if err != nil || len(about) != 1 || about[0].Owner.ID != ada.ID {
		t.Errorf("HooksAbout = %+v, %v, want that of ada", about, err)
	}
	do(t, "RenameTeam", second(s.RenameTeam(ctx, "Dev", "")))
	if got = mustHook(t, s, h.ID); got.Covers(Person{}) {
		t.Errorf("after its team was deleted, the hook %+v covers people without a team", got)
	}
}

// Deliveries are listed for a day, at most MaxDeliveries of a hook, and never tell when one person came or left.
func TestDeliveries(t *testing.T) { onEach(t, testDeliveries) }

func testDeliveries(t *testing.T, db database) {
	c := newClock()
	s := db.open(t, Config{Now: c.now})
	ctx := t.Context()
	ada, bob := add(t, s, "ada", "", ""), add(t, s, "bob", "", "")
	h := addHook(t, s, ada.ID, HookWish{})
	for n := range MaxDeliveries + 3 {
		do(t, "AddTest", s.AddTest(ctx, h, Delivery{At: c.now(), Event: TestEvent, Tries: n}))
	}
	all, err := s.Deliveries(ctx, h.ID)
	if err != nil || len(all) != MaxDeliveries || all[0].Tries != MaxDeliveries+2 {
		t.Fatalf("Deliveries = %d, %v, want the latest %d", len(all), err, MaxDeliveries)
	}
	one := addHook(t, s, ada.ID, HookWish{About: AboutOnePerson, PersonID: bob.ID})
	change := Delivery{At: c.now(), Event: "presence.changed", Tries: 1, Status: 200, Took: 84 * time.Millisecond}
	do(t, "EndAttempt", s.EndAttempt(ctx, attempt(one, "e"), Outcome{Delivery: change, Accepted: true}))
	all, err = s.Deliveries(ctx, one.ID)
	change.At = change.At.Truncate(24 * time.Hour)
	if err != nil || !slices.Equal(all, []Delivery{change}) {
		t.Errorf("Deliveries = %+v, %v, want %+v", all, err, change)
	}
	c.add(DeliveryAge)
	do(t, "Prune", s.Prune(ctx))
	all, err = s.Deliveries(ctx, h.ID)
	if err != nil || len(all) != 0 {
		t.Errorf("Deliveries after a day = %+v, %v, want none", all, err)
	}
	wantErr(t, "AddTest", s.AddTest(ctx, Hook{ID: "none"}, Delivery{}), ErrNoHook)
}
