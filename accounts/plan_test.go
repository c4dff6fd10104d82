package accounts

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// everything calls all methods of s, so that every statement is prepared.
func everything(t *testing.T, s *Store) {
	t.Helper()
	for range 2 { // the first round only records the statements of transactions
		_, err := s.MakeSetupCode(t.Context())
		do(t, "MakeSetupCode", err)
		do(t, "HasSetupCode", second(s.HasSetupCode(t.Context())))
		do(t, "IsSetupCode", second(s.IsSetupCode(t.Context(), "x")))
		first, err := s.SetUp(t.Context(), NewUser{Username: "first", Password: secret}, new("Harbor Works"))
		do(t, "SetUp", err)
		administer(t, s, first)
		correspond(t, s, first)
		do(t, "Delete", s.Delete(Forced(t.Context()), first.ID))
		u, v := add(t, s, "ada", "Ada L", "Ops"), add(t, s, "bob", "", "Ops")
		token, session := signIn(t, s, u.ID)
		signIn(t, s, u.ID)
		token, current, err := s.StartSession(t.Context(), SignIn{UserID: u.ID, Replaces: token})
		do(t, "StartSession", err)
		known, err := s.RememberBrowser(t.Context(), v.ID, "")
		do(t, "RememberBrowser", err)
		known, err = s.RememberBrowser(t.Context(), u.ID, known)
		do(t, "RememberBrowser", err)
		_, _, err = s.KnownBrowser(t.Context(), "ada", known)
		do(t, "KnownBrowser", err)
		known, err = s.RememberNewBrowser(t.Context(), u.ID, known, session.ID)
		do(t, "RememberNewBrowser", err)
		if isNew, err := s.IsNewBrowser(t.Context(), "ada", []string{known}); err != nil || !isNew {
			t.Errorf("IsNewBrowser = %t, %v, want true", isNew, err)
		}
		_, _, err = s.SessionByToken(t.Context(), token)
		do(t, "SessionByToken", err)
		do(t, "RenewToken", second(s.RenewToken(t.Context(), u.ID, current.ID)))
		identify(t, s, u.ID)
		_, err = s.AnySession(t.Context())
		do(t, "AnySession", err)
		do(t, "EndSession", s.EndSession(t.Context(), session.ID))
		do(t, "TouchSessions", s.TouchSessions(t.Context(), map[string]time.Time{session.ID: time.Now()}))
		do(t, "StampSeen", s.StampSeen(t.Context(), map[string]time.Time{u.ID: time.Now()}))
		do(t, "SetStatus", s.SetStatus(t.Context(), u.ID, Status{Text: "Tea"}, LastsToday))
		do(t, "SetInvisible", s.SetInvisible(t.Context(), u.ID, true))
		do(t, "PutClaim", second3(s.PutClaim(t.Context(), u.ID, Claim{Key: "build", State: "dnd"}, time.Minute)))
		_, err = s.Claims(t.Context(), u.ID)
		do(t, "Claims", err)
		do(t, "DeleteClaim", second(s.DeleteClaim(t.Context(), u.ID, "build")))
		presets, err := s.Presets(t.Context(), u.ID)
		do(t, "Presets", err)
		do(t, "ForgetPreset", s.ForgetPreset(t.Context(), u.ID, presets[0].ID))
		do(t, "SetPreferences", setPreferences(t.Context(), s, u.ID, Preferences{Announce: true}))
		do(t, "SetDetails", setDetails(t.Context(), s, u.ID, Details{ShareTime: true, NoAlerts: true}))
		_, err = s.Details(t.Context(), u.ID)
		do(t, "Details", err)
		for range 2 {
			do(t, "SetFavorite", s.SetFavorite(t.Context(), u.ID, v.ID, true))
			do(t, "SetAlert", s.SetAlert(t.Context(), u.ID, v.ID, AlertHere))
		}
		_, err = s.Favorites(t.Context(), u.ID)
		do(t, "Favorites", err)
		_, err = s.Alert(t.Context(), u.ID, v.ID)
		do(t, "Alert", err)
		_, err = s.Alerts(t.Context())
		do(t, "Alerts", err)
		do(t, "TellAlert", s.TellAlert(t.Context(), u.ID, v.ID))
		do(t, "PurgeAlerts", s.PurgeAlerts(t.Context()))
		do(t, "DropAlert", s.DropAlert(t.Context(), u.ID, v.ID))
		do(t, "SetFavorite", s.SetFavorite(t.Context(), u.ID, v.ID, false))
		do(t, "GuessTimeZone", s.GuessTimeZone(t.Context(), u.ID, "Europe/Berlin"))
		_, err = s.CountPeople(t.Context(), PeopleQuery{})
		do(t, "CountPeople", err)
		_, err = s.CursorBehind(t.Context(), "Ops", 1)
		do(t, "CursorBehind", err)
		do(t, "SetProfile", s.SetProfile(t.Context(), u.ID, "Ada L", "Ops", false))
		do(t, "SetTeam", s.SetTeam(t.Context(), u.ID, "Dev"))
		do(t, "SetProfile", s.SetProfile(t.Context(), u.ID, "Ada L", "Ops", false))
		_, err = s.TeamNames(t.Context(), 10)
		do(t, "TeamNames", err)
		_, err = s.Export(t.Context(), u.ID)
		do(t, "Export", err)
		sessions, err := s.Sessions(t.Context(), u.ID)
		do(t, "Sessions", err)
		do(t, "EndSessionOf", s.EndSessionOf(t.Context(), u.ID, sessions[0].ID))
		_, err = s.EndOtherSessions(t.Context(), u.ID, "", false)
		do(t, "EndOtherSessions", err)
		do(t, "ChangePassword", s.ChangePassword(t.Context(), u.ID, secret, "a new phrase", ""))
		do(t, "CheckPassword", s.CheckPassword(t.Context(), u.ID, "a new phrase"))
		do(t, "SetPassword", s.SetPassword(t.Context(), u.ID, "another phrase", ""))
		_, err = s.Authenticate(t.Context(), "ada", "another phrase")
		do(t, "Authenticate", err)
		s.renew(t.Context(), u.ID, "", "")
		do(t, "Rename", s.Rename(t.Context(), u.ID, "Ada"))
		_, err = s.UserByName(t.Context(), "ada")
		do(t, "UserByName", err)
		_, err = s.Users(t.Context(), "", 10)
		do(t, "Users", err)
		for _, q := range []PeopleQuery{{}, {Search: "a"}, {Search: "a l"}, {Search: "a b c d e f"}} {
			_, _, err = s.People(t.Context(), q)
			do(t, "People", err)
			q.Before = u.Cursor()
			_, _, err = s.People(t.Context(), q)
			do(t, "People", err)
		}
		_, err = s.PeopleByID(t.Context(), []string{u.ID})
		do(t, "PeopleByID", err)
		_, err = s.Tally(t.Context())
		do(t, "Tally", err)
		useHooks(t, s, u.ID, v.ID)
		useFactors(t, s, u.ID)
		useTokens(t, s, u.ID)
		do(t, "Delete", s.Delete(t.Context(), u.ID))
		do(t, "Delete", s.Delete(t.Context(), v.ID))
		_, err = s.Changes(t.Context(), 0)
		do(t, "Changes", err)
		mustRev(t, s)
		do(t, "forget", s.write(t.Context(), func(ctx context.Context, tx *transaction) error {
			if err := tx.remember(ctx, deletedUser, "x"); err != nil {
				return err
			}
			tx.now += 2 * tombstoneAge.Milliseconds()
			return tx.remember(ctx, deletedUser, "y")
		}))
	}
	_, err := s.w.prepare(t.Context(), sqlKeepStoreID)
	do(t, "prepare", err)
}

