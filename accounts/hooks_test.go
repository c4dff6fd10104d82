package accounts

import (
	"cmp"
	"context"
	"net/url"
	"strings"
	"testing"
	"time"
)

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
