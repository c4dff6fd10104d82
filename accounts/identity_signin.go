package accounts

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// Errors of sign-ins by identity, besides ErrNoIdentity and ErrDisabled.
var (
	ErrWaiting = errors.New("this account waits for approval")
	ErrNotSet  = errors.New("the board isn't set up yet") // somebody has to do that first
)

// IdentitySignIn is somebody who has proved an identity.
type IdentitySignIn struct {
	Identity Identity
	Grants   Grants
	New      *Newcomer // nil: people without an account get none
	SignIn   SignIn    // without UserID
}

// Newcomer is somebody who gets an account without a password.
type Newcomer struct {
	Usernames   []string // suggestions, best first; they may be unsuitable
	DisplayName string   // "": the username; an unsuitable one is ignored
	Approval    bool     // an administrator has to approve
	Email       string   // an address that the provider has verified; it's ignored if it's unsuitable or somebody else's
}

// SignInByIdentity starts a session for the person with an identity, and applies what their provider gives them. With
// New, somebody unknown gets an account. Errors: ErrNoIdentity, ErrDisabled, and ErrWaiting, all of which change
// nothing, but that a new account may have been made when the error is ErrWaiting; ErrNotSet, ErrFull, ErrSpent.
func (s *Store) SignInByIdentity(ctx context.Context, x IdentitySignIn) (token string, _ Session, user User, err error) {
	var session Session
	var waits, kept bool
	err = s.write(ctx, func(ctx context.Context, t *transaction) error {
		if user, err = knownUser(ctx, t, x.Identity); errors.Is(err, ErrNoIdentity) && x.New != nil {
			user, err = addNewcomer(ctx, t, x)
		}
		if err != nil {
			return err
		}
		if waits = user.Disabled; waits { // only a new account
			return spendAll(ctx, t, x.SignIn.Spends)
		}
		if kept, err = applyGrants(ctx, t, user, x.Identity.Provider, x.Grants); err != nil {
			return err
		}
		x.SignIn.UserID = user.ID
		if token, session, err = startSignIn(ctx, t, x.SignIn); err != nil {
			return err
		}
		user, err = readUser(ctx, t, sqlUserByID, []any{user.ID})
		return err
	})
	switch {
	case err != nil:
		return "", Session{}, User{}, wrap("sign in by identity", err)
	case waits:
		return "", Session{}, user, ErrWaiting
	case kept:
		s.log.Warn("a provider takes back the role of the last administrator, who keeps it",
			"provider", x.Identity.Provider, "user", user.ID)
	}
	return token, session, user, nil
}

func spendAll(ctx context.Context, t *transaction, all []Once) error {
	for _, once := range all {
		if err := spendOnce(ctx, t, once); err != nil {
			return err
		}
	}
	return nil
}

// knownUser returns the enabled person with an identity, and records its use.
func knownUser(ctx context.Context, t *transaction, i Identity) (User, error) {
	u, err := readIdentityUser(ctx, t, i.Issuer, i.Subject)
	if err != nil {
		return User{}, err
	}
	if u.Disabled {
		err := wantWaiting(ctx, t, u.ID)
		switch {
		case err == nil:
			return User{}, ErrWaiting
		case errors.Is(err, ErrNotFound):
			return User{}, ErrDisabled
		}
		return User{}, err
	}
	_, err = t.exec(ctx, sqlUseIdentity, i.Issuer, i.Subject, i.Provider, clip(i.Label, maxIdentityBy), t.now)
	return u, err
}

// addNewcomer adds an account without a password for somebody with an identity. It's disabled if it needs approval.
func addNewcomer(ctx context.Context, t *transaction, x IdentitySignIn) (User, error) {
	empty, err := nobody(ctx, t)
	if err != nil {
		return User{}, err
	}
	if empty && !(x.Grants.SetAdmin && x.Grants.Admin) {
		return User{}, ErrNotSet
	}
	if x.New.Approval {
		if err := wantRoomToWait(ctx, t); err != nil {
			return User{}, err
		}
	}
	username, err := pickUsername(ctx, t, x.New.Usernames)
	if err != nil {
		return User{}, err
	}
	name, err := cleanDisplayName(x.New.DisplayName)
	if err != nil || name == "" {
		name = username
	}
	r := newRow{username: username, displayName: name, teamKey: noTeam, hash: noPassword}
	if r.email, r.emailKey, err = freeEmail(ctx, t, x.New.Email); err != nil {
		return User{}, err
	}
	u, err := createUser(ctx, t, r)
	if err == nil {
		err = linkIdentity(ctx, t, u.ID, x.Identity)
	}
	if err == nil && x.New.Approval {
		err = startWaiting(ctx, t, &u, "")
	}
	return u, err
}

// freeEmail returns an address and its key, or "" if it's unsuitable or another user has it. Who has it never decides
// who somebody is.
func freeEmail(ctx context.Context, from reader, typed string) (email, key string, err error) {
	email, key, err = CleanEmail(typed)
	if err == nil {
		err = wantFreeEmail(ctx, from, "", email)
	}
	if len(WrongFields(err)) > 0 {
		return "", "", nil
	}
	return email, key, err
}

const (
	usualName   = "person" // for people whose provider suggests nothing that can be a username
	maxNumbered = 1000     // accounts of the same name
)

// pickUsername returns a free username: the first suggestion that can be one, with -2, -3 and so on if it's taken or
// reserved.
func pickUsername(ctx context.Context, t *transaction, suggestions []string) (string, error) {
	base := usualName
	for _, text := range suggestions {
		if name := usernameFrom(text); name != "" {
			base = name
			break
		}
	}
	for n := 1; n <= maxNumbered; n++ {
		name := base
		if n > 1 {
			suffix := "-" + strconv.Itoa(n)
			name = base[:min(len(base), maxUsername-len(suffix))] + suffix
		}
		if isReserved(name) {
			continue
		}
		var one int
		err := t.queryRow(ctx, sqlNameTaken, []any{name}, &one)
		if errors.Is(err, sql.ErrNoRows) {
			return name, nil
		}
		if err != nil {
			return "", err
		}
	}
	return "", errors.New("too many accounts have the username " + base)
}

// usernameFrom makes a username of text from elsewhere, or returns "". Accents are dropped, spaces become dots, and so
// "Zoë Ray" becomes "zoe.ray".
func usernameFrom(text string) string {
	if len(text) > 4*maxName {
		return ""
	}
	var b strings.Builder
	for _, r := range norm.NFKD.String(text) {
		switch {
		case 'A' <= r && r <= 'Z':
			b.WriteRune(r - 'A' + 'a')
		case 'a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '.' || r == '_' || r == '-':
			b.WriteRune(r)
		case r == ' ':
			b.WriteByte('.')
		}
	}
	name := strings.TrimLeft(b.String(), "._-")
	name, err := FoldUsername(name[:min(len(name), maxUsername)])
	if err != nil {
		return ""
	}
	return name
}
