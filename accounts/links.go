package accounts

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// Limits of links.
const (
	MaxInviteUses  = 100
	MaxInviteAge   = 30 * 24 * time.Hour
	ResetLinkAge   = 24 * time.Hour
	maxInvitations = 1000 // at a time
	maxLabel       = 64   // runes
)

// The kinds of links.
const (
	inviteLink = "invite"
	resetLink  = "reset"
)

// ErrNoLink says that a link doesn't exist, was revoked, has expired, or has been used up.
var ErrNoLink = errors.New("this link is not valid any more")

// Invitation lets people make an account. Its token isn't stored.
type Invitation struct {
	ID        string // hash of the token
	Label     string // for administrators; "": none
	Team      string // of those who join by it; "": none
	Uses      int    // accounts made with it
	UsesLeft  int
	MadeBy    Actor
	CreatedAt time.Time
	ExpiresAt time.Time
}

// NewInvitation is an invitation to make.
type NewInvitation struct {
	Label string        // at most 64 runes
	Team  string        // "": none
	Uses  int           // 1 to MaxInviteUses
	Age   time.Duration // up to MaxInviteAge
	Email string        // to send it to; "": the caller shows the token
}

const (
	linkColumns = `token_hash, label, team, uses, uses_left, made_by, created_at, expires_at`

	sqlAddLink = `INSERT INTO links (token_hash, kind, user_id, team, label, uses, uses_left, made_by, created_at,
		expires_at) VALUES ($1, $2, $3, $4, $5, 0, $6, $7, $8, $9)`
	sqlInvitations = `SELECT ` + linkColumns + ` FROM links WHERE kind = 'invite' AND uses_left > 0 AND expires_at > $1
		ORDER BY created_at DESC LIMIT $2`
	sqlCountInvitations = `SELECT count(*) FROM links WHERE kind = 'invite' AND uses_left > 0 AND expires_at > $1`
	sqlLink             = `SELECT ` + linkColumns + ` FROM links
		WHERE token_hash = $1 AND kind = $2 AND uses_left > 0 AND expires_at > $3`
	sqlUseLink = `UPDATE links SET uses_left = uses_left - 1, uses = uses + 1
		WHERE token_hash = $1 AND kind = $2 AND uses_left > 0 AND expires_at > $3 RETURNING team, COALESCE(user_id, '')`
	sqlRevokeLink  = `DELETE FROM links WHERE token_hash = $1 AND kind = 'invite'`
	sqlDropLinksOf = `DELETE FROM links WHERE user_id = $1 AND kind = $2`
	sqlDropLinksBy = `DELETE FROM links WHERE made_by = $1`
	sqlOldLinks    = `DELETE FROM links WHERE expires_at <= $1`
	sqlLinkUser    = `SELECT ` + userColumns + ` FROM links l JOIN users u ON u.id = l.user_id
		WHERE l.token_hash = $1 AND l.kind = $2 AND l.uses_left > 0 AND l.expires_at > $3`
)

type linkRow struct {
	Invitation
	made, expires int64
}

func (r *linkRow) dest() []any {
	return []any{&r.ID, &r.Label, &r.Team, &r.Uses, &r.UsesLeft, &r.MadeBy, &r.made, &r.expires}
}

func (r *linkRow) finish() Invitation {
	i := r.Invitation
	i.CreatedAt, i.ExpiresAt = at(r.made), at(r.expires)
	return i
}

// clean checks n and returns it in the form in which it's stored.
func (n NewInvitation) clean() (NewInvitation, FieldErrors) {
	var wrong FieldErrors
	var err error
	n.Label, err = cleanLine("label", n.Label, maxLabel)
	wrong.add(err)
	n.Team, _, err = cleanTeam(n.Team)
	wrong.add(err)
	n.Email, _, err = CleanEmail(n.Email)
	wrong.add(err)
	if n.Uses < 1 || n.Uses > MaxInviteUses {
		wrong.add(&FieldError{Field: "uses", Code: OutOfRange, Limit: MaxInviteUses})
	}
	if n.Age <= 0 || n.Age > MaxInviteAge {
		wrong.add(&FieldError{Field: "days", Code: OutOfRange, Limit: int(MaxInviteAge / (24 * time.Hour))})
	}
	return n, wrong
}

// Invite makes an invitation and returns its token. With an address, it also queues an email, whose invitation gets
// another token when it's sent. Errors: FieldErrors, and a *FieldError about invitations if
// there are too many.
func (s *Store) Invite(ctx context.Context, n NewInvitation) (token string, _ Invitation, err error) {
	n, wrong := n.clean()
	if len(wrong) > 0 {
		return "", Invitation{}, wrong
	}
	token, hash := newToken()
	var made Invitation
	err = s.write(ctx, func(ctx context.Context, t *transaction) error {
		var waiting int
		if err := t.queryRow(ctx, sqlCountInvitations, []any{t.now}, &waiting); err != nil {
			return err
		}
		if waiting >= maxInvitations {
			return &FieldError{Field: "invitations", Code: TooMany, Limit: maxInvitations}
		}
		made = Invitation{ID: hash, Label: n.Label, Team: n.Team, UsesLeft: n.Uses, MadeBy: t.actor,
			CreatedAt: at(t.now), ExpiresAt: at(t.now).Add(n.Age)}
		_, err := t.exec(ctx, sqlAddLink, hash, inviteLink, nil, n.Team, n.Label, n.Uses, string(t.actor), t.now,
			milli(made.ExpiresAt))
		if err != nil {
			return err
		}
		if n.Email != "" {
			if err := queueMail(ctx, t, MailInvitation, "", MailDetails{To: n.Email, Link: hash}); err != nil {
				return err
			}
		}
		return t.audit(ctx, InvitationMade, "", map[string]string{"team": n.Team})
	})
	if err != nil {
		return "", Invitation{}, wrap("invite", err)
	}
	return token, made, nil
}

