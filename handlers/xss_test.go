package handlers

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"rollcall/accounts"
)

// payloads returns common attacks with markup: each piece of markup in each context.
func payloads() []string {
	markup := []string{
		`<script>alert(1)</script>`, `<img src=x onerror=alert(1)>`, `<svg onload=alert(1)>`,
		`<svg><script>alert(1)</script></svg>`,
		`<body onload=alert(1)>`, `<iframe src="javascript:alert(1)">`, `<a href="javascript:alert(1)">x</a>`,
		`<details open ontoggle=alert(1)>`,
		`<math><mi xlink:href="javascript:alert(1)">`, `<hx-partial id="list" hx-swap="outerMorph">x</hx-partial>`,
		`<div hx-get="/x" hx-trigger="load">`,
		`<form action="https://evil.example"><input name=password>`, `<base href="https://evil.example/">`,
		`<meta http-equiv=refresh content="0;url=//evil.example">`,
		`<link rel=stylesheet href=//evil.example>`, `<style>*{background:url(//evil.example)}</style>`, `{{.}}`,
		`{{printf "%s" .}}`, `${alert(1)}`, `javascript:alert(1)`,
		`&lt;script&gt;alert(1)&lt;/script&gt;`, `&#60;script&#62;`, "\u202e\u2066<script>", "<scr\x00ipt>alert(1)</script>",
		`<!--><script>alert(1)</script-->`,
	}
	contexts := []string{"%s", `"%s`, `">%s`, `'>%s`, `" autofocus onfocus=alert(1) x="%s`, "`%s",
		`</textarea></title></style></script>%s`, `--> %s <!--`}
	var all []string
	for _, context := range contexts {
		for _, m := range markup {
			all = append(all, fmt.Sprintf(context, m))
		}
	}
	return all
}

// samples returns some of payloads, with each markup in one context and each context around several. Escaping depends
// on the place in the template, so a place needs each of both, but not each with each.
func samples() []string {
	all := payloads()
	markup := len(all) / 8
	var some []string
	for i := range markup {
		some = append(some, all[i%8*markup+i])
	}
	return some
}

// What people type stays text: the page has the same elements and attributes as with a plain name, and the field holds
// exactly what was typed.
func TestTypedTextStaysText(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	all := payloads()
	if len(all) < 200 {
		t.Fatalf("%d payloads, want 200", len(all))
	}
	forms := []struct{ path, field string }{{"/login", "username"}, {"/signup", "username"}, {"/signup", "display_name"},
		{"/signup", "password"}}
	for _, form := range forms {
		post := func(text string) string {
			// Without both a username and a password, nothing is hashed and nobody is signed in.
			return f.browser().do("POST", form.path, url.Values{form.field: {text}}).body
		}
		var plain []string // with and without a message about the field
		for _, text := range []string{"no name", "\u202e", "\u202e and more"} {
			page, _ := skeleton(post(text), form.field)
			plain = append(plain, page)
		}
		for _, payload := range all {
			got, value := skeleton(post(payload), form.field)
			if !slices.Contains(plain, got) {
				t.Fatalf("POST %s with %s=%q changes the page:\n%s\nwant one of\n%s", form.path, form.field, payload, got, plain)
			}
			want := strings.ReplaceAll(strings.TrimSpace(payload), "\x00", "\uFFFD")
			if form.field == "password" && strings.Contains(payload, "\x00") {
				want = "" // a field can't hold it
			}
			if value != want {
				t.Errorf("POST %s with %s=%q holds %q, want %q", form.path, form.field, payload, value, want)
			}
		}
	}
	for _, payload := range all {
		body := f.browser().get("/login?next=" + url.QueryEscape(payload)).body
		if strings.Contains(body, "alert(1)") || strings.Contains(body, "evil.example") {
			t.Errorf("GET /login?next=%q holds it:\n%s", payload, body)
		}
	}
}

