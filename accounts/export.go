package accounts

import (
	"cmp"
	"context"
	"errors"
	"time"
)

// Export is everything that is stored about a person, for them to download. Times are in UTC; zero times are left out.
// It doesn't include the hashes of passwords and tokens, which are secret, or internal data derived from the rest: keys
// for sorting and search, and the number of the last change.
type Export struct {
	Account      ExportedAccount    `json:"account"`
	Settings     ExportedSettings   `json:"settings"`
	Status       *ExportedStatus    `json:"status"`                        // null: none; an ended status stays until the next one
	Presets      []ExportedPreset   `json:"presets"`                       // last used first
	Favorites    []string           `json:"favorites"`                     // usernames
	Alerts       []ExportedAlert    `json:"alerts"`                        // about whom the person wants to be told
	Claims       []ExportedClaim    `json:"claims"`                        // what programs said about the person, by key
	Sessions     []ExportedSession  `json:"sessions"`                      // sign-ins, last used first
	Browsers     []ExportedBrowser  `json:"known_browsers"`                // browsers in which the person signed in, last used first
	Passkeys     []ExportedPasskey  `json:"passkeys"`                      // the oldest first
	App          *ExportedApp       `json:"authenticator_app"`             // null: none
	Tokens       []ExportedToken    `json:"tokens"`                        // access tokens, the newest first
	Identities   []ExportedIdentity `json:"identities"`                    // accounts elsewhere with which the person signs in, the oldest first
	Shares       []ExportedShare    `json:"shares"`                        // links that the person made, the newest first
	Hooks        []ExportedHook     `json:"webhooks"`                      // of the person, the oldest first
	SeenBy       int                `json:"webhooks_about_me"`             // of others; the caller counts them, because it knows who sees whom
	SeenByPeople int                `json:"people_with_webhooks_about_me"` // the same
	Acts         []ExportedAct      `json:"acts"`                          // what the audit log has about the person, the newest first
	LastSeen     time.Time          `json:"last_seen,omitzero"`            // the last input, exactly, whatever others see
}

// ExportedAccount is who the person is.
type ExportedAccount struct {
	ID          string    `json:"id"`       // identifies the person on the board
	Username    string    `json:"username"` // to sign in with
	DisplayName string    `json:"display_name"`
	Team        string    `json:"team"` // "": none
	Pronouns    string    `json:"pronouns"`
	Contacts    []string  `json:"contacts"` // URLs
	Email       string    `json:"email"`    // only the person and administrators see it
	Admin       bool      `json:"admin"`
	AdminBy     string    `json:"admin_by,omitempty"` // key of the provider that made them an administrator; missing: nobody or a person
	TeamBy      string    `json:"team_by,omitempty"`  // the same for the team
	Disabled    bool      `json:"disabled"`           // by the operator
	CreatedAt   time.Time `json:"created_at"`
}

// ExportedSettings is what the person chose.
type ExportedSettings struct {
	IdleAfter      int       `json:"idle_after_minutes"` // 0: the default of this Rollcall; -1: never idle
	LastSeen       string    `json:"show_last_seen"`     // approximate, exact or nobody
	TimeZone       string    `json:"time_zone"`          // IANA name; "": unknown
	ShareTime      bool      `json:"share_local_time"`
	Public         bool      `json:"public_pages"` // embeds on public web pages may show the person
	AllowAlerts    bool      `json:"allow_alerts"` // others may ask to be told when the person is here
	Theme          string    `json:"theme"`        // system, light or dark
	Announce       bool      `json:"announce"`     // screen readers announce who comes and goes
	Invisible      bool      `json:"invisible"`
	InvisibleSince time.Time `json:"invisible_since,omitzero"`
}

// ExportedStatus is what the person set by hand.
type ExportedStatus struct {
	State string    `json:"state"` // online, away, dnd, or "" for automatic
	Text  string    `json:"text"`
	Emoji string    `json:"emoji"`
	Until time.Time `json:"until,omitzero"` // missing: no end
	SetAt time.Time `json:"set_at"`
}

// ExportedPreset is a status that the person set before.
type ExportedPreset struct {
	State string `json:"state"`
	Text  string `json:"text"`
	Emoji string `json:"emoji"`
	Lasts string `json:"lasts"` // 30m, 1h, 2h, 4h, today, week, or "" for no end
}

