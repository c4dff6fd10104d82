package accounts

import (
	"cmp"
	"context"
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"
)

// writes calls every exported method that writes, with arguments that change something. The methods in reads don't
// write.
var writes = map[string]func(ctx context.Context, s *Store, u User, session Session) error{
	"Create": func(ctx context.Context, s *Store, _ User, _ Session) error {
		_, err := s.Create(ctx, NewUser{Username: "created", Password: secret})
		return err
	},
	"Import": func(ctx context.Context, s *Store, _ User, _ Session) error {
		return second(s.Import(ctx, []NewUser{{Username: "imported", Password: secret}}))
	},
	"SetUp": func(ctx context.Context, s *Store, u User, _ Session) error {
		if err := s.Delete(Forced(As(ctx, System)), u.ID); err != nil && !errors.Is(err, ErrNotFound) { // it needs an empty board
			return err
		}
		_, err := s.SetUp(ctx, NewUser{Username: "first", Password: secret}, nil)
		return err
	},
	"Link": func(ctx context.Context, s *Store, u User, _ Session) error {
		return s.Link(ctx, u.ID, corp("ada-1"))
	},
	"Unlink": func(ctx context.Context, s *Store, u User, _ Session) error {
		if err := s.Link(As(ctx, System), u.ID, corp("ada-1")); err != nil {
			return err
		}
		return s.Unlink(ctx, u.ID, corp("ada-1").ID(), "", Ways{})
	},
	"SignInByIdentity": func(ctx context.Context, s *Store, _ User, _ Session) error {
		_, _, _, err := s.SignInByIdentity(ctx, atCorp("bob-1", "bob"))
		return err
	},
	"EndProviderSessions": func(ctx context.Context, s *Store, _ User, _ Session) error {
		_, err := s.EndProviderSessions(ctx, ProviderLogout{Provider: "corp", Session: "x"}, Once{"y", time.Now()})
		return err
	},
	"MakeSetupCode": func(ctx context.Context, s *Store, _ User, _ Session) error {
		_, err := s.MakeSetupCode(ctx)
		return err
	},
	"Rename":  func(ctx context.Context, s *Store, u User, _ Session) error { return s.Rename(ctx, u.ID, "New") },
	"SetTeam": func(ctx context.Context, s *Store, u User, _ Session) error { return s.SetTeam(ctx, u.ID, "New") },
	"SetProfile": func(ctx context.Context, s *Store, u User, _ Session) error {
		return s.SetProfile(ctx, u.ID, "Newer", "Newer", true)
	},
	"ChangeProfile": func(ctx context.Context, s *Store, u User, _ Session) error {
		return s.ChangeProfile(ctx, u.ID, true, func(p *Profile) error { p.Team = "Newest"; return nil })
	},
	"ChangeEmail": func(ctx context.Context, s *Store, u User, _ Session) error {
		return s.ChangeEmail(ctx, u.ID, func(string) (string, error) { return "new@example.org", nil })
	},
	"SetDisabled": func(ctx context.Context, s *Store, u User, _ Session) error { return s.SetDisabled(ctx, u.ID, true) },
	"Delete":      func(ctx context.Context, s *Store, u User, _ Session) error { return s.Delete(ctx, u.ID) },
	"SetPassword": func(ctx context.Context, s *Store, u User, _ Session) error {
		return s.SetPassword(ctx, u.ID, "another phrase", "")
	},
	"ChangePassword": func(ctx context.Context, s *Store, u User, _ Session) error {
		return s.ChangePassword(ctx, u.ID, secret, "another phrase", "")
	},
	"SetStatus": func(ctx context.Context, s *Store, u User, _ Session) error {
		return s.SetStatus(ctx, u.ID, Status{Text: "Tea"}, "")
	},
	"SetInvisible": func(ctx context.Context, s *Store, u User, _ Session) error {
		return s.SetInvisible(ctx, u.ID, true)
	},
	"ForgetPreset": func(ctx context.Context, s *Store, u User, _ Session) error { return s.ForgetPreset(ctx, u.ID, "x") },
	"ChangePreferences": func(ctx context.Context, s *Store, u User, _ Session) error {
		return s.ChangePreferences(ctx, u.ID, func(p *Preferences) { p.Theme = "dark" })
	},
	"GuessTimeZone": func(ctx context.Context, s *Store, u User, _ Session) error {
		return s.GuessTimeZone(ctx, u.ID, "Europe/Berlin")
	},
	"ChangeDetails": func(ctx context.Context, s *Store, u User, _ Session) error {
		return setDetails(ctx, s, u.ID, Details{Pronouns: "they"})
	},
	"MakeShare": func(ctx context.Context, s *Store, u User, _ Session) error {
		_, _, err := s.MakeShare(ctx, u.ID, NewShare{Kind: WallShare})
		return err
	},
	"RevokeShare": func(ctx context.Context, s *Store, u User, _ Session) error {
		if err := s.RevokeShare(ctx, u.ID, "x"); !errors.Is(err, ErrNoShare) {
			return err
		}
		return nil
	},
	"TouchShares": func(ctx context.Context, s *Store, _ User, _ Session) error {
		return s.TouchShares(ctx, map[string]time.Time{"x": time.Now()})
	},
	"SetFavorite": func(ctx context.Context, s *Store, u User, _ Session) error {
		return s.SetFavorite(ctx, u.ID, "x", false)
	},
	"SetAlert": func(ctx context.Context, s *Store, u User, _ Session) error {
		other, err := s.Create(As(ctx, System),
			NewUser{Username: "other",
				PasswordHash: "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$L8vLhz8wGpbyLHbSxRQ0H5cAHqv6C0rYZ8hEGYe0w2M"})
		if err != nil && !errors.Is(err, ErrTaken) {
			return err
		}
		if errors.Is(err, ErrTaken) {
			other, err = s.UserByName(ctx, "other")
		}
		return cmp.Or(err, s.SetAlert(ctx, u.ID, other.ID, AlertHere))
	},
	"PutClaim": func(ctx context.Context, s *Store, u User, _ Session) error {
		_, _, err := s.PutClaim(ctx, u.ID, Claim{Key: "build", State: "dnd"}, time.Minute)
		return err
	},
	"DeleteClaim": func(ctx context.Context, s *Store, u User, _ Session) error {
		return second(s.DeleteClaim(ctx, u.ID, "build"))
	},
	"DropAlert":   func(ctx context.Context, s *Store, u User, _ Session) error { return s.DropAlert(ctx, u.ID, "x") },
	"TellAlert":   func(ctx context.Context, s *Store, u User, _ Session) error { return s.TellAlert(ctx, u.ID, "x") },
	"PurgeAlerts": func(ctx context.Context, s *Store, _ User, _ Session) error { return s.PurgeAlerts(ctx) },
	"StartSession": func(ctx context.Context, s *Store, u User, _ Session) error {
		_, _, err := s.StartSession(ctx, SignIn{UserID: u.ID, UserAgent: "browser", Address: "192.0.2.1"})
		return err
	},
	"EndSession": func(ctx context.Context, s *Store, _ User, x Session) error { return s.EndSession(ctx, x.ID) },
	"EndSessionOf": func(ctx context.Context, s *Store, u User, x Session) error {
		return s.EndSessionOf(ctx, u.ID, x.ID)
	},
	"EndOtherSessions": func(ctx context.Context, s *Store, u User, _ Session) error {
		_, err := s.EndOtherSessions(ctx, u.ID, "", false)
		return err
	},
	"ChangeUser": func(ctx context.Context, s *Store, u User, _ Session) error {
		return s.ChangeUser(ctx, u.ID, UserChange{DisplayName: new("Changed")})
	},
	"CreateToken": func(ctx context.Context, s *Store, u User, _ Session) error {
		_, err := createFor(s, ctx, NewToken{UserID: u.ID, Scopes: []Scope{ReadMe}})
		return err
	},
	"RevokeToken": func(ctx context.Context, s *Store, u User, _ Session) error {
		x, err := createFor(s, As(ctx, System), NewToken{UserID: u.ID, Scopes: []Scope{ReadMe}})
		if err != nil {
			return err
		}
		return s.RevokeToken(ctx, u.ID, x.ID)
	},
	"TouchTokens": func(ctx context.Context, s *Store, _ User, _ Session) error {
		return s.TouchTokens(ctx, map[string]time.Time{"x": time.Now()})
	},
	"RememberBrowser": func(ctx context.Context, s *Store, u User, _ Session) error {
		_, err := s.RememberBrowser(ctx, u.ID, "")
		return err
	},
	"RememberNewBrowser": func(ctx context.Context, s *Store, u User, x Session) error {
		_, err := s.RememberNewBrowser(ctx, u.ID, "", x.ID)
		return err
	},
	"RenewToken": func(ctx context.Context, s *Store, u User, x Session) error {
		_, err := s.RenewToken(ctx, u.ID, x.ID)
		return err
	},
	"StampSeen": func(ctx context.Context, s *Store, u User, _ Session) error {
		return s.StampSeen(ctx, map[string]time.Time{u.ID: time.Now()})
	},
	"TouchSessions": func(ctx context.Context, s *Store, _ User, x Session) error {
		return s.TouchSessions(ctx, map[string]time.Time{x.ID: time.Now()})
	},
	"SetAdmin": func(ctx context.Context, s *Store, u User, _ Session) error { return s.SetAdmin(ctx, u.ID, true) },
	"Invite": func(ctx context.Context, s *Store, _ User, _ Session) error {
		_, _, err := s.Invite(ctx, NewInvitation{Uses: 1, Age: time.Hour})
		return err
	},
	"Revoke": func(ctx context.Context, s *Store, _ User, _ Session) error { return unlessLink(s.Revoke(ctx, "x")) },
	"MakeResetLink": func(ctx context.Context, s *Store, u User, _ Session) error {
		return second(s.MakeResetLink(ctx, u.ID))
	},
	"ResetPassword": func(ctx context.Context, s *Store, u User, _ Session) error {
		token, err := s.MakeResetLink(As(ctx, System), u.ID)
		return cmp.Or(err, s.ResetPassword(ctx, token, "another phrase"))
	},
	"Prove": func(ctx context.Context, s *Store, u User, x Session) error {
		return second(s.Prove(ctx, u.ID, x.ID, Proof{}))
	},
	"SignUp": func(ctx context.Context, s *Store, _ User, _ Session) error {
		_, _, err := s.SignUp(ctx, NewUser{Username: "joined", Password: secret}, Joining{})
		return err
	},
	"Approve": func(ctx context.Context, s *Store, _ User, _ Session) error {
		return unlessMissing(s.Approve(ctx, "x"))
	},
	"Decline": func(ctx context.Context, s *Store, _ User, _ Session) error {
		return unlessMissing(s.Decline(ctx, "x"))
	},
	"RenameTeam": func(ctx context.Context, s *Store, _ User, _ Session) error {
		return unlessMissing(second(s.RenameTeam(ctx, "Ops", "Dev")))
	},
	"PairTeams": func(ctx context.Context, s *Store, u User, _ Session) error {
		if err := s.SetTeam(As(ctx, System), u.ID, "Ops"); err != nil {
			return err
		}
		_, err := s.Create(As(ctx, System), NewUser{Username: "devon", Team: "Dev", Password: secret})
		if err != nil && !errors.Is(err, ErrTaken) {
			return err
		}
		return s.PairTeams(ctx, "Ops", "Dev")
	},
	"UnpairTeams": func(ctx context.Context, s *Store, _ User, _ Session) error {
		return unlessMissing(s.UnpairTeams(ctx, "Ops", "Dev"))
	},
	"SetTeamOf": func(ctx context.Context, s *Store, _ User, _ Session) error {
		return second(s.SetTeamOf(ctx, nil, "Dev"))
	},
	"DisableAll": func(ctx context.Context, s *Store, _ User, _ Session) error { return second(s.DisableAll(ctx, nil)) },
	"DeleteAll":  func(ctx context.Context, s *Store, _ User, _ Session) error { return second(s.DeleteAll(ctx, nil)) },
	"SignOut":    func(ctx context.Context, s *Store, _ User, _ Session) error { return second(s.SignOut(ctx, nil)) },
	"ChangeSettings": func(ctx context.Context, s *Store, _ User, _ Session) error {
		return s.ChangeSettings(ctx, func(x *Settings) error { x.Teams = TeamsFixed; return nil })
	},
	"RecordExport": func(ctx context.Context, s *Store, _ User, _ Session) error {
		return s.RecordExport(ctx, AuditExported)
	},
	"Spend": func(ctx context.Context, s *Store, u User, x Session) error {
		return s.Spend(ctx, once("x"))
	},
	"SharedSecret": func(ctx context.Context, s *Store, u User, x Session) error {
		return second(s.SharedSecret(ctx))
	},
	"WantHandle": func(ctx context.Context, s *Store, u User, x Session) error {
		return second(s.WantHandle(ctx, u.ID, "handle"))
	},
	"AddPasskey": func(ctx context.Context, s *Store, u User, x Session) error {
		return s.AddPasskey(ctx, newPasskey(u.ID, "cred"), once("x"))
	},
	"RenamePasskey": func(ctx context.Context, s *Store, u User, x Session) error {
		return unlessPasskey(s.RenamePasskey(ctx, u.ID, "cred", "Phone"))
	},
	"RemovePasskey": func(ctx context.Context, s *Store, u User, x Session) error {
		return unlessPasskey(s.RemovePasskey(ctx, u.ID, "cred", Ways{}))
	},
	"AddTOTP": func(ctx context.Context, s *Store, u User, x Session) error {
		return s.AddTOTP(ctx, u.ID, TOTP{}, 1, nil)
	},
	"RemoveTOTP": func(ctx context.Context, s *Store, u User, x Session) error {
		return s.RemoveTOTP(ctx, u.ID)
	},
	"ReplaceRecoveryCodes": func(ctx context.Context, s *Store, u User, x Session) error {
		if err := s.ReplaceRecoveryCodes(ctx, u.ID, nil); !errors.Is(err, ErrNoTOTP) {
			return err
		}
		return nil
	},
	"ResetFactors": func(ctx context.Context, s *Store, u User, x Session) error {
		return s.ResetFactors(ctx, u.ID)
	},
	"ChooseFirstPassword": func(ctx context.Context, s *Store, u User, x Session) error {
		if err := s.ChooseFirstPassword(ctx, u.ID, "another phrase", ""); !errors.Is(err, ErrCredentials) {
			return err
		}
		return nil
	},
	"Prune": func(ctx context.Context, s *Store, _ User, _ Session) error { return s.Prune(ctx) },
}