// identify calls the methods about identities.
func identify(t *testing.T, s *Store, userID string) {
	t.Helper()
	x := atCorp("c-1", "c")
	x.New.Approval = true
	_, _, _, err := s.SignInByIdentity(t.Context(), x)
	wantErr(t, "SignInByIdentity", err, ErrWaiting)
	_, _, _, err = s.SignInByIdentity(t.Context(), x)
	wantErr(t, "SignInByIdentity", err, ErrWaiting)
	waiting, err := s.UserByIdentity(t.Context(), x.Identity.Issuer, x.Identity.Subject)
	do(t, "UserByIdentity", err)
	do(t, "Approve", s.Approve(t.Context(), waiting.ID))
	do(t, "Link", s.Link(t.Context(), waiting.ID, corp("c-2")))
	do(t, "Unlink", s.Unlink(t.Context(), waiting.ID, corp("c-2").ID(), "", Ways{Providers: []string{"corp"}}))
	do(t, "Delete", s.Delete(t.Context(), waiting.ID))
	do(t, "Link", s.Link(t.Context(), userID, corp("ada-1")))
	x = atCorp("ada-1")
	for _, x.Grants = range []Grants{{SetAdmin: true, Admin: true, SetTeam: true, Team: "Given"}, {SetAdmin: true, SetTeam: true}} {
		_, _, _, err = s.SignInByIdentity(t.Context(), x)
		do(t, "SignInByIdentity", err)
	}
	for n, out := range []ProviderLogout{{Provider: "corp", Session: "x"}, {Provider: "corp", Subject: "x"}} {
		_, err = s.EndProviderSessions(t.Context(), out, Once{rand.Text(), time.Now()})
		do(t, "EndProviderSessions "+strconv.Itoa(n), err)
	}
	_, err = s.PasskeyHosts(t.Context())
	do(t, "PasskeyHosts", err)
	_, err = s.OnlyElsewhere(t.Context())
	do(t, "OnlyElsewhere", err)
	all, err := s.Identities(t.Context(), userID)
	do(t, "Identities", err)
	do(t, "Unlink", s.Unlink(t.Context(), userID, all[0].ID(), "", Ways{}))
	do(t, "SetAdmin", s.SetAdmin(Forced(t.Context()), userID, false)) // Unlink left the only administrator
}

