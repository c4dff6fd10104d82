package handlers

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"rollcall/accounts"
	"rollcall/accounts/peoplecsv"
	"rollcall/identity"
	"rollcall/live"
	"rollcall/presence"
	"rollcall/ui"
)

// TestLimitsAreDocumented compares docs/limits.md with the code. Limits that are flags are documented with their
// defaults in docs/configuration.md.
func TestLimitsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../docs/limits.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if cells := strings.Split(line, "|"); len(cells) == 6 {
			rows[strings.TrimSpace(cells[1])] = strings.TrimSpace(cells[2])
		}
	}
	short := func(d time.Duration) string {
		return strings.NewReplacer("ms", " ms", "m0s", " min", "s", " s").Replace(d.String())
	}
	for what, want := range map[string]string{
		"failed sign-ins per name in " + short(loginWindow):        fmt.Sprint(failuresPerName),
		"successful sign-ins per account in " + short(loginWindow): fmt.Sprint(successesPerName),
		"successful sign-ins per address in " +
			short(loginWindow): fmt.Sprintf("%d times `--limit-logins`", successesShare),
		"changes of the password per account in " + short(loginWindow):                        fmt.Sprint(successesPerName),
		"requests for an email per address and hour":                                          fmt.Sprint(asksPerAddress),
		"requests to change the email address per person and hour":                            fmt.Sprint(asksPerPerson),
		"wrong codes of authenticator apps and recovery per account in " + short(loginWindow): fmt.Sprint(wrongCodes),
		"wrong codes of authenticator apps and recovery per account in a day":                 fmt.Sprint(wrongCodesDaily),
		"time to type a code after the password":                                              short(halfSignInAge),
		"time to use a passkey":                                                               short(identity.PasskeyTimeout),
		"changes of webhooks per person in a day":                                             fmt.Sprint(hookActs),
		"passkeys of a person":                                                                fmt.Sprint(accounts.MaxPasskeys),
		"access tokens of a person":                                                           fmt.Sprint(accounts.MaxTokens),
		"life of an access token": fmt.Sprintf("1 to %d days (default %d), or no end; one that nobody uses for %d days ends",
			accounts.MaxTokenLife/day, accounts.TokenLife/day, accounts.TokenUnused/day),
		"reads of the API with one token, or in one session, per minute": fmt.Sprint(readsPerMinute),
		"time that a request to the API waits for news":                  short(longestWait),
		"time between looks at what a waiting request asks for":          short(waitRest),
		"requests that wait for news":                                    fmt.Sprintf("%d per person, %d in total", waitsPerPerson, waitsInTotal),
		"people in one request to the API": fmt.Sprintf("%d on a page, %d in a query, %d in a body", accounts.MaxPage, maxUsersGet,
			maxUsersPost),
		"a body of the API": fmt.Sprintf("nested up to %d deep; %d unknown fields are listed", maxDepth, maxUnknown),
		"wrong setup codes per address in " + short(loginWindow): fmt.Sprint(failuresOfSetup),
		"wall boards open at once by one link":                   fmt.Sprintf("%d on each server", maxSharedSockets),
		"requests by one share link and minute":                  fmt.Sprintf("%d on each server", sharedReads),
		"requests by share links per address and minute":         fmt.Sprintf("%d on each server", sharedByAddress),
		"messages of a live connection": fmt.Sprintf("%d at once, then one a second",
			messageBurst),
		"a message": fmt.Sprintf("%d B; valid ones have at most %d",
			maxMessage, maxActivity),
		"frames that wait for a slow reader": fmt.Sprint(queueFrames),
		"frames to one page": fmt.Sprintf("at once; then a rest of %d times what sending took, for each person who changed, up to %s",
			live.RestPerCost, short(live.MaxRest)),
		"lists that change": fmt.Sprintf("each is read at most once in %s; those that take over %s are read one at a time, for at most half of the time",
			short(live.RereadEvery), short(live.CheapRead)),
		"a request's header":      fmt.Sprintf("%d KiB", maxHeaderBytes>>10),
		"a request's body":        fmt.Sprintf("%d KiB", maxBody>>10),
		"a form":                  fmt.Sprintf("%d fields, no files", maxFields),
		"the query of an address": fmt.Sprintf("%d KiB", maxQuery>>10),
		"a list of people to import": fmt.Sprintf("%d MiB; %d KiB per person, %d KiB per field, %d columns; %d people in the browser, 100000 by a command",
			maxList>>20, peoplecsv.MaxLine>>10, peoplecsv.MaxCell>>10, peoplecsv.MaxColumns, maxListed),
		"a password": fmt.Sprintf("%d characters to %d B", accounts.MinPassword,
			accounts.MaxPassword),
		"devices without a browser that one person keeps connected by heartbeats": fmt.Sprintf("%d at each server",
			presence.MaxDevices),
		"time that a heartbeat counts": fmt.Sprintf("%s to %s; %s by default", short(presence.MinTTL), short(presence.MaxTTL),
			short(usualTTL)),
		"a page of the board": fmt.Sprintf("%d people", live.PageRows),
		"the section with your own team, on boards with several pages":             fmt.Sprintf("%d people and you", ui.TeamCards),
		"faces of a team in the index of teams":                                    fmt.Sprintf("%d people", live.MaxFaces),
		"time to send a header":                                                    short(readHeaderTimeout),
		"time to send a request":                                                   short(readTimeout),
		"time to receive a response":                                               short(writeTimeout),
		"an unused connection":                                                     fmt.Sprintf("%d s", idleTimeout/time.Second),
		"time between pings of a live connection":                                  short(pingEvery),
		"time without an answer to a ping":                                         short(pongWait),
		"time to receive one frame":                                                short(writeWait),
		"time without reading the accounts, and so without confirming sessions":    short(confirmWait),
		"a live connection of somebody whom a proxy named":                         fmt.Sprintf("%d h", recheckEvery/time.Hour),
		"people in the address of a stream":                                        fmt.Sprint(maxStreamUsers),
		fmt.Sprintf("time for a stream's reader to take %d KiB", streamPart>>10):   short(writeWait),
		"time between signs of life of a stream":                                   short(aliveEvery),
		"time to continue a stream that nobody else reads":                         short(live.StreamLife),
		"people of each team who left, and of whom streams that continue are told": fmt.Sprint(live.MaxTombstones),
		"unconfirmed data on a connection, on Linux":                               short(pongWait),
		"a session": fmt.Sprintf("%d d", accounts.SessionLife/(24*time.Hour)),
		"addresses, names or people counted at once": fmt.Sprintf("%d,%03d of each", maxLimiterKeys/1000,
			maxLimiterKeys%1000),
	} {
		if rows[what] != want {
			t.Errorf("docs/limits.md: limit of %q = %q, want %q", what, rows[what], want)
		}
	}
	if !strings.Contains(string(text), fmt.Sprintf("up to %d connections from the machine itself", spareLocal)) {
		t.Errorf("docs/limits.md doesn't say that %d local connections are accepted above the limit", spareLocal)
	}
	if want := fmt.Sprintf("the /48 around it has %d times the limit", largerShare); !strings.Contains(string(text),
		want) {
		t.Errorf("docs/limits.md doesn't say %q", want)
	}
	if want := fmt.Sprintf("one of %d,%03d counters", sharedCounters/1000,
		sharedCounters%1000); !strings.Contains(string(text), want) {
		t.Errorf("docs/limits.md doesn't say %q", want)
	}
	if len(rows) < 30 || !strings.Contains(string(text),
		fmt.Sprintf("counts as connected for %v", short(15*time.Second))) {
		t.Errorf("docs/limits.md has %d rows, want all", len(rows))
	}
}
