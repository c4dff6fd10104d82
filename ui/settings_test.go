package ui

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
)

// settingsPage returns the page of a person who has two devices and has changed every setting.
func settingsPage(layout Layout) SettingsPage {
	return SettingsPage{
		Layout: layout, Username: "ada", DisplayName: "Ada", Team: "Red", Teams: []string{"Blue", "Red"}, TeamRule: "open",
		Idle: "minutes", IdleMinutes: "25", UsualIdle: 10 * time.Minute, LastSeen: "exact", TimeZone: "Asia/Tokyo",
		Zones: []string{"Asia/Tokyo"}, Theme: "dark", Announce: true, Email: EmailSettings{Sends: true, Address: "ada@example.org"},
		Linked: []Linked{{Provider: "corp", Name: "Corp", ID: "id", Label: "ada@example.com", Used: time.Now()}, {Name: "Other"}},
		Devices: []Device{
			{ID: "s1", Name: "Firefox on Linux", Address: "192.0.2.1", SignedIn: time.Now(), Used: time.Now(), This: true},
			{ID: "s2", Name: "Safari on iPhone", Address: "192.0.2.2", SignedIn: time.Now(), Used: time.Now()},
		},
	}
}

// settingsPageOf returns a page with the same text in every field.
func settingsPageOf(layout Layout, text string) SettingsPage {
	p := SettingsPage{
		Layout: layout, Failed: ProfileSection, Saved: text, Message: text, Username: text, DisplayName: text, Team: text,
		Teams: []string{text}, TeamRule: text, Idle: text, IdleMinutes: text, LastSeen: text, TimeZone: text,
		Zones: []string{text}, Theme: text, Email: EmailSettings{true, text, text}, Devices: []Device{{ID: text, Name: text, Address: text}},
		Linked:          []Linked{{Provider: text, Name: text, ID: text, Label: text}, {Provider: text, Name: text}},
		ConfirmUsername: text, Errors: map[string]string{},
	}
	for _, fields := range fieldsOf {
		for _, field := range fields {
			p.Errors[field] = text
		}
	}
	return p
}

// A field with an error shows it, also to assistive technology, and has the focus.
func TestSettingsFieldErrors(t *testing.T) {
	u := newUI(t, "")
	for section, fields := range fieldsOf {
		for _, field := range fields {
			p := settingsPage(Layout{})
			p.Failed, p.Errors = section, map[string]string{field: "This is wrong."}
			page := render(t, u, p)
			var invalid, focused, described []string
			each(t, page, func(n *html.Node) {
				for _, a := range n.Attr {
					switch a.Key {
					case "aria-invalid":
						invalid = append(invalid, n.Data)
						described = strings.Fields(attr(n, "aria-describedby"))
					case "autofocus":
						focused = append(focused, attr(n, "id")+attr(n, "name"))
					}
				}
			})
			if len(invalid) != 1 || len(focused) != 1 || len(described) == 0 || described[len(described)-1] != field+"-error" {
				t.Errorf("error in %s: %q are marked, described by %q, and %q have the focus", field, invalid, described, focused)
			}
			message := `<p class="wrong" id="` + field + `-error">This is wrong.</p>`
			if !strings.Contains(page, message) || !strings.Contains(page, "<title>Error: Settings") {
				t.Errorf("the page doesn't show the error in %s:\n%s", field, page)
			}
		}
	}
}

// A form that was refused as a whole shows the reason and has the focus.
func TestSettingsRefusedForm(t *testing.T) {
	u := newUI(t, "")
	for section := range fieldsOf {
		p := settingsPage(Layout{})
		p.Failed, p.Message = section, "Try again in 7 minutes."
		page := render(t, u, p)
		if strings.Count(page, "Try again in 7 minutes.") != 1 || !strings.Contains(page, `role="alert"`) {
			t.Errorf("%s: the page doesn't show the reason once:\n%s", section, page)
		}
		if n := strings.Count(page, " autofocus"); n != 1 {
			t.Errorf("%s: %d elements have autofocus, want 1:\n%s", section, n, page)
		}
	}
}