// useFactors calls the methods about passkeys, authenticator apps and recovery codes.
func useFactors(t *testing.T, s *Store, userID string) {
	t.Helper()
	ctx := t.Context()
	_, err := s.SharedSecret(ctx)
	do(t, "SharedSecret", err)
	_, err = s.WantHandle(ctx, userID, "handle")
	do(t, "WantHandle", err)
	do(t, "AddPasskey", s.AddPasskey(ctx, newPasskey(userID, "cred"), once(newTokenOnly())))
	_, err = s.PasskeyOwner(ctx, "cred")
	do(t, "PasskeyOwner", err)
	do(t, "RenamePasskey", s.RenamePasskey(ctx, userID, "cred", "Phone"))
	withTOTP(t, s, userID)
	_, err = s.TOTP(ctx, userID)
	do(t, "TOTP", err)
	_, was, err := s.KnownBrowser(ctx, "ada", "")
	do(t, "KnownBrowser", err)
	do(t, "StartSession", second3(s.StartSession(ctx, SignIn{UserID: userID, PasswordWas: was, Used: Used{TOTPStep: 101,
		RecoveryCode: "one", Passkey: &PasskeyUse{Credential: "cred"}}})))
	wantErr(t, "StartSession", second3(s.StartSession(ctx, SignIn{UserID: userID})), ErrSecondFactor)
	_, err = s.OwnWays(ctx, userID)
	do(t, "OwnWays", err)
	_, err = s.Export(ctx, userID)
	do(t, "Export", err)
	wantErr(t, "ChooseFirstPassword", s.ChooseFirstPassword(ctx, userID, "a fourth phrase", ""), ErrCredentials)
	do(t, "ReplaceRecoveryCodes", s.ReplaceRecoveryCodes(ctx, userID, []string{"three"}))
	do(t, "drop the password", dropPassword(s, userID))
	do(t, "add an identity", s.write(ctx, func(ctx context.Context, tx *transaction) error {
		return tx.execOnce(ctx, `INSERT INTO identities (issuer, subject, provider, user_id, label, created_at, used_at)
			VALUES ('https://corp.example', $1, 'corp', $1, '', 0, 0)`, []any{userID})
	}))
	do(t, "RemovePasskey", s.RemovePasskey(ctx, userID, "cred", Ways{RPID: "board.example", Providers: []string{"corp"}}))
	do(t, "RemoveTOTP", s.RemoveTOTP(ctx, userID))
	do(t, "ResetFactors", s.ResetFactors(ctx, userID))
}

