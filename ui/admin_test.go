package ui

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
)

// adminLooks returns the pages of the administration, with text in every place.
func adminLooks(layout Layout, text string) map[string]Page {
	wrong := map[string]string{}
	for _, field := range []string{"display_name", "team", "into", "uses", "days", "label", "invitations", "board_name", "signup",
		"confirm_username"} {
		wrong[field] = text
	}
	admin := Admin{Layout: layout, Section: "people", People: 1200, Teams: 3, Live: true, Said: text, Message: text, Errors: wrong}
	ada := Account{ID: "0190-a", Username: "ada", Name: text, Team: text, Admin: true, Waiting: true, Disabled: true, Note: text}
	own := Account{ID: "0190-b", Username: "boss", Name: text, Own: true}
	link := OnceLink{URL: "https://board.example/join/" + text, Title: text, Text: text}.Expiring(time.Now())
	line := LogLine{At: time.Now(), Parts: []LogPart{{Text: text, Bold: true}, {Text: text}, {Text: text, Name: true}}, Via: text}
	names := []string{text}
	return map[string]Page{
		"admin people": AdminPeoplePage{Admin: admin, All: 1200, Accounts: []Account{ada, own}, Waits: []Account{ada}, Next: text, TeamNames: names,
			Here: "/admin/people", Query: AdminQuery{Sort: "newest", After: text}},
		"admin search":  AdminPeoplePage{Admin: admin, Query: AdminQuery{Q: text, Show: "disabled", Team: text}},
		"admin confirm": AdminConfirmPage{Admin: admin, Accounts: []Account{ada}, Kept: []Kept{{text, text}}, Back: "/admin/people"},
		"admin person": AdminPersonPage{Admin: admin, Account: ada, Joined: text, DisplayName: text, Team: text, TeamNames: names, Link: link,
			Lines: []LogLine{line}, More: true, ConfirmUsername: text},
		"admin own":   AdminPersonPage{Admin: admin, Account: own},
		"admin teams": AdminTeamsPage{Admin: admin, All: []AdminTeam{{text, 3}, {"", 1}}},
		"admin team":  AdminTeamPage{Admin: admin, Team: AdminTeam{text, 3}, To: text, Into: text, Others: names},
		"admin invitations": AdminInvitationsPage{Admin: admin, Link: link, Uses: text, Days: text, Team: text, Label: text, TeamNames: names,
			All: []AdminInvitation{{ID: "x", Label: text, Team: text, By: text, Expires: time.Now()}}},
		"admin import": AdminImportPage{Admin: admin, CSV: text, Checked: true, Problems: []ImportProblem{{3, text, text}}, MoreWrong: 2,
			Ignored: names},
		"admin import ready": AdminImportPage{Admin: admin, CSV: text, Checked: true, Ready: 20, Linked: 2, First: []Account{ada}},
		"admin imported": AdminImportedPage{Admin: admin, Count: 2, Links: []ImportedLink{{text, text, text}}, CSV: text}.
			Expiring(time.Now()),
		"admin settings": AdminSettingsPage{Admin: admin, BoardName: text, Fixed: map[string]string{"signup": text, "board_name": text}},
		"admin log": AdminLogPage{Admin: admin, Show: "board", Person: text, Days: []LogDay{{text, []LogLine{line, {Day: text}}}}, Before: text,
			Older: text},
		"prove":    ProvePage{Layout: layout, Action: "/admin/people/ada", Kept: []Kept{{text, text}}, Username: "ada", Error: text, Message: text},
		"download": DownloadPage{Layout: layout, Action: "/admin/people.csv", Kept: []Kept{{text, text}}},
		"retry":    RetryPage{Layout: layout, Heading: text, Message: text, Action: "/admin/people/ada", Kept: []Kept{{text, text}}},
	}
}

// Words for numbers.
func TestAdminWords(t *testing.T) {
	page := AdminPeoplePage{All: 1234, Accounts: make([]Account, 50), Next: "x", Waits: make([]Account, 1)}
	if got, want := page.Summary(), "50 of 1,234 accounts."; got != want {
		t.Errorf("Summary = %q, want %q", got, want)
	}
	if got, want := page.WaitsTitle(), "1 person is waiting for approval"; got != want {
		t.Errorf("WaitsTitle = %q, want %q", got, want)
	}
	if got := grouped(1234567); got != "1,234,567" {
		t.Errorf("grouped(1234567) = %q", got)
	}
	if got := (AdminPeoplePage{Query: AdminQuery{Q: "x"}}).Orders(); got != nil {
		t.Errorf("a search has the orders %v, want none", got)
	}
	team := AdminTeam{Name: "R&D #1"}
	if got, want := team.Href()+" "+team.PeopleHref(), "team?name=R%26D+%231 people?team=R%26D+%231"; got != want {
		t.Errorf("links of a team = %q, want %q", got, want)
	}
	if hint := (AdminImportPage{Ready: 12, First: make([]Account, 10)}).Rest(); !strings.Contains(hint, "2 more") {
		t.Errorf("Rest = %q", hint)
	}
}

// A wrong field of the administration says what is wrong, also to assistive technology, and the first one has the
// focus.
func TestAdminFieldErrors(t *testing.T) {
	u := newUI(t, "")
	for _, tt := range []struct {
		page  Page
		wrong []string // in the order of the page
	}{
		{AdminSettingsPage{Admin: Admin{Layout: Layout{Mails: true}}}, []string{"board_name", "signup", "teams", "visibility", "invisible", "signup_domains"}},
		{AdminPersonPage{Account: Account{Username: "ada"}}, []string{"display_name", "team", "email", "confirm_username"}},
		{AdminInvitationsPage{Admin: Admin{Layout: Layout{Mails: true}}}, []string{"uses", "days", "team", "label", "email"}},
		{AdminTeamPage{Team: AdminTeam{Name: "Ops"}}, []string{"team", "into"}}, {AdminTeamsPage{}, []string{"team", "other"}},
		{AdminPeoplePage{Accounts: []Account{{ID: "a"}}}, []string{"team"}},
	} {
		for i := range tt.wrong {
			errors := map[string]string{}
			for _, field := range tt.wrong[i:] {
				errors[field] = "This is wrong: " + field
			}
			page := render(t, u, withErrors(tt.page, errors))
			var focused []string
			described := map[string]string{} // messages by ID
			each(t, page, func(n *html.Node) {
				if attr(n, "class") == "wrong" {
					described[attr(n, "id")] = ""
				}
				for _, a := range n.Attr {
					if a.Key == "autofocus" {
						focused = append(focused, attr(n, "name"))
					}
				}
			})
			each(t, page, func(n *html.Node) {
				for _, id := range strings.Fields(attr(n, "aria-describedby")) {
					if _, is := described[id]; is && attr(n, "aria-invalid") == "true" {
						delete(described, id)
					}
				}
			})
			if len(described) > 0 || len(focused) != 1 || focused[0] != tt.wrong[i] {
				t.Errorf("%T with errors about %v: %v describe no field, and the focus is on %v", tt.page, tt.wrong[i:], described, focused)
			}
		}
	}
}

// withErrors returns a page with errors.
func withErrors(p Page, errors map[string]string) Page {
	v := reflect.New(reflect.TypeOf(p)).Elem()
	v.Set(reflect.ValueOf(p))
	v.FieldByName("Errors").Set(reflect.ValueOf(errors))
	return v.Interface().(Page)
}
