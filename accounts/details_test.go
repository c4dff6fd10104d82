package accounts

import (
	"context"
	"slices"
	"strings"
	"testing"
)

func TestDetails(t *testing.T) { onEach(t, testDetails) }

func testDetails(t *testing.T, db database) {
	s := db.open(t, Config{})
	u := add(t, s, "ada", "", "")
	before := mustRev(t, s)
	do(t, "SetDetails", setDetails(t.Context(), s, u.ID, Details{
		Pronouns: "  she /  her ", Contacts: []string{"ada@example.org", "", "0431 / 12 34", "ada@example.org"},
		NoAlerts: true,
	}))
	got, err := s.Details(t.Context(), u.ID)
	if err != nil || got.Pronouns != "she / her" ||
		!slices.Equal(got.Contacts, []string{"mailto:ada@example.org", "tel:04311234"}) || got.ShareTime || !got.NoAlerts {
		t.Errorf("Details = %+v, %v", got, err)
	}
	do(t, "SetDetails again", setDetails(t.Context(), s, u.ID, got))
	if rev := mustRev(t, s); rev != before+1 {
		t.Errorf("rev after SetDetails = %d, want %d", rev, before+1)
	}
	many := []string{"tel:123", "tel:124", "tel:125", "tel:126", "tel:127", "tel:128"}
	for what, d := range map[string]Details{
		"pronouns": {Pronouns: strings.Repeat("x", maxPronouns+1)}, "pronouns ": {Pronouns: "he\u202e"},
		"contacts":  {Contacts: many},
		"contacts ": {Contacts: []string{"javascript:alert(1)"}},
	} {
		wantField(t, "SetDetails", setDetails(t.Context(), s, u.ID, d), strings.TrimSpace(what))
	}
	err = setDetails(t.Context(), s, u.ID, Details{Pronouns: "\x00", Contacts: many})
	if wrong := WrongFields(err); len(wrong) != 2 {
		t.Errorf("SetDetails with two wrong fields = %v, want both", err)
	}
	if again, err := s.Details(t.Context(), u.ID); err != nil || again.Pronouns != got.Pronouns {
		t.Errorf("Details after refusals = %+v, %v, want %+v", again, err, got)
	}
	do(t, "SetDetails", setDetails(t.Context(), s, u.ID,
		Details{Pronouns: strings.Repeat("é", maxPronouns), Contacts: many[:5]}))
	wantErr(t, "SetDetails(nobody)", setDetails(t.Context(), s, "nobody", Details{}), ErrNotFound)
	_, err = s.Details(t.Context(), "nobody")
	wantErr(t, "Details(nobody)", err, ErrNotFound)
}

// Others get the zone of a person who shares it, also one that is guessed later.
func TestSharedZone(t *testing.T) { onEach(t, testSharedZone) }

func testSharedZone(t *testing.T, db database) {
	s := db.open(t, Config{})
	u := add(t, s, "ada", "", "")
	zone := func() string {
		t.Helper()
		people, _, err := s.People(t.Context(), PeopleQuery{})
		do(t, "People", err)
		byID, err := s.PeopleByID(t.Context(), []string{u.ID})
		do(t, "PeopleByID", err)
		user, err := s.UserByID(t.Context(), u.ID)
		if err != nil || user.Zone != people[0].Zone || byID[0].Zone != people[0].Zone {
			t.Errorf("UserByID = %+v, %v, PeopleByID = %+v, want the zone %q", user, err, byID, people[0].Zone)
		}
		return people[0].Zone
	}
	do(t, "SetDetails", setDetails(t.Context(), s, u.ID, Details{ShareTime: true}))
	if got := zone(); got != "" {
		t.Errorf("zone while unknown = %q, want none", got)
	}
	rev := mustRev(t, s)
	do(t, "GuessTimeZone", s.GuessTimeZone(t.Context(), u.ID, "Asia/Kolkata"))
	if got := zone(); got != "Asia/Kolkata" || mustRev(t, s) != rev+1 {
		t.Errorf("zone after a guess = %q at rev %d, want Asia/Kolkata at %d", got, mustRev(t, s), rev+1)
	}
	do(t, "GuessTimeZone", s.GuessTimeZone(t.Context(), u.ID, "Europe/Paris"))
	do(t, "GuessTimeZone(nobody)", s.GuessTimeZone(t.Context(), "nobody", "Europe/Paris"))
	if got := zone(); got != "Asia/Kolkata" || mustRev(t, s) != rev+1 {
		t.Errorf("zone after another guess = %q, want the first one and no rev", got)
	}
	do(t, "SetDetails", setDetails(t.Context(), s, u.ID, Details{}))
	if got := zone(); got != "" {
		t.Errorf("zone after sharing it ended = %q, want none", got)
	}
}