// useTokens calls the methods about access tokens.
func useTokens(t *testing.T, s *Store, userID string) {
	t.Helper()
	ctx := t.Context()
	text, made, err := s.CreateToken(ctx, NewToken{UserID: userID, Scopes: []Scope{ReadMe}})
	do(t, "CreateToken", err)
	_, _, err = s.TokenByText(ctx, text)
	do(t, "TokenByText", err)
	_, err = s.TokenReaders(ctx)
	do(t, "TokenReaders", err)
	_, err = s.Tokens(ctx, userID)
	do(t, "Tokens", err)
	_, err = s.AllTokens(ctx, "")
	do(t, "AllTokens", err)
	do(t, "TouchTokens", s.TouchTokens(ctx, map[string]time.Time{made.ID: time.Now()}))
	do(t, "RevokeToken", s.RevokeToken(ctx, userID, made.ID))
	_, err = s.EndOtherSessions(ctx, userID, "", true)
	do(t, "EndOtherSessions", err)
}

// useHooks calls the methods about webhooks.
func useHooks(t *testing.T, s *Store, userID, otherID string) {
	t.Helper()
	ctx := t.Context()
	h := addHook(t, s, userID, HookWish{})
	do(t, "ChangeHook", s.ChangeHook(ctx, userID, h.ID, wish(HookWish{About: AboutOneTeam, Team: "Ops"})))
	do(t, "RotateHook", second(s.RotateHook(ctx, userID, h.ID)))
	do(t, "PauseHook", s.PauseHook(ctx, userID, h.ID))
	do(t, "StartHook", s.StartHook(ctx, userID, h.ID))
	h = ready(t, s, h, map[string]string{userID: "online"})
	a := attempt(h, "event", Part{PersonID: otherID, State: "away"})
	do(t, "BeginAttempt", s.BeginAttempt(ctx, a))
	do(t, "EndAttempt", s.EndAttempt(ctx, a, Outcome{Delivery: Delivery{At: time.Now()}}))
	do(t, "DropMessage", s.DropMessage(ctx, a.Owner, h, otherID))
	do(t, "BeginAttempt", s.BeginAttempt(ctx, a))
	do(t, "EndAttempt", s.EndAttempt(ctx, a, Outcome{Accepted: true, Again: true}))
	do(t, "AddTest", s.AddTest(ctx, h, Delivery{}))
	do(t, "Told", second(s.Told(ctx, h.ID)))
	do(t, "Deliveries", second(s.Deliveries(ctx, h.ID)))
	do(t, "Hooks", second(s.Hooks(ctx, userID)))
	do(t, "AllHooks", second(s.AllHooks(ctx)))
	do(t, "ActiveHooks", second(s.ActiveHooks(ctx)))
	do(t, "HooksAbout", second(s.HooksAbout(ctx, Person{})))
	do(t, "RenameTeam", second(s.RenameTeam(ctx, "Ops", "Crew")))
	do(t, "RenameTeam", second(s.RenameTeam(ctx, "Crew", "Ops")))
	do(t, "StopHook", s.StopHook(ctx, mustHook(t, s, h.ID), HookGone))
	do(t, "Create", second(s.Create(ctx, NewUser{Username: "merged", Team: "Merged", Password: secret})))
	do(t, "RenameTeam", second(s.RenameTeam(ctx, "Merged", "Ops")))
	merged, err := s.UserByName(ctx, "merged")
	do(t, "UserByName", err)
	do(t, "Delete", s.Delete(ctx, merged.ID))
	do(t, "DeleteHook", s.DeleteHook(ctx, userID, h.ID))
	do(t, "DropLease", s.DropLease(ctx, a.Owner))
}