// Invitations returns the invitations that can still be used, the newest first.
func (s *Store) Invitations(ctx context.Context) ([]Invitation, error) {
	rows, err := s.r.query(ctx, sqlInvitations, s.nowMilli(), maxInvitations)
	if err != nil {
		return nil, wrap("list invitations", err)
	}
	found, err := collect(rows, (*linkRow).dest)
	all := make([]Invitation, len(found))
	for i := range found {
		all[i] = found[i].finish()
	}
	return all, wrap("list invitations", err)
}

// Invitation returns the invitation of a token, or ErrNoLink. It doesn't use it.
func (s *Store) Invitation(ctx context.Context, token string) (Invitation, error) {
	hash, ok := tokenHash(token)
	if !ok {
		return Invitation{}, ErrNoLink
	}
	var r linkRow
	err := s.r.queryRow(ctx, sqlLink, []any{hash, inviteLink, s.nowMilli()}, r.dest()...)
	if errors.Is(err, sql.ErrNoRows) {
		return Invitation{}, ErrNoLink
	}
	return r.finish(), wrap("read invitation", err)
}

// Revoke ends an invitation by its ID. It returns ErrNoLink if there is none.
func (s *Store) Revoke(ctx context.Context, id string) error {
	return wrap("revoke", s.write(ctx, func(ctx context.Context, t *transaction) error {
		n, err := t.exec(ctx, sqlRevokeLink, id)
		switch {
		case err != nil:
			return err
		case n == 0:
			return ErrNoLink
		}
		return t.audit(ctx, InvitationEnded, "", nil)
	}))
}

// useLink takes one use of a link. It returns the team and the user of the link, or ErrNoLink.
func useLink(ctx context.Context, t *transaction, token, kind string) (team, userID string, err error) {
	hash, ok := tokenHash(token)
	if !ok {
		return "", "", ErrNoLink
	}
	err = t.queryRow(ctx, sqlUseLink, []any{hash, kind, t.now}, &team, &userID)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNoLink
	}
	return team, userID, err
}

// MakeResetLink returns the token of a link with which a user can choose a new password, once, within ResetLinkAge. It
// ends earlier links of the user. Error: ErrNotFound.
func (s *Store) MakeResetLink(ctx context.Context, userID string) (token string, err error) {
	err = s.write(ctx, func(ctx context.Context, t *transaction) (err error) {
		if _, err := readUser(ctx, t, sqlUserByID, []any{userID}); err != nil {
			return err
		}
		if err := dropResetLinks(ctx, t, userID); err != nil {
			return err
		}
		if token, err = addResetLink(ctx, t, userID); err != nil {
			return err
		}
		return t.audit(ctx, ResetLinkMade, TargetUser(userID), nil)
	})
	if err != nil {
		return "", wrap("make a reset link", err)
	}
	return token, nil
}

// dropResetLinks ends the reset links of a user.
func dropResetLinks(ctx context.Context, t *transaction, userID string) error {
	_, err := t.exec(ctx, sqlDropLinksOf, userID, resetLink)
	return err
}

// addResetLink returns the token of a new reset link.
func addResetLink(ctx context.Context, t *transaction, userID string) (token string, err error) {
	token, hash := newToken()
	_, err = t.exec(ctx, sqlAddLink, hash, resetLink, userID, "", "", 1, string(t.actor), t.now,
		t.now+ResetLinkAge.Milliseconds())
	return token, err
}

// ResetLinkUser returns the user of a reset link, or ErrNoLink. It doesn't use the link.
func (s *Store) ResetLinkUser(ctx context.Context, token string) (User, error) {
	hash, ok := tokenHash(token)
	if !ok {
		return User{}, ErrNoLink
	}
	u, err := readUser(ctx, s.r, sqlLinkUser, []any{hash, resetLink, s.nowMilli()})
	if errors.Is(err, ErrNotFound) || err == nil && u.Disabled {
		return User{}, ErrNoLink
	}
	return u, wrap("read reset link", err)
}

// ResetPassword sets the password of the user of a reset link and uses up the link. All sessions and tokens of the user
// end, and their browsers aren't known any more. Errors: *FieldError, ErrNoLink, ErrBusy.
func (s *Store) ResetPassword(ctx context.Context, token, password string) error {
	u, err := s.ResetLinkUser(ctx, token) // saves the hashing; the transaction decides
	if err != nil {
		return err
	}
	if err := checkPassword(u.Username, password); err != nil {
		return err
	}
	hash, err := s.hash.hash(ctx, password, hashWait)
	if err != nil {
		return err
	}
	return wrap("reset password", s.write(ctx, func(ctx context.Context, t *transaction) error {
		_, userID, err := useLink(ctx, t, token, resetLink)
		if err != nil {
			return err
		}
		if u, err := readUser(ctx, t, sqlUserByID, []any{userID}); err != nil || u.Disabled {
			return errors.Join(err, ErrNoLink)
		}
		rev, err := t.nextRev(ctx)
		if err != nil {
			return err
		}
		if _, err := t.exec(ctx, sqlSetPassword, userID, hash, rev); err != nil {
			return err
		}
		if err := dropResetLinks(ctx, t, userID); err != nil {
			return err
		}
		if _, err := t.exec(ctx, sqlForgetBrowsers, userID); err != nil {
			return err
		}
		if err := endAccess(ctx, t, userID, ""); err != nil {
			return err
		}
		if err := queueNotice(ctx, t, MailPasswordChanged, userID, MailDetails{}); err != nil {
			return err
		}
		return t.audit(ctx, ResetLinkUsed, TargetUser(userID), nil)
	}))
}
