package handlers

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"rollcall/accounts"
)

// byMenu makes b send its requests like an open account menu.
func (b *browser) byMenu() *browser {
	b.header.Set("HX-Request", "true")
	return b
}

func TestSetStatus(t *testing.T) {
	f := newFixture(t)
	ada := f.member("ada")
	before := f.user("ada")
	a := ada.do("POST", "/me/status",
		url.Values{"state": {"dnd"}, "text": {"  Deep <b>work "}, "emoji": {"🎧"}, "lasts": {"30m"}})
	wantRedirect(t, "POST /me/status", a, "/me?done=set")
	after := f.user("ada")
	left := time.Until(after.Status.Until)
	if w := after.Status; w.State != "dnd" || w.Text != "Deep <b>work" || w.Emoji != "🎧" || left > 30*time.Minute ||
		left < 29*time.Minute {
		t.Errorf("the status is %+v, want the typed one for 30 min", w)
	}
	if after.Rev != before.Rev+1 {
		t.Errorf("setting a status took %d revisions, want 1 for state and text together", after.Rev-before.Rev)
	}
	body := ada.get("/me?done=set").body
	for _, want := range []string{
		`<p id="me-said" role="status">Status updated.</p>`, `id="show-dnd" aria-pressed="true"`,
		`<b><bdi>Deep &lt;b&gt;work</bdi></b>`,
		`Ends <time class="end" datetime="` + after.Status.Until.Format(time.RFC3339) + `"`, `name="clear"`,
		`aria-label="Remove 🎧 Deep &lt;b&gt;work"`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("GET /me has no %s:\n%s", want, body)
		}
	}
	if body := ada.get("/me?done=deleted+by+an+attacker").body; !strings.Contains(body, `role="status"></p>`) ||
		strings.Contains(body, "attacker") {
		t.Errorf("GET /me?done= shows text from the address:\n%s", body)
	}
	wantRedirect(t, "clear", ada.do("POST", "/me/status",
		url.Values{"state": {"away"}, "text": {"typed"}, "clear": {"yes"}}), "/me?done=cleared")
	if w := f.user("ada").Status; w != (accounts.Status{}) {
		t.Errorf("after clearing, the status is %+v, want none", w)
	}
	wantRedirect(t, "set nothing", ada.do("POST", "/me/status", url.Values{}), "/me?done=cleared")
	// The time passed while the menu was open.
	ended := url.Values{"state": {""}, "text": {" "}, "lasts": {"at"}, "at": {"2020-01-01T10:00"}}
	wantRedirect(t, "set nothing, until a time that has passed", ada.do("POST", "/me/status", ended), "/me?done=cleared")
}

// For the menu, the response is the current panel and not a page.
func TestSetStatusByMenu(t *testing.T) {
	f := newFixture(t)
	ada := f.member("ada").byMenu()
	a := ada.do("POST", "/me/status", url.Values{"state": {"away"}, "text": {"Lunch"}})
	wantStatus(t, "POST /me/status", a, http.StatusOK)
	for _, want := range []string{`id="show-away" aria-pressed="true"`, `<bdi>Lunch</bdi></b>`,
		`<hx-partial id="me-said">Status updated.</hx-partial>`} {
		if !strings.Contains(a.body, want) {
			t.Errorf("the response has no %s:\n%s", want, a.body)
		}
	}
	if strings.Contains(a.body, "<html") {
		t.Errorf("the response is a page:\n%s", a.body)
	}
	if a = ada.get("/me/panel"); strings.Contains(a.body, "Status updated.") ||
		!strings.Contains(a.body, `<bdi>Lunch</bdi></b>`) {
		t.Errorf("GET /me/panel = %s, want the current status and no message", a.body)
	}
}