func TestSettingsSaved(t *testing.T) {
	u := newUI(t, "")
	for section, message := range savedWords {
		p := settingsPage(Layout{})
		p.Saved = section
		if page := render(t, u, p); strings.Count(page, `role="status" tabindex="-1" autofocus>`+message) != 1 {
			t.Errorf("%s: the page doesn't show %q once", section, message)
		}
	}
	p := settingsPage(Layout{})
	p.Saved = "Your password is 1234"
	if page := render(t, u, p); strings.Contains(page, "1234") || strings.Contains(page, `class="saved"`) {
		t.Errorf("the page shows text from its URL:\n%s", page)
	}
}

func TestSettingsNeverHoldPasswords(t *testing.T) {
	each(t, render(t, newUI(t, ""), settingsPageOf(Layout{}, "typed")), func(n *html.Node) {
		if n.Data == "input" && attr(n, "type") == "password" && attr(n, "value") != "" {
			t.Errorf("%s holds %q", attr(n, "id"), attr(n, "value"))
		}
	})
}

func TestScheme(t *testing.T) {
	u := newUI(t, "")
	for scheme, want := range map[string][]string{
		"": {
			`<html lang="en">`, `content="light dark"`, `media="(prefers-color-scheme: light)" content="#f5f4ef"`,
			`media="(prefers-color-scheme: dark)" content="#121512"`,
		},
		"light": {
			`<html lang="en" data-theme="light">`, `name="color-scheme" content="light"`, `name="theme-color" content="#f5f4ef"`,
		},
		"dark": {
			`<html lang="en" data-theme="dark">`, `name="color-scheme" content="dark"`, `name="theme-color" content="#121512"`,
		},
	} {
		page := render(t, u, ErrorPage{Layout: Layout{Scheme: scheme}})
		for _, part := range want {
			if !strings.Contains(page, part) {
				t.Errorf("scheme %q: the page has no %s:\n%.900s", scheme, part, page)
			}
		}
		if got := strings.Count(page, "theme-color"); scheme != "" && got != 1 {
			t.Errorf("scheme %q: %d theme colors, want 1", scheme, got)
		}
	}
}

func TestIdleWords(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-1: "never", time.Minute: "1 minute", 10 * time.Minute: "10 minutes", 90 * time.Second: "1m30s",
		2 * time.Hour: "120 minutes", time.Second: "1s",
	} {
		if got := idleWords(d); got != want {
			t.Errorf("idleWords(%v) = %q, want %q", d, got, want)
		}
	}
}

// The page says who can see when the person was last online.
func TestStoredLastSeen(t *testing.T) {
	for chosen, want := range map[string]string{
		"approximate": "only a rough time", "exact": "to the minute", "nobody": "nobody sees it",
	} {
		got := (StoredPage{ShowLastSeen: chosen}).lastSeenNote()
		if !strings.Contains(got, want) || !strings.Contains(got, "no record") {
			t.Errorf("lastSeenNote(%s) = %q, want %q in it", chosen, got, want)
		}
	}
}

// The page doesn't say "Never" to people who are online.
func TestStoredLastSeenWhileOnline(t *testing.T) {
	seen := time.Date(2026, 11, 24, 14, 30, 0, 0, time.UTC)
	for _, tt := range []struct {
		page StoredPage
		want string
	}{
		{StoredPage{}, "Never"},
		{StoredPage{LastSeen: seen}, ""},
		{StoredPage{Online: true}, "You're online now"},
		{StoredPage{Online: true, LastSeen: seen}, "You're online now; before that,"},
	} {
		for _, fact := range tt.page.seenByAll() {
			if fact.What == "Last seen" && fact.Mine != tt.want {
				t.Errorf("last seen, online %v, stored %v: %q, want %q", tt.page.Online, tt.page.LastSeen, fact.Mine, tt.want)
			}
		}
	}
}

// If a template is defined twice, html/template uses the last one without an error.
func TestPartsAreDefinedOnce(t *testing.T) {
	at := map[string]string{}
	for path, file := range sources(t) {
		if !strings.HasPrefix(path, "templates/parts/") {
			continue
		}
		for _, m := range regexp.MustCompile(`\{\{define "([^"]+)"`).FindAllStringSubmatch(string(file.Data), -1) {
			if other := at[m[1]]; other != "" {
				t.Errorf("%q is defined in %s and in %s", m[1], other, path)
			}
			at[m[1]] = path
		}
	}
}
