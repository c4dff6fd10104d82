package accounts

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// TestLimitsAreDocumented compares docs/limits.md with the code.
func TestLimitsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../docs/limits.md")
	do(t, "ReadFile", err)
	for _, want := range []string{
		fmt.Sprintf("| text of a status | %d characters |", maxStatusText),
		fmt.Sprintf("| a display name | %d characters |", maxName),
		fmt.Sprintf("| the name of the board | %d characters |", maxName),
		fmt.Sprintf("| pronouns | %d characters |", maxPronouns),
		fmt.Sprintf("| addresses to reach a person | %d, of %d B |", MaxContacts, maxContact),
		fmt.Sprintf("| favorites of a person | %d |", MaxFavorites),
		fmt.Sprintf("| %d, for %d days |", MaxAlerts, AlertLife/(24*time.Hour)),
		fmt.Sprintf("| claims of a person | %d |", MaxClaims),
		fmt.Sprintf("| the key of a claim or a heartbeat | %d characters |", MaxKey),
		fmt.Sprintf("| the end of a claim | at most %d days ahead |", MaxClaimAge/(24*time.Hour)),
		fmt.Sprintf("| the lease of a claim | %d s to %d hours |", MinLease/time.Second, MaxLease/time.Hour),
		fmt.Sprintf("| time that a browser is new to a person who doesn't confirm it | %d days |", browserNew/(24*time.Hour)),
		fmt.Sprintf("| uses of an invitation | 1 to %d |", MaxInviteUses),
		fmt.Sprintf("| life of an invitation | 1 to %d days |", MaxInviteAge/(24*time.Hour)),
		fmt.Sprintf("| invitations that can be used | %d |", maxInvitations),
		fmt.Sprintf("| the label of an invitation | %d characters |", maxLabel),
		fmt.Sprintf("| life of a link for a new password | %d hours |", ResetLinkAge/time.Hour),
		fmt.Sprintf("| life of a link for a forgotten password | %d hour |", MailedResetAge/time.Hour),
		fmt.Sprintf("| life of a link that confirms or restores an email address, or for a new account | %d hours |", max(VerifyLinkAge, UndoLinkAge)/time.Hour),
		fmt.Sprintf("| emails that wait to be sent | %d |", maxMails),
		fmt.Sprintf("per person or address and hour | %d |", MailsPerHour),
		fmt.Sprintf("| domains for sign-up | %d |", maxDomains),
		fmt.Sprintf("| people who wait for approval | %d, for %d days |", maxWaiting, waitingAge/(24*time.Hour)),
		fmt.Sprintf("| a note to the administrators who approve | %d characters |", maxNote),
		fmt.Sprintf("| people in one change of an administrator | %d; %d for a whole team |", MaxBulk, teamAtOnce),
		fmt.Sprintf("| pairs of teams that see each other | %d; %d for one team |", MaxTeamPairs, MaxPairsOfTeam),
		fmt.Sprintf("| share links of a person | %d |", MaxShares),
		fmt.Sprintf("| access tokens that a person makes in a day, also by other tokens | %d |", TokensPerDay),
		fmt.Sprintf("| share links that a person makes in a day | %d |", SharesPerDay),
		fmt.Sprintf("| life of a share link | 1 to %d days, or no end; %d days by default |", MaxShareDays, ShareDays),
		fmt.Sprintf("| sites that may embed a list | %d, of %d B |", MaxOrigins, maxOriginSize),
		fmt.Sprintf("| people in an embedded list | %d |", MaxPage),
		fmt.Sprintf("| webhooks | %d of a person; %d on the board |", MaxHooks, MaxAllHooks),
		fmt.Sprintf("| the address of a webhook | %d B, and port", MaxHookURL),
		fmt.Sprintf("| delay of a webhook | 0 to %d s |", MaxSettle/time.Second),
		fmt.Sprintf("| deliveries that are listed | %d of a webhook, for %d hours |", MaxDeliveries, DeliveryAge/time.Hour),
		fmt.Sprintf("| the previous secret of a webhook | %d hours |", OldSecretLife/time.Hour),
		fmt.Sprintf("| the audit log | %d lines, for %d days; addresses for %d days; lines of the last %d days don't count |", maxAudit,
			AuditAge/(24*time.Hour), AuditAddressAge/(24*time.Hour), auditKept/(24*time.Hour)),
		fmt.Sprintf("| lines in the audit log by what one person does to others in 24 hours | %d |", AuditPerDay),
		fmt.Sprintf("| life of a setup code | %d hours; the newest %d codes are valid |", SetupCodeAge/time.Hour, maxSetupCodes),
		fmt.Sprintf("others wait; after %d s they get 503", hashWait/time.Second),
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("docs/limits.md doesn't hold %q", want)
		}
	}
}