// administer calls the methods for administrators.
func administer(t *testing.T, s *Store, first User) {
	t.Helper()
	ctx := As(t.Context(), ByUser(first.ID))
	token, invitation, err := s.Invite(ctx, NewInvitation{Team: "Ops", Uses: 2, Age: time.Hour})
	do(t, "Invite", err)
	_, err = s.Invitation(ctx, token)
	do(t, "Invitation", err)
	_, err = s.Invitations(ctx)
	do(t, "Invitations", err)
	guest, _, err := s.SignUp(ctx, NewUser{Username: "guest", Password: secret}, Joining{Invitation: token})
	do(t, "SignUp", err)
	do(t, "Revoke", s.Revoke(ctx, invitation.ID))
	for _, name := range []string{"wanda", "will"} {
		_, _, err := s.SignUp(ctx, NewUser{Username: name, Password: secret}, Joining{Approval: true})
		do(t, "SignUp", err)
	}
	waiting, err := s.WaitingPeople(ctx)
	do(t, "WaitingPeople", err)
	_, err = s.IsWaiting(ctx, waiting[0].ID)
	do(t, "IsWaiting", err)
	do(t, "Approve", s.Approve(ctx, waiting[0].ID))
	do(t, "Decline", s.Decline(ctx, waiting[1].ID))
	do(t, "SetAdmin", s.SetAdmin(ctx, guest.ID, true))
	_, err = s.AnyAdmin(ctx)
	do(t, "AnyAdmin", err)
	_, err = s.Empty(ctx)
	do(t, "Empty", err)
	do(t, "SetAdmin", s.SetAdmin(ctx, guest.ID, false))
	reset, err := s.MakeResetLink(ctx, guest.ID)
	do(t, "MakeResetLink", err)
	_, err = s.ResetLinkUser(ctx, reset)
	do(t, "ResetLinkUser", err)
	do(t, "ResetPassword", s.ResetPassword(ctx, reset, "a third phrase"))
	_, session := signIn(t, s, guest.ID)
	_, err = s.Prove(ctx, guest.ID, session.ID, Proof{})
	do(t, "Prove", err)
	_, _, err = s.Invite(ctx, NewInvitation{Team: "Ops", Uses: 1, Age: time.Hour})
	do(t, "Invite", err)
	dev := add(t, s, "devon", "", "Dev")
	do(t, "PairTeams", s.PairTeams(ctx, "Ops", "Dev"))
	share(t, s, guest.ID)
	_, err = s.RenameTeam(ctx, "Ops", "Operations")
	do(t, "RenameTeam", err)
	do(t, "UnpairTeams", s.UnpairTeams(ctx, "Operations", "Dev"))
	do(t, "Delete", s.Delete(ctx, dev.ID))
	_, err = s.AlertsOf(ctx, guest.ID)
	do(t, "AlertsOf", err)
	for _, q := range []UserQuery{{}, {Order: ByUsername}, {Order: Newest}, {Which: AdminUsers}, {Which: DisabledUsers},
		{Team: new("Ops")}, {Search: "g"}, {Search: "g", Which: DisabledUsers}} {
		_, err = s.ListUsers(ctx, q)
		do(t, "ListUsers", err)
	}
	do(t, "ListedUser", second(s.ListedUser(ctx, guest.ID)))
	_, err = s.CountUsers(ctx)
	do(t, "CountUsers", err)
	ids := []string{guest.ID, waiting[0].ID}
	_, err = s.SetTeamOf(ctx, ids, "Dev")
	do(t, "SetTeamOf", err)
	_, err = s.SignOut(ctx, ids)
	do(t, "SignOut", err)
	_, err = s.DisableAll(ctx, ids)
	do(t, "DisableAll", err)
	do(t, "SetDisabled", s.SetDisabled(ctx, guest.ID, false))
	_, err = s.DeleteAll(ctx, ids)
	do(t, "DeleteAll", err)
	do(t, "ChangeSettings", s.ChangeSettings(ctx, func(x *Settings) error { x.SignUp = SignUpInvite; return nil }))
	_, err = s.Settings(ctx)
	do(t, "Settings", err)
	for _, q := range []AuditQuery{{}, {Actor: ByUser(first.ID)}, {Target: TargetUser(guest.ID)}, {Action: UserDeleted},
		{Scope: AboutPeople}, {Scope: AboutBoard}} {
		_, err = s.Audit(ctx, q)
		do(t, "Audit", err)
	}
	do(t, "RecordExport", s.RecordExport(ctx, PeopleExported))
	do(t, "Prune", s.Prune(ctx))
	do(t, "ChangeSettings", s.ChangeSettings(ctx, func(x *Settings) error { x.SignUp = ""; return nil }))
}

// statements calls everything and returns every SQL text of the package.
func statements(t *testing.T, s *Store) map[string]bool {
	t.Helper()
	everything(t, s)
	texts := map[string]bool{}
	for _, h := range []*handle{s.r, s.w} {
		for text := range maps.Keys(h.stmts) {
			texts[text] = true
		}
	}
	for _, text := range []string{byIDsSQL(idsAtOnce), seenSQL(3), touchSQL(3), touchTokensSQL(3), shareUseSQL(3),
		byNamesSQL(idsAtOnce), listedSQL(MaxPage)} {
		texts[text] = true
	}
	for _, text := range manyRows {
		texts[text] = true
	}
	for n := 1; n <= searchWords; n++ {
		for _, way := range []searchWay{byBoard, byHits, byWord} {
			texts[searchSQL(n, way, false)] = true
			texts[searchSQL(n, way, true)] = true
		}
	}
	return texts
}