// The same in the settings. Each form also has another invalid field, so that it's always refused.
func TestTypedSettingsStayText(t *testing.T) {
	t.Parallel()
	open := newFixture(t)
	fixed := newFixture(t, func(cfg *Config) { cfg.Fixed.Teams = accounts.TeamsFixed })
	for _, form := range []struct {
		f           *fixture
		path, field string
		rest        url.Values
	}{
		{fixed, "/settings/profile", "display_name", url.Values{"team": {"other"}}},
		{open, "/settings/profile", "team", url.Values{"display_name": {"\u202e"}}},
		{open, "/settings/presence", "time_zone", url.Values{"last_seen": {"none"}}},
		{open, "/settings/presence", "idle_minutes", url.Values{"last_seen": {"none"}}},
		{open, "/settings/delete", "username", url.Values{"password": {goodPassword}}},
	} {
		name := "member" + strings.ReplaceAll(form.field, "_", "") + string(form.path[10])
		ada := form.f.member(name)
		post := func(text string) string {
			form.f.server.limiters = Limiters{}.orMemory() // there are more payloads than changes allowed per minute
			form.rest.Set(form.field, text)
			a := ada.do("POST", form.path, form.rest)
			if a.StatusCode != 422 && a.StatusCode != 403 {
				t.Fatalf("POST %s with %s=%q = %d, want a refusal", form.path, form.field, text, a.StatusCode)
			}
			return a.body
		}
		// Another form before the tested one has an input with the same name, for password managers.
		field := form.field
		part := func(page string) string {
			if field == "username" {
				_, page, _ = strings.Cut(page, `<details class="danger"`)
			}
			return page
		}
		plain, _ := skeleton(part(post("no name")), field)
		for _, payload := range samples() {
			got, value := skeleton(part(post(payload)), field)
			if got != plain {
				t.Fatalf("POST %s with %s=%q changes the page:\n%s\nwant\n%s", form.path, field, payload, got, plain)
			}
			if want := strings.ReplaceAll(strings.TrimSpace(payload), "\x00", "\uFFFD"); value != want {
				t.Errorf("POST %s with %s=%q holds %q, want %q", form.path, field, payload, value, want)
			}
		}
	}
}

// The same in the administration: in its forms, and in what people are called, teams, notes and labels.
func TestTypedAdministrationStaysText(t *testing.T) {
	t.Parallel()
	f, back := proofFixture(t, func(cfg *Config) { cfg.Limits.Acts = 0 })
	boss, old := f.boss("boss"), f.oldBoss(back, "old")
	f.person("ada")
	for _, form := range []struct {
		by          *browser
		path, field string
		rest        url.Values
	}{
		{boss, "/admin/people/ada", "team", url.Values{"display_name": {"\u202e"}}},
		{boss, "/admin/people/ada/delete", "confirm_username", url.Values{}},
		{boss, "/admin/invitations", "label", url.Values{"uses": {"0"}}},
		{boss, "/admin/invitations", "uses", url.Values{"days": {"0"}}},
		{boss, "/admin/settings", "board_name", url.Values{"teams": {"none"}}},
		{old, "/admin/people/ada", "team", url.Values{}}, // kept on the page that asks for the password
	} {
		post := func(text string) string {
			form.rest.Set(form.field, text)
			a := form.by.do("POST", form.path, form.rest)
			if a.StatusCode != 422 && a.StatusCode != 403 {
				t.Fatalf("POST %s with %s=%q = %d, want a refusal", form.path, form.field, text, a.StatusCode)
			}
			return a.body
		}
		var plain []string // with and without a message about the field
		for _, text := range []string{"no name", "\u202e"} {
			page, _ := skeleton(post(text), form.field)
			plain = append(plain, page)
		}
		for _, payload := range samples() {
			got, value := skeleton(post(payload), form.field)
			if !slices.Contains(plain, got) {
				t.Fatalf("POST %s with %s=%q changes the page:\n%s\nwant one of\n%s", form.path, form.field, payload, got, plain)
			}
			want := strings.ReplaceAll(strings.TrimSpace(payload), "\x00", "\uFFFD")
			if form.by == old {
				want = strings.ReplaceAll(payload, "\x00", "\uFFFD")
			}
			if value != want {
				t.Errorf("POST %s with %s=%q holds %q, want %q", form.path, form.field, payload, value, want)
			}
		}
	}
}