// hookWrites is writes for webhooks.
var hookWrites = map[string]func(ctx context.Context, s *Store, u User, session Session) error{
	"AddHook": func(ctx context.Context, s *Store, u User, _ Session) error {
		return second(s.AddHook(ctx, u.ID, wish(HookWish{})))
	},
	"ChangeHook": func(ctx context.Context, s *Store, u User, _ Session) error {
		return unlessHook(s.ChangeHook(ctx, u.ID, "x", wish(HookWish{})))
	},
	"RotateHook": func(ctx context.Context, s *Store, u User, _ Session) error {
		return unlessHook(second(s.RotateHook(ctx, u.ID, "x")))
	},
	"PauseHook": func(ctx context.Context, s *Store, u User, _ Session) error {
		return unlessHook(s.PauseHook(ctx, u.ID, "x"))
	},
	"StartHook": func(ctx context.Context, s *Store, u User, _ Session) error {
		return unlessHook(s.StartHook(ctx, u.ID, "x"))
	},
	"DeleteHook": func(ctx context.Context, s *Store, u User, _ Session) error {
		return unlessHook(s.DeleteHook(ctx, u.ID, "x"))
	},
	"StopHook": func(ctx context.Context, s *Store, _ User, _ Session) error { return s.StopHook(ctx, Hook{}, HookGone) },
	"AddTest": func(ctx context.Context, s *Store, _ User, _ Session) error {
		return unlessHook(s.AddTest(ctx, Hook{}, Delivery{}))
	},
	"SetTold": func(ctx context.Context, s *Store, _ User, _ Session) error {
		return unlessHook(s.SetTold(ctx, "x", Hook{}, nil))
	},
	"BeginAttempt": func(ctx context.Context, s *Store, _ User, _ Session) error {
		return unlessHook(s.BeginAttempt(ctx, Attempt{}))
	},
	"EndAttempt": func(ctx context.Context, s *Store, _ User, _ Session) error {
		return s.EndAttempt(ctx, Attempt{}, Outcome{})
	},
	"DropMessage": func(ctx context.Context, s *Store, _ User, _ Session) error {
		return unlessHook(s.DropMessage(ctx, "x", Hook{}, "y"))
	},
	"TakeLease": func(ctx context.Context, s *Store, _ User, _ Session) error {
		_, _, err := s.TakeLease(ctx, "x", time.Second)
		return err
	},
	"DropLease": func(ctx context.Context, s *Store, _ User, _ Session) error { return s.DropLease(ctx, "x") },
}