// An invalid status is refused with a message beside the field, and the form keeps what was typed.
func TestWrongStatus(t *testing.T) {
	f := newFixture(t)
	ada := f.member("ada")
	long := strings.Repeat("ä", 141)
	for _, tt := range []struct {
		name, field, says string
		form              url.Values
	}{
		{"unknown state", "status-state", "Choose", url.Values{"state": {"asleep"}}},
		{"offline", "status-state", "Choose", url.Values{"state": {"offline"}}},
		{"a text that is too long", "status-text", "140", url.Values{"text": {long}}},
		{"a huge text", "status-text", "140", url.Values{"text": {strings.Repeat("x", 50_000)}}},
		{"a text of two lines", "status-text", "", url.Values{"text": {"a\nb"}}},
		{"a text that isn't UTF-8", "status-text", "", url.Values{"text": {"a\xff\x00b"}}},
		{"a word instead of an emoji", "status-emoji", "one emoji", url.Values{"emoji": {"hi"}, "text": {"Lunch"}}},
		{"two emoji", "status-emoji", "one emoji", url.Values{"emoji": {"🎧🎧"}}},
		{"a tag instead of an emoji", "status-emoji", "one emoji", url.Values{"emoji": {"<img src=x>"}}},
		{"unknown end", "status-until", "from the list", url.Values{"state": {"away"}, "lasts": {"5y"}}},
		{"a missing time", "status-until", "Enter a date", url.Values{"state": {"away"}, "lasts": {"at"}}},
		{"an invalid time", "status-until", "Enter a date",
			url.Values{"state": {"away"}, "lasts": {"at"}, "at": {"<b>soon"}}},
		{"a time that has passed", "status-until", "future",
			url.Values{"state": {"away"}, "lasts": {"at"}, "at": {"2020-01-01T10:00"}}},
		{"a time too far ahead", "status-until", "within a year",
			url.Values{"state": {"away"}, "lasts": {"at"}, "at": {"2199-01-01T10:00"}}},
	} {
		for _, menu := range []string{"", "true"} {
			ada.header.Set("HX-Request", menu)
			a := ada.do("POST", "/me/status", tt.form)
			wantStatus(t, tt.name, a, http.StatusUnprocessableEntity)
			said := regexp.MustCompile(`<p class="wrong" id="([^"]*)-error">([^<]*)</p>`).FindAllStringSubmatch(a.body, -1)
			if len(said) != 1 || said[0][1] != tt.field || !strings.Contains(said[0][2], tt.says) {
				t.Errorf("%s (menu %q): messages %q, want only %q beside %s", tt.name, menu, said, tt.says, tt.field)
			}
			if got := strings.Contains(a.body, "<html"); got != (menu == "") {
				t.Errorf("%s (menu %q): the response is a page: %v", tt.name, menu, got)
			}
			for _, field := range []string{"text", "emoji", "at"} {
				want := html.EscapeString(echoed(strings.ReplaceAll(tt.form.Get(field), "\x00", "\uFFFD")))
				if want != "" && !strings.Contains(html.UnescapeString(a.body), `value="`+html.UnescapeString(want)+`"`) {
					t.Errorf("%s (menu %q): %s is not kept:\n%s", tt.name, menu, field, a.body)
				}
			}
		}
	}
	if w := f.user("ada").Status; w != (accounts.Status{}) {
		t.Errorf("the status is %+v, want none", w)
	}
	if presets, err := f.store.Presets(t.Context(), f.uid("ada")); err != nil || len(presets) > 0 {
		t.Errorf("Presets = %v, %v, want none", presets, err)
	}
	ada.header = http.Header{"Accept": {"application/json"}}
	a := ada.do("POST", "/me/status", url.Values{"state": {"asleep"}})
	wantStatus(t, "for a program", a, http.StatusUnprocessableEntity)
	if got := a.Header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("the response to a program is %s, want application/problem+json", got)
	}
}