func TestParseContact(t *testing.T) {
	for typed, want := range map[string]string{
		"ada@example.org": "mailto:ada@example.org", "MAILTO:a.b+c@x-y.example.org": "mailto:a.b+c@x-y.example.org",
		"+49 (431) 12-34": "tel:+494311234", "tel:+1.555.010": "tel:+1555010", "0431/99": "tel:043199",
		"sip:ada@pbx.example.org:5060": "sip:ada@pbx.example.org:5060", "xmpp:ada@example.org": "xmpp:ada@example.org",
		"@ada:example.org": "matrix:u/ada:example.org", "matrix:r/room:example.org": "matrix:r/room:example.org",
		"https://Chat.example.org/dm/ada?x=1#a": "https://chat.example.org/dm/ada?x=1#a",
		"zulip.example.org/#narrow/dm":          "https://zulip.example.org/#narrow/dm",
		"https://example.org/né":                "https://example.org/n%C3%A9",

		"": "", "ada": "", "@ada": "", "12": "", "http://example.org/": "", "javascript:alert(1)": "", "data:text/html,x": "",
		"https://user:pass@example.org/": "", "https://": "", "https:example.org": "", "https://exämple.org/": "",
		"mailto:ada@example.org?bcc=all@example.org": "", "mailto:": "", "tel:+49;ext=1": "", "tel:abc": "", "sip:ada": "",
		"ada@localhost": "", "ada <ada@example.org>": "", "java\nscript:x": "",
		"https://example.org/\"onclick=": "https://example.org/%22onclick=",
		"https://example.org/?q=\"":      "", "https://example.org/" + strings.Repeat("x", 200): "", "vbscript:x": "",
		"HTTPS://example.org:443/x": "https://example.org:443/x",
		"https://example.org/a b":   "https://example.org/a%20b", "file:///etc/passwd": "", "matrix:u/<x>:example.org": "",
	} {
		got, ok := ParseContact(typed)
		if !ok {
			got = ""
		}
		if got != want {
			t.Errorf("ParseContact(%q) = %q, %v, want %q", typed, got, ok, want)
		}
	}
}

func FuzzParseContact(f *testing.F) {
	for _, seed := range []string{"ada@example.org", "+49 1", "https://x.org/", "@a:b.org", "javascript:x", "sip:a@b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		got, ok := ParseContact(typed)
		if !ok {
			return
		}
		scheme, _, _ := strings.Cut(got, ":")
		if !slices.Contains([]string{"mailto", "tel", "sip", "xmpp", "matrix", "https"}, scheme) ||
			strings.ContainsFunc(got, notInURL) || len(got) > maxContact+10 {
			t.Errorf("ParseContact(%q) = %q", typed, got)
		}
		if again, ok := ParseContact(got); !ok || again != got {
			t.Errorf("ParseContact(%q) = %q, %v, want the same", got, again, ok)
		}
	})
}

// setDetails sets all details of a person.
func setDetails(ctx context.Context, s *Store, userID string, d Details) error {
	return s.ChangeDetails(ctx, userID, func(was *Details) error {
		*was = d
		return nil
	})
}