// What is stored stays text on every page of the administration.
func TestStoredTextStaysTextForAdministrators(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	boss := f.boss("boss")
	paths := []string{"/admin/people", "/admin/people/ada", "/admin/people/eve", "/admin/teams", "/admin/invitations", "/admin/log", "/admin/settings"}
	ctx := accounts.As(t.Context(), accounts.ByUser(f.uid("boss")))
	f.person("ada")
	shapes := func(text string) (all []string) {
		t.Helper()
		eve, _, err := f.store.SignUp(acting(t.Context()), accounts.NewUser{Username: "eve", DisplayName: text, PasswordHash: goodHash},
			accounts.Joining{Approval: true, Note: text})
		if err == nil {
			err = f.store.SetProfile(ctx, f.uid("ada"), text, text, true)
		}
		if err != nil {
			return nil // names can't have these characters
		}
		_, made, err := f.store.Invite(ctx, accounts.NewInvitation{Label: text, Team: text, Uses: 1, Age: day})
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			a := boss.get(path)
			wantStatus(t, "GET "+path, a, 200)
			shape, _ := skeleton(a.body, "")
			tags := strings.Split(shape, "<") // names have an order
			slices.Sort(tags)
			all = append(all, strings.Join(tags, "<"))
		}
		for _, target := range []string{"/admin/team?name=" + url.QueryEscape(text), "/admin/people?team=" + url.QueryEscape(text),
			"/admin/people?q=" + url.QueryEscape(text[:min(len(text), 50)]), "/admin/log?person=" + url.QueryEscape(text)} {
			shape, _ := skeleton(boss.get(target).body, "")
			if strings.Contains(shape, "onerror") || strings.Contains(shape, "<iframe") || strings.Contains(shape, "hx-partial") {
				t.Errorf("GET %s has other elements:\n%s", target, shape)
			}
		}
		for _, err := range []error{f.store.Revoke(ctx, made.ID), f.store.Decline(ctx, eve.ID)} {
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := f.store.SetProfile(accounts.As(t.Context(), accounts.ByUser(f.uid("ada"))), f.uid("ada"), "Ada", "", true); err != nil {
			t.Fatal(err)
		}
		return all
	}
	log := slices.Index(paths, "/admin/log") // grows
	tried := 0
	plain := shapes("a plain name")
	for _, payload := range samples() {
		if len(payload) > 60 {
			continue
		}
		got := shapes(payload)
		if got == nil {
			continue
		}
		tried++
		for i, path := range paths {
			if i == log || path == "/admin/people/ada" {
				if strings.Contains(got[i], "onerror") || strings.Contains(got[i], "<iframe") {
					t.Errorf("%q changes %s:\n%s", payload, path, got[i])
				}
			} else if got[i] != plain[i] {
				t.Fatalf("%q changes %s:\n%s\nwant\n%s", payload, path, got[i], plain[i])
			}
		}
	}
	if tried < 15 {
		t.Errorf("%d payloads could be names, want 15", tried)
	}
}

// skeleton returns the page without its text: the elements and the names of their attributes. value is the field's
// value.
func skeleton(page, field string) (shape, value string) {
	var b strings.Builder
	z := html.NewTokenizer(strings.NewReader(page))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return b.String(), value
		case html.StartTagToken, html.SelfClosingTagToken:
			token := z.Token()
			b.WriteString("<" + token.Data)
			mine := false
			for _, a := range token.Attr {
				mine = mine || a.Key == "name" && a.Val == field
			}
			for _, a := range token.Attr {
				b.WriteString(" " + a.Key)
				if mine && a.Key == "value" {
					value = a.Val
				}
			}
			b.WriteString(">")
		case html.EndTagToken:
			b.WriteString("</" + z.Token().Data + ">")
		}
	}
}