// What people type into the panel stays text, in the form and in their row.
func TestTypedStatusStaysText(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(cfg *Config) { cfg.Limiters.Members = unlimited{} })
	ada := f.member("ada")
	for _, field := range []string{"text", "emoji", "at"} {
		post := func(text string) string {
			return ada.do("POST", "/me/status", url.Values{field: {text}, "state": {"asleep"}, "lasts": {"at"}}).body
		}
		plain, _ := skeleton(post("plain"), field)
		for _, payload := range payloads() {
			got, value := skeleton(post(payload), field)
			if got != plain {
				t.Fatalf("POST /me/status with %s=%q changes the page:\n%s\nwant\n%s", field, payload, got, plain)
			}
			if want := strings.ReplaceAll(strings.TrimSpace(payload), "\x00", "\uFFFD"); value != want {
				t.Errorf("POST /me/status with %s=%q holds %q, want %q", field, payload, value, want)
			}
		}
	}
	set := func(text string) string {
		t.Helper()
		wantRedirect(t, text, ada.do("POST", "/me/status", url.Values{"text": {text}}), "/me?done=set")
		return ada.get("/me").body + ada.get("/").body
	}
	plain, _ := skeleton(set("plain"), "")
	for _, payload := range []string{`<img src=x onerror=alert(1)>`, `"><script>alert(1)</script>`,
		`</bdi></li><hx-partial id="list">x`, `<title>x</title>`} {
		for _, old := range f.presets("ada") {
			if err := f.store.ForgetPreset(acting(t.Context()), f.uid("ada"), old.ID); err != nil {
				t.Fatal(err)
			}
		}
		if got, _ := skeleton(set(payload), ""); got != plain {
			t.Errorf("the text %q changes the pages:\n%s\nwant\n%s", payload, got, plain)
		}
	}
}

func (f *fixture) presets(name string) []accounts.Preset {
	f.t.Helper()
	presets, err := f.store.Presets(f.t.Context(), f.uid(name))
	if err != nil {
		f.t.Fatal(err)
	}
	return presets
}

func TestPresets(t *testing.T) {
	f := newFixture(t)
	ada, bob := f.member("ada"), f.member("bob")
	body := ada.get("/me").body
	if strings.Count(body, `class="quick"`) != len(suggestions) || strings.Contains(body, `class="forget"`) {
		t.Errorf("a person who has set nothing gets\n%s\nwant suggestions without a Forget button", body)
	}
	for _, s := range suggestions {
		wantRedirect(t, s.ID, bob.do("POST", "/me/status", url.Values{"preset": {s.ID}}), "/me?done=set")
		if w := f.user("bob").Status; w.State != s.State || w.Text != s.Text || w.Emoji != s.Emoji ||
			w.Until.IsZero() != (s.Lasts == "") {
			t.Errorf("the suggestion %s sets %+v", s.ID, w)
		}
	}
	if got := len(f.presets("bob")); got != len(suggestions) {
		t.Errorf("bob has %d presets, want the %d he used", got, len(suggestions))
	}
	if body := bob.get("/me").body; strings.Count(body, `class="quick"`) != len(suggestions) ||
		strings.Contains(body, `class="forget"`) {
		t.Errorf("a person who used every suggestion gets\n%s\nwant them to stay suggestions", body)
	}
	ada.do("POST", "/me/status", url.Values{"state": {"dnd"}, "text": {"Writing"}, "emoji": {"✍️"}, "lasts": {"4h"}})
	ada.do("POST", "/me/status", url.Values{"clear": {"yes"}})
	own := f.presets("ada")[0]
	body = ada.get("/me").body
	first := strings.Index(body, `id="me-use-`+own.ID+`"`)
	if lunch := strings.Index(body, `id="me-use-lunch"`); first < 0 || lunch < first ||
		strings.Count(body, `class="quick"`) != len(suggestions) {
		t.Errorf("the panel offers\n%s\nwant the own preset, then suggestions", body)
	}
	wantRedirect(t, "own preset", ada.do("POST", "/me/status", url.Values{"preset": {own.ID}, "text": {"ignored"}}),
		"/me?done=set")
	w, left := f.user("ada").Status, time.Until(f.user("ada").Status.Until)
	if w.State != "dnd" || w.Text != "Writing" || w.Emoji != "✍️" || left < 239*time.Minute || left > 240*time.Minute {
		t.Errorf("the preset set %+v, want the whole status for 4 h", w)
	}
	for _, id := range []string{f.presets("bob")[0].ID, "", "nonsense", strings.Repeat("x", 5000)} {
		a := ada.do("POST", "/me/status", url.Values{"preset": {id}})
		wantStatus(t, fmt.Sprintf("preset %.20q", id), a, http.StatusNotFound)
	}
	wantRedirect(t, "forget bob's", ada.do("POST", "/me/presets/forget", url.Values{"preset": {f.presets("bob")[0].ID}}),
		"/me?done=forgotten")
	if got := len(f.presets("bob")); got != len(suggestions) {
		t.Errorf("bob has %d presets after ada tried to delete one, want %d", got, len(suggestions))
	}
	a := ada.byMenu().do("POST", "/me/presets/forget", url.Values{"preset": {own.ID}})
	wantStatus(t, "forget", a, http.StatusOK)
	if len(f.presets("ada")) != 0 || !strings.Contains(a.body, "Forgotten.") ||
		strings.Contains(a.body, `class="forget"`) {
		t.Errorf("after forgetting, ada has the presets %v and gets\n%s", f.presets("ada"), a.body)
	}
}

