package handlers

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// adminForms holds the operations of the API that do what each form of the administration does, or why there's none.
// docs/api.md has the reasons.
var adminForms = map[string]string{
	"/admin/people/:name":               "patchAccount",
	"/admin/people/:name/role":          "patchAccount",
	"/admin/people/:name/email":         "patchAccount",
	"/admin/people/:name/disable":       "patchAccount",
	"/admin/people/:name/enable":        "patchAccount",
	"/admin/people/:name/reset-link":    "createResetLink mailResetLink",
	"/admin/people/:name/end-sessions":  "endAccountSessions",
	"/admin/people/:name/reset-factors": "resetFactors",
	"/admin/people/:name/unlink":        "unlinkAccount",
	"/admin/people/:name/delete":        "deleteAccount",
	"/admin/bulk":                       "none: one call for each person does the same",
	"/admin/approve":                    "approve",
	"/admin/decline":                    "decline",
	"/admin/teams/rename":               "patchTeam",
	"/admin/teams/merge":                "patchTeam",
	"/admin/teams/delete":               "deleteTeam",
	"/admin/teams/pair":                 "pairTeams",
	"/admin/teams/unpair":               "unpairTeams",
	"/admin/invitations":                "createInvitation",
	"/admin/invitations/revoke":         "revokeInvitation",
	"/admin/settings":                   "patchSettings",
	"/admin/import":                     "previewImport importAccounts",
	"/admin/import/links.csv":           "none: the answer of importAccounts has the links",
	"/admin/people.csv":                 "exportAccounts",
	"/admin/log.csv":                    "exportAudit",
}

// Whatever administrators do in the browser, programs can do, too. A new form needs a line above.
func TestAPIDoesWhatAdministratorsDo(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range newFixture(t).server.echo.Routes() {
		if r.Method != http.MethodPost || !strings.HasPrefix(r.Path, "/admin/") {
			continue
		}
		seen[r.Path] = true
		does, known := adminForms[r.Path]
		if !known {
			t.Errorf("no operation of the API does what POST %s does", r.Path)
		}
		if strings.HasPrefix(does, "none: ") {
			continue
		}
		for id := range strings.FieldsSeq(does) {
			if !slices.ContainsFunc(operations, func(o operation) bool { return o.id == id }) {
				t.Errorf("POST %s: there's no operation %s", r.Path, id)
			}
		}
	}
	for path := range adminForms {
		if !seen[path] {
			t.Errorf("there's no form POST %s", path)
		}
	}
}