// unlessHook takes the errors about a hook that isn't there for success: the write was let in.
func unlessHook(err error) error {
	if errors.Is(err, ErrNoHook) || errors.Is(err, ErrNotOurs) {
		return nil
	}
	return err
}

func second[T any](_ T, err error) error { return err }

func unlessPasskey(err error) error {
	if errors.Is(err, ErrNoPasskey) {
		return nil
	}
	return err
}

// unlessLink and unlessMissing take the errors about what a write didn't find for success: it was let in.
func unlessLink(err error) error {
	if errors.Is(err, ErrNoLink) {
		return nil
	}
	return err
}

func unlessMissing(err error) error {
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// Authenticate and CheckPassword may renew a hash, with the actor System.
var reads = []string{
	"AnySession", "Authenticate", "Changes", "CheckImport", "CheckPassword", "Close", "Committed", "CountPeople",
	"CursorBehind", "Empty", "Export",
	"Facts", "HashPassword", "ID",
	"IsNewBrowser", "KnownBrowser", "Lost", "People", "PeopleByID", "PeopleByName", "Ping", "Presets", "PublicPeople", "Rev",
	"SessionByToken", "Sessions",
	"HasSetupCode", "IsSetupCode", "ShareByToken", "ShareScopes", "UsedByOthers", "Shares", "TeamPairs",
	"Stats",
	"Tally", "TeamNames", "TokenReaders", "UserByID", "UserByName", "Users",
	"Alert", "Alerts", "AlertsOf", "Claims", "Details", "Favorites", "IsFavorite",
	"AnyAdmin", "Audit", "CountUsers", "Invitation", "Invitations", "IsWaiting", "ListUsers", "ListedUser",
	"ResetLinkUser", "Settings", "WaitingPeople",
	"Identities", "OnlyElsewhere", "PasskeyHosts", "UserByIdentity",
	"CountMails", "Email", "Emails", "MailQueued", "Recipient", "RecipientBy", "SendsMail", "SignUpLink", "UndoLink",
	"Unnoticed", "VerifyLink",
	"OwnWays", "PasskeyOwner", "TOTP",
	"AllTokens", "TokenByText", "Tokens",
	"ActiveHooks", "AllHooks", "Deliveries", "Hook", "Hooks", "HooksAbout", "Told",
}

// Every exported method that writes refuses to do so without an actor. All other methods are listed in reads.
func TestEveryWriteHasAnActor(t *testing.T) {
	methods := reflect.TypeFor[*Store]()
	for i := range methods.NumMethod() {
		name := methods.Method(i).Name
		write, ok := writes[name]
		if !ok {
			write, ok = mailWrites[name]
		}
		if !ok {
			write, ok = hookWrites[name]
		}
		if !ok {
			if !slices.Contains(reads, name) {
				t.Errorf("%s is in neither writes nor reads", name)
			}
			continue
		}
		t.Run(name, func(t *testing.T) {
			s := open(t, Config{})
			u := add(t, s, "ada", "", "")
			_, session := signIn(t, s, u.ID)
			s.usualActor = ""
			wantErr(t, name+" without an actor", write(t.Context(), s, u, session), ErrNoActor)
			do(t, name+" by a user", write(As(t.Context(), ByUser(u.ID)), s, u, session))
		})
	}
}

// A transaction has the actor of its context, or else the store's default actor.
func TestActorOfATransaction(t *testing.T) {
	s := open(t, Config{Actor: CommandLine})
	for _, c := range []struct {
		ctx  context.Context
		want Actor
	}{
		{t.Context(), CommandLine},
		{As(t.Context(), ByUser("7")), "user:7"},
		{As(As(t.Context(), Visitor), System), System},
	} {
		type writer func(context.Context, func(context.Context, *transaction) error) error
		for name, write := range map[string]writer{"write": s.write, "note": s.note} {
			err := write(c.ctx, func(_ context.Context, tx *transaction) error {
				if tx.actor != c.want {
					return errors.New("the actor is " + string(tx.actor))
				}
				return nil
			})
			do(t, name+" by "+string(c.want), err)
		}
	}
}

// Renewing a hash during a sign-in doesn't need the caller's actor.
func TestRenewingHashNeedsNoActor(t *testing.T) {
	s := open(t, Config{})
	old := newPHC(secret, argonParams{memory: 16, time: 1, threads: 1}).String()
	u, err := s.Create(t.Context(), NewUser{Username: "eve", PasswordHash: old})
	do(t, "Create", err)
	s.usualActor = ""
	var was, is string
	stored := func(hash *string) {
		do(t, "read", s.r.queryRow(t.Context(), "SELECT password_hash FROM users WHERE id = $1", []any{u.ID}, hash))
	}
	stored(&was)
	_, err = s.Authenticate(t.Context(), "eve", secret)
	do(t, "Authenticate", err)
	if stored(&is); is == was {
		t.Error("the hash wasn't renewed")
	}
}