var parameter = regexp.MustCompile(`\$\d+`)

// No query scans all users, sessions or words. It may scan only small tables and indexes made for the purpose.
func TestNoFullScans(t *testing.T) {
	s := open(t, Config{})
	for text := range statements(t, s) {
		args := map[string]bool{}
		for _, p := range parameter.FindAllString(text, -1) {
			args[p] = true
		}
		rows, err := s.w.queryKept(t.Context(), false, "EXPLAIN QUERY PLAN "+text, make([]any, len(args)))
		if err != nil {
			t.Errorf("EXPLAIN QUERY PLAN %s: %v", text, err)
			continue
		}
		type step struct {
			id, parent, unused int
			detail             string
		}
		steps, err := collect(rows, func(s *step) []any { return []any{&s.id, &s.parent, &s.unused, &s.detail} })
		do(t, "collect", err)
		for _, step := range steps {
			scan, ok := strings.CutPrefix(step.detail, "SCAN ")
			switch {
			case !ok:
			case text == sqlTally && scan == "users USING COVERING INDEX users_team":
			case text == sqlFacts && strings.HasPrefix(scan, "users USING INDEX users_facts"):
			case text == sqlOnlyElsewhere && strings.HasPrefix(scan, "i USING INDEX identities_provider"): // at the start
			case text == sqlPasskeyHosts && scan == "passkeys": // at the start
			case text == sqlAlerts && scan == "a USING INDEX alerts_rev": // a server reads all of them when it starts
			case scan == "v" && strings.HasPrefix(text, "UPDATE "): // the rows to stamp
			case scan == "w" && strings.HasPrefix(text, "WITH "), scan == "found", scan == "hits", scan == "live", scan == "words",
				scan == "h" && strings.HasPrefix(text, "WITH hits"), scan == "words", scan == "reach",
				scan == "t" && text == sqlTeamNames: // results of a subquery
			case strings.HasSuffix(scan, "-ROW VALUES CLAUSE"), scan == "CONSTANT ROW": // the rows to add
			default:
				t.Errorf("%s\n\thas the step %q, want a search by an index", text, step.detail)
			}
		}
	}
}

// The SQL and the schema use only what both SQLite and Postgres understand.
func TestSQLIsShared(t *testing.T) {
	s := open(t, Config{})
	texts := statements(t, s)
	steps, err := allMigrations(migrations)
	do(t, "allMigrations", err)
	for _, m := range steps {
		text := regexp.MustCompile(`--.*`).ReplaceAllString(m.text, "")
		texts[strings.ReplaceAll(text, "WITHOUT ROWID", "")] = true
	}
	own := regexp.MustCompile(`(?i)\b(I?LIKE|GLOB|AUTOINCREMENT|ROWID|NOCASE|PRAGMA|REPLACE|IGNORE|DATETIME|STRFTIME|LOWER|UPPER|` +
		`INTEGER|BLOB|BYTEA|LAST_INSERT_ROWID|IFNULL|STRICT|SERIAL|NOW|CURRENT_TIMESTAMP)\b|\?|` + "`")
	for text := range texts {
		if found := own.FindString(text); found != "" {
			t.Errorf("%s\n\tholds %q, which not every database understands", text, found)
		}
	}
}

// The two tests above see every statement: there are as many as constants named sql….
func TestEveryStatementIsChecked(t *testing.T) {
	files, err := filepath.Glob("*.go")
	do(t, "Glob", err)
	named := regexp.MustCompile(`(?m)^\s+(sql[A-Z]\w*)\s+=|^const (sql[A-Z]\w*) =`)
	n := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := os.ReadFile(file)
		do(t, "ReadFile", err)
		n += len(named.FindAll(source, -1))
	}
	s := open(t, Config{})
	// For one ID; for many IDs, names, and listed users; for stamps; for searches; and for imports.
	built := 1 + 3 + 4 + 6*searchWords + len(manyRows)
	texts := statements(t, s)
	if got := len(texts) - built; got != n {
		var all []string
		for text := range texts {
			all = append(all, fmt.Sprintf("%.60s", text))
		}
		t.Errorf("%d statements were run, want the %d that are named: %s", got, n, strings.Join(all, "\n"))
	}
}
