package accounts

import (
	"cmp"
	"context"
	"slices"
)

// Settings are what administrators choose for the board, in the browser or on the command line. "" is the default of
// the server. Flags of the server override them.
type Settings struct {
	BoardName  string
	SignUp     string // who may make an account: one of SignUpModes
	Domains    string // of email addresses whose owners may, with SignUpDomains; separated by spaces
	Teams      string // who may choose a team: one of TeamRules
	Visibility string // whom people see: one of Visibilities
	Invisible  string // whether people may go invisible: on or off
}

// The values of Settings.SignUp.
const (
	SignUpOpen    = "open"    // anybody
	SignUpInvite  = "invite"  // people with an invitation
	SignUpApprove = "approve" // anybody, but an administrator has to approve; people with an invitation at once
	SignUpDomains = "domains" // people with an email address at one of Settings.Domains, or with an invitation
	SignUpOff     = "off"     // nobody without an invitation, and no page says how to get one
)

// The values of Settings.Teams.
const (
	TeamsOpen     = "open"     // people choose a team or name a new one
	TeamsExisting = "existing" // people choose an existing team
	TeamsFixed    = "fixed"    // only administrators choose
)

// The values of Settings.Visibility.
const (
	VisibleEveryone = "everyone" // everybody sees everybody
	VisibleTeams    = "teams"    // people see their own team and teams paired with it; administrators see everybody
)

// Options of Settings, without "".
var (
	SignUpModes  = []string{SignUpOpen, SignUpInvite, SignUpApprove, SignUpDomains, SignUpOff}
	TeamRules    = []string{TeamsOpen, TeamsExisting, TeamsFixed}
	Visibilities = []string{VisibleEveryone, VisibleTeams}
	onOff        = []string{"on", "off"}
)

// A setting is one field of Settings and its stored name, which is also the name of the field in forms.
type setting struct {
	name    string
	value   *string
	options []string // allowed values besides ""; nil: see clean
	clean   func(string) (string, error)
}

func (s *Settings) all() []setting {
	return []setting{
		{"board_name", &s.BoardName, nil, CleanBoardName}, {"signup", &s.SignUp, SignUpModes, nil},
		{domainsSetting, &s.Domains, nil, CleanDomains},
		{"teams", &s.Teams, TeamRules, nil}, {"visibility", &s.Visibility, Visibilities, nil},
		{"invisible", &s.Invisible, onOff, nil},
	}
}

const (
	sqlSettings     = `SELECT name, value FROM settings WHERE name > '' AND name <> 'setup_code'`
	sqlSettingSince = `SELECT name FROM settings WHERE name > '' AND rev > $1 LIMIT 1`
)

// clean checks what differs from was and brings it into the form in which it's stored. It refuses to replace a choice
// that this version doesn't know, except by the default: a newer version, perhaps on another server, relies on it.
func (s *Settings) clean(was Settings) FieldErrors {
	var wrong FieldErrors
	old := was.all()
	for i, x := range s.all() {
		stored := *old[i].value
		switch {
		case *x.value == stored, *x.value == "":
		case x.options == nil:
			value, err := x.clean(*x.value)
			wrong.add(err)
			*x.value = value
		case !slices.Contains(x.options, *x.value):
			wrong.add(wrongField(x.name, NotAnOption))
		case stored != "" && !slices.Contains(x.options, stored):
			wrong.add(&FieldError{Field: x.name, Code: NewerValue, Detail: clip(stored, maxName)})
		}
	}
	return wrong
}

// Settings returns the stored settings.
func (s *Store) Settings(ctx context.Context) (Settings, error) {
	stored, err := readSettings(ctx, s.r)
	return stored, wrap("read settings", err)
}

func readSettings(ctx context.Context, from reader) (Settings, error) {
	rows, err := from.query(ctx, sqlSettings)
	if err != nil {
		return Settings{}, err
	}
	type row struct{ name, value string }
	found, err := collect(rows, func(r *row) []any { return []any{&r.name, &r.value} })
	var stored Settings
	for _, x := range stored.all() {
		for _, r := range found {
			if r.name == x.name {
				*x.value = r.value
			}
		}
	}
	return stored, err
}

// newSettings returns the settings if any of them has changed since a rev, or nil.
func newSettings(ctx context.Context, t *transaction, since int64) (*Settings, error) {
	changed, err := t.strings(ctx, sqlSettingSince, since)
	if err != nil || len(changed) == 0 {
		return nil, err
	}
	stored, err := readSettings(ctx, t)
	return &stored, err
}

// ChangeSettings changes the stored settings with change, whose error it returns. Only settings that change are checked
// and stored. Errors: FieldErrors.
func (s *Store) ChangeSettings(ctx context.Context, change func(*Settings) error) error {
	err := s.write(ctx, func(ctx context.Context, t *transaction) error {
		was, err := readSettings(ctx, t)
		if err != nil {
			return err
		}
		now := was
		if err := change(&now); err != nil {
			return err
		}
		if wrong := now.clean(was); len(wrong) > 0 {
			return wrong
		}
		return putSettings(ctx, t, was, now)
	})
	return wrap("change settings", err)
}

// putSettings stores what differs between was and now.
func putSettings(ctx context.Context, t *transaction, was, now Settings) error {
	changed := map[string]string{}
	old := was.all()
	for i, x := range now.all() {
		if *x.value == *old[i].value {
			continue
		}
		rev, err := t.nextRev(ctx)
		if err != nil {
			return err
		}
		if _, err := t.exec(ctx, sqlSet, x.name, *x.value, rev); err != nil {
			return err
		}
		changed[x.name] = *x.value
	}
	if len(changed) == 0 {
		return nil
	}
	return t.audit(ctx, SettingsChanged, "", changed)
}

// Implied returns s with what follows from it: while people see only their own team, only administrators choose teams,
// because whoever can choose a team can see anybody.
func (s Settings) Implied() Settings {
	if s.Visibility == VisibleTeams {
		s.Teams = TeamsFixed
	}
	return s
}

// Or returns s with the values of other where s has none.
func (s Settings) Or(other Settings) Settings {
	values := other.all()
	for i, x := range s.all() {
		*x.value = cmp.Or(*x.value, *values[i].value)
	}
	return s
}

// Set returns the names of the settings that have a value, as in forms.
func (s Settings) Set() (names []string) {
	for _, x := range s.all() {
		if *x.value != "" {
			names = append(names, x.name)
		}
	}
	return names
}
