package handlers

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"rollcall/accounts"
	"rollcall/ui"
)

// sentences holds what the log says about each action, after the name of whoever did it. {whom} is the person whom it
// was about. {for} is the team of an invitation, if it has one. Other names in braces are details of the entry.
var sentences = map[accounts.Action]string{
	accounts.UserCreated:     "created the account of {whom}",
	accounts.UserRenamed:     "changed the name of {whom}",
	accounts.UserMoved:       "moved {whom} from {from} to {team}",
	accounts.UserDisabled:    "disabled {whom}",
	accounts.UserEnabled:     "enabled {whom}",
	accounts.UserDeleted:     "deleted {whom}",
	accounts.AdminGranted:    "made {whom} an administrator",
	accounts.AdminRevoked:    "made {whom} a member",
	accounts.PasswordSet:     "set a new password for {whom}",
	accounts.SessionsEnded:   "ended all sessions of {whom}",
	accounts.FactorsReset:    "removed the passkeys, the authenticator app, and the recovery codes of {whom}",
	accounts.EmailSet:        "changed the email address of {whom}",
	accounts.ResetLinkMade:   "created a reset link for {whom}",
	accounts.ResetLinkUsed:   "used the reset link of {whom}",
	accounts.InvitationMade:  "created an invitation{for}",
	accounts.InvitationUsed:  "used an invitation for {whom}",
	accounts.InvitationEnded: "revoked an invitation",
	accounts.PersonApproved:  "approved {whom}",
	accounts.PersonDeclined:  "declined {whom}",
	accounts.TeamRenamed:     "renamed the team {from} to {team}, with {people}",
	accounts.TeamMerged:      "merged the team {from} into {team}, with {people}",
	accounts.TeamDeleted:     "deleted the team {from}, with {people}",
	accounts.ShareMade:       "created a share link for {whom}",
	accounts.ShareRevoked:    "revoked a share link of {whom}",
	accounts.TeamsPaired:     "let the teams {team} and {other} see each other",
	accounts.TeamsUnpaired:   "stopped the teams {team} and {other} from seeing each other",
	accounts.SettingsChanged: "changed the settings: {settings}",
	accounts.PeopleImported:  "imported {people}",
	accounts.PeopleExported:  "downloaded the list of people",
	accounts.AuditExported:   "downloaded the log",
	accounts.BoardSetUp:      "set up the board",

	accounts.HookMade:    "created a webhook for {whom}",
	accounts.HookChanged: "changed a webhook of {whom}",
	accounts.HookRotated: "renewed the secret of a webhook of {whom}",
	accounts.HookDeleted: "deleted a webhook of {whom}",

	accounts.IdentityLinked:   "linked {whom} to {provider}",
	accounts.IdentityUnlinked: "unlinked {whom} from {provider}",

	accounts.TokenCreated: "created an access token of {whom}: {scopes}",
	accounts.TokenRevoked: "revoked access tokens of {whom}",
}

// ownSentences holds what the log says about people who did it themselves.
var ownSentences = map[accounts.Action]string{
	accounts.UserCreated:    "created an account",
	accounts.UserDeleted:    "deleted their own account",
	accounts.ResetLinkUsed:  "chose a password with a reset link",
	accounts.InvitationUsed: "used an invitation",
	accounts.BoardSetUp:     "set up the board",
	accounts.ShareMade:      "created a share link",
	accounts.ShareRevoked:   "revoked a share link",

	accounts.HookMade:    "created a webhook",
	accounts.HookChanged: "changed one of their webhooks",
	accounts.HookRotated: "renewed the secret of one of their webhooks",
	accounts.HookDeleted: "deleted one of their webhooks",

	accounts.IdentityLinked:   "linked their account to {provider}",
	accounts.IdentityUnlinked: "unlinked their account from {provider}",

	accounts.TokenCreated: "created an access token: {scopes}",
	accounts.TokenRevoked: "revoked access tokens",
}

// viaWords holds how an act reached Rollcall.
var viaWords = map[accounts.Via]string{
	accounts.ViaWeb: "in the browser", accounts.ViaCLI: "command line", accounts.ViaAPI: "API",
	accounts.ViaProvider: "single sign-on", accounts.ViaSystem: "automatic",
}

// settingWords holds the names of settings and of their values. The name of the board isn't a choice.
var settingWords = map[string]struct {
	name   string
	values map[string]string
}{
	"board_name": {"name", nil},
	"signup": {"who can join", map[string]string{"": "default", accounts.SignUpOpen: "anyone",
		accounts.SignUpInvite: "people with an invitation", accounts.SignUpApprove: "anyone, after approval",
		accounts.SignUpDomains: "people with an email address at a domain", accounts.SignUpOff: "nobody"}},
	"signup_domains": {"domains of email addresses", nil},
	"teams": {"who chooses teams", map[string]string{"": "default", accounts.TeamsOpen: "everyone",
		accounts.TeamsExisting: "everyone, from existing teams", accounts.TeamsFixed: "administrators"}},
	"visibility": {"whom people see", map[string]string{"": "default", accounts.VisibleEveryone: "everyone",
		accounts.VisibleTeams: "only their own team"}},
	"invisible": {"being invisible", map[string]string{"": "default", "on": "allowed", "off": "not allowed"}},
}

// fill puts names into the braces of a sentence.
func fill(sentence, whom string, detail map[string]string) (parts []ui.LogPart) {
	for sentence != "" {
		before, rest, found := strings.Cut(sentence, "{")
		if before != "" {
			parts = append(parts, ui.LogPart{Text: before})
		}
		if !found {
			break
		}
		key, after, _ := strings.Cut(rest, "}")
		sentence = after
		switch key {
		case "whom":
			parts = append(parts, ui.LogPart{Text: whom, Name: true})
		case "team", "from", "other":
			parts = append(parts, ui.LogPart{Text: cmp.Or(detail[key], "no team"), Name: true})
		case "for":
			if team := detail["team"]; team != "" {
				parts = append(parts, ui.LogPart{Text: " for "}, ui.LogPart{Text: team, Name: true})
			}
		case "scopes":
			parts = append(parts, ui.LogPart{Text: strings.ReplaceAll(detail[key], " ", ", ")})
		case "provider":
			parts = append(parts, ui.LogPart{Text: detail[key], Name: true})
		case "people":
			parts = append(parts, ui.LogPart{Text: howMany(detail[key])})
		case "settings":
			parts = append(parts, ui.LogPart{Text: changedSettings(detail)})
		}
	}
	return parts
}

// howMany returns a number of people in words.
func howMany(n string) string {
	if n == "1" {
		return "1 person"
	}
	return n + " people"
}

// changedSettings says which settings have which new values.
func changedSettings(detail map[string]string) string {
	var all []string
	for _, key := range slices.Sorted(maps.Keys(detail)) {
		words := settingWords[key]
		value := cmp.Or(words.values[detail[key]], detail[key])
		all = append(all, cmp.Or(words.name, key)+" = "+value)
	}
	return strings.Join(all, "; ")
}

// sentence returns a line as plain text.
func sentence(parts []ui.LogPart) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString(p.Text)
	}
	return b.String()
}

// sortProblems orders the problems of a list by line.
func sortProblems(all []ui.ImportProblem) {
	slices.SortStableFunc(all, func(a, b ui.ImportProblem) int { return a.Line - b.Line })
}