// A day ends at midnight in the person's time zone: the one they chose, or else their browser's.
func TestZone(t *testing.T) {
	f := newFixture(t)
	ada := f.member("ada")
	if body := ada.get("/").body; !strings.Contains(body, ` data-zone="/me/zone"`) {
		t.Errorf("the board doesn't ask for the unknown time zone:\n%s", body)
	}
	for _, guess := range []string{"", "Nowhere/Else", "../etc/passwd", strings.Repeat("A", 9999)} {
		wantStatus(t, guess, ada.do("POST", "/me/zone", url.Values{"zone": {guess}}), http.StatusNoContent)
		if got := f.user("ada").TimeZone; got != "" {
			t.Fatalf("the guess %q was stored as %q", guess, got)
		}
	}
	ada.do("POST", "/me/status", url.Values{"state": {"away"}, "lasts": {"today"}, "zone": {"Pacific/Auckland"}})
	zone := accounts.Zone("Pacific/Auckland")
	if u := f.user("ada"); u.TimeZone != "Pacific/Auckland" || u.Status.Until.In(zone).Format("15:04") != "00:00" {
		t.Errorf("zone %q, end of the day %v, want midnight in Auckland", u.TimeZone, u.Status.Until.In(zone))
	}
	wantStatus(t, "another guess", ada.do("POST", "/me/zone", url.Values{"zone": {"Europe/Berlin"}}), http.StatusNoContent)
	at := time.Now().In(zone).Add(48 * time.Hour)
	ada.do("POST", "/me/status",
		url.Values{"state": {"away"}, "lasts": {"at"}, "at": {at.Format(atLayout)}, "zone": {"Europe/Berlin"}})
	if u := f.user("ada"); u.TimeZone != "Pacific/Auckland" || !u.Status.Until.Equal(at.Truncate(time.Minute)) {
		t.Errorf("zone %q, end %v, want %v in Auckland: a guess doesn't replace a known zone", u.TimeZone, u.Status.Until, at)
	}
	body := ada.get("/me?change=yes").body
	offer := strings.Count(body, `name="zone"`) // only in the offer of another zone
	if strings.Contains(body, ` data-zone="/me/zone"`) || offer != 1 ||
		!strings.Contains(body, `value="`+at.Format(atLayout)+`"`) {
		t.Errorf("GET /me with a known zone:\n%s", body)
	}
}