// ExportedAlert is a wish to be told when somebody is here.
type ExportedAlert struct {
	Username  string    `json:"username"` // about whom
	For       string    `json:"for"`      // here, or free: can be disturbed
	AskedAt   time.Time `json:"asked_at"`
	ExpiresAt time.Time `json:"expires_at"`
	ToldAt    time.Time `json:"told_at,omitzero"` // missing: not yet
}

// ExportedSession is one sign-in.
type ExportedSession struct {
	Browser   string    `json:"browser"` // user agent
	Address   string    `json:"address"` // address of the sign-in
	CreatedAt time.Time `json:"created_at"`
	UsedAt    time.Time `json:"last_used_at"`
	ExpiresAt time.Time `json:"expires_at"`
	Unnoticed bool      `json:"unconfirmed,omitempty"` // started in a new browser, and the person hasn't confirmed it
	Method    Method    `json:"method"`                // how it was started
	Factors   string    `json:"factors"`               // what the person proved last, such as password+totp
	ProvedAt  time.Time `json:"proved_at,omitzero"`    // when
	Provider  string    `json:"provider,omitempty"`    // key of the provider that started it
}

// ExportedIdentity is an account at a provider, or what a proxy calls the person.
type ExportedIdentity struct {
	Provider  string    `json:"provider"` // its key
	Issuer    string    `json:"issuer"`
	Subject   string    `json:"subject"` // the provider's ID of the person
	Label     string    `json:"label"`   // what the provider calls the person
	CreatedAt time.Time `json:"created_at"`
	UsedAt    time.Time `json:"last_used_at"`
}

// ExportedAct is a line of the audit log: something that was done to the account, or that the person did as an
// administrator.
type ExportedAct struct {
	At      time.Time         `json:"at"`
	Action  Action            `json:"action"`
	By      string            `json:"by"`                // you, administrator, visitor, command-line, system, or provider: and its key
	Address string            `json:"address,omitempty"` // of the person's own browser, for 30 days
	Detail  map[string]string `json:"detail,omitempty"`
}

// ExportedBrowser is a browser in which the person has signed in with the right password.
type ExportedBrowser struct {
	SignedInAt time.Time `json:"signed_in_at"`       // last
	NewSince   time.Time `json:"new_since,omitzero"` // zero: the person has confirmed it
}

const sqlBrowsers = `SELECT used_at, new_since FROM known_browsers WHERE user_id = $1 ORDER BY used_at DESC LIMIT $2`

// Export returns everything that is stored about a person, read in one snapshot. Error: ErrNotFound.
func (s *Store) Export(ctx context.Context, userID string) (Export, error) {
	var x Export
	err := s.snapshot(ctx, func(ctx context.Context, t *transaction) error {
		u, err := readUser(ctx, t, sqlUserByID, []any{userID})
		if err != nil {
			return err
		}
		d, err := readDetails(ctx, t, userID)
		if err != nil {
			return err
		}
		x = exportUser(u, d)
		if err := t.queryRow(ctx, sqlGivenBy, []any{userID}, &x.Account.AdminBy, &x.Account.TeamBy); err != nil {
			return err
		}
		if err := t.queryRow(ctx, sqlEmail, []any{userID}, &x.Account.Email); err != nil {
			return err
		}
		return exportLists(ctx, t, userID, &x)
	})
	return x, wrap("export", err)
}

// exportUser returns the part of an Export that comes from the person's own row.
func exportUser(u User, d Details) Export {
	x := Export{
		Account: ExportedAccount{
			ID: u.ID, Username: u.Username, DisplayName: u.DisplayName, Team: u.Team, Pronouns: d.Pronouns,
			Contacts: d.Contacts, Admin: u.Admin, Disabled: u.Disabled, CreatedAt: u.CreatedAt,
		},
		Settings: ExportedSettings{
			IdleAfter: int(u.IdleAfter / time.Minute), LastSeen: cmp.Or(u.ShowLastSeen, "approximate"), TimeZone: u.TimeZone,
			ShareTime: d.ShareTime, Public: d.Public, AllowAlerts: !d.NoAlerts, Theme: cmp.Or(u.Theme, "system"), Announce: u.Announce,
			Invisible: u.Invisible, InvisibleSince: u.InvisibleSince,
		},
		LastSeen: u.LastSeen,
		Presets:  []ExportedPreset{}, Sessions: []ExportedSession{}, Browsers: []ExportedBrowser{}, // [] in JSON, never null
		Favorites: []string{}, Alerts: []ExportedAlert{}, Claims: []ExportedClaim{}, Acts: []ExportedAct{},
		Passkeys:   []ExportedPasskey{},
		Identities: []ExportedIdentity{}, Tokens: []ExportedToken{}, Shares: []ExportedShare{}, Hooks: []ExportedHook{},
	}
	if x.Account.Contacts == nil {
		x.Account.Contacts = []string{}
	}
	if u.IdleAfter < 0 {
		x.Settings.IdleAfter = -1
	}
	if w := u.Status; w.says() {
		x.Status = &ExportedStatus{w.State, w.Text, w.Emoji, w.Until, w.SetAt}
	}
	return x
}

// exportLists fills in the data from other tables.
func exportLists(ctx context.Context, t *transaction, userID string, x *Export) error {
	presets, err := readPresets(ctx, t, userID)
	if err != nil {
		return err
	}
	for _, p := range presets {
		x.Presets = append(x.Presets, ExportedPreset{p.State, p.Text, p.Emoji, p.Lasts})
	}
	names, err := t.strings(ctx, sqlFavoriteNames, userID, MaxFavorites)
	if err != nil {
		return err
	}
	x.Favorites = append(x.Favorites, names...)
	alerts, err := readAlerts(ctx, t, sqlAlertsOf, userID)
	if err != nil {
		return err
	}
	for _, a := range alerts {
		x.Alerts = append(x.Alerts, ExportedAlert{a.Username, a.Kind, a.AskedAt, a.ExpiresAt, a.ToldAt})
	}
	if err := exportClaims(ctx, t, userID, x); err != nil {
		return err
	}
	sessions, err := readSessions(ctx, t, sqlStoredSessions, userID, 0, maxSessions)
	if err != nil {
		return err
	}
	for _, s := range sessions {
		x.Sessions = append(x.Sessions, ExportedSession{s.UserAgent, s.Address, s.CreatedAt, s.UsedAt, s.ExpiresAt,
			s.Unnoticed, s.Method, s.Factors, s.ProvedAt, s.Provider})
	}
	if err := exportTokens(ctx, t, userID, x); err != nil {
		return err
	}
	identities, err := readIdentities(ctx, t, userID)
	if err != nil {
		return err
	}
	for _, i := range identities {
		x.Identities = append(x.Identities, ExportedIdentity{i.Provider, i.Issuer, i.Subject, i.Label, i.CreatedAt, i.UsedAt})
	}
	rows, err := t.query(ctx, sqlBrowsers, userID, maxBrowsers)
	if err != nil {
		return err
	}
	browsers, err := collect(rows, func(b *[2]int64) []any { return []any{&b[0], &b[1]} })
	for _, b := range browsers {
		x.Browsers = append(x.Browsers, ExportedBrowser{at(b[0]), at(b[1])})
	}
	if err != nil {
		return err
	}
	if err := errors.Join(exportFactors(ctx, t, userID, x), exportShares(ctx, t, userID, x),
		exportHooks(ctx, t, userID, x)); err != nil {
		return err
	}
	return exportActs(ctx, t, userID, x)
}

// exportActs adds the lines of the audit log in which the person is the target or the actor. Other people aren't named.
func exportActs(ctx context.Context, t *transaction, userID string, x *Export) error {
	entries, err := readAudit(ctx, t, sqlAuditAbout, "g", maxAuditPage, TargetUser(userID), string(ByUser(userID)))
	for _, e := range entries {
		act := ExportedAct{At: e.At, Action: e.Action, By: string(e.Actor), Detail: e.Detail}
		switch UserOf(e.Actor) {
		case "":
		case userID:
			act.By, act.Address = "you", e.Address
		default:
			act.By = "administrator"
		}
		x.Acts = append(x.Acts, act)
	}
	return err
}
