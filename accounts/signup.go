package accounts

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// Limits of waiting for approval.
const (
	maxWaiting = 100                 // people at a time
	waitingAge = 30 * 24 * time.Hour // after this, the request is dropped
	maxNote    = 140                 // runes
)

// ErrFull says that too many people wait for approval.
var ErrFull = errors.New("too many people wait for approval")

// Joining says how somebody may make an account. The zero Joining lets anybody do so.
type Joining struct {
	Invitation string // token of an invitation; "": none is needed
	Address    string // token of a link that was sent to the person's address; "": none is needed
	Approval   bool   // an administrator has to approve, unless there is an invitation
	Note       string // for the administrators who approve, at most 140 runes
	FirstRules bool   // the first account becomes an administrator's
}

// Waiting is somebody who waits for approval.
type Waiting struct {
	User
	Since time.Time
	Note  string
}

const (
	sqlWait         = `UPDATE users SET waiting_since = $2, join_note = $3 WHERE id = $1`
	sqlStopWaiting  = `UPDATE users SET waiting_since = 0, join_note = '' WHERE id = $1`
	sqlCountWaiting = `SELECT count(*) FROM users WHERE waiting_since > 0`
	sqlWaiting      = `SELECT ` + userColumns + `, u.waiting_since, u.join_note FROM users u
		WHERE u.waiting_since > 0 ORDER BY u.waiting_since, u.id LIMIT $1`
	sqlIsWaiting  = `SELECT waiting_since > 0 FROM users WHERE id = $1`
	sqlOldWaiting = `SELECT id FROM users WHERE waiting_since > 0 AND waiting_since < $1`
)

// SignUp adds a user who makes their own account. With j.Approval, the account is disabled until an administrator
// approves it, and waits is true. Errors: those of Create, ErrNoLink for an invitation that can't be used, and ErrFull.
func (s *Store) SignUp(ctx context.Context, n NewUser, j Joining) (user User, waits bool, err error) {
	j.Note, err = cleanLine("note", j.Note, maxNote)
	if err != nil {
		return User{}, false, FieldErrors{err.(*FieldError)}
	}
	if j.Invitation != "" {
		if _, err := s.Invitation(ctx, j.Invitation); err != nil { // saves the hashing; the transaction decides
			return User{}, false, err
		}
	}
	r, err := s.prepare(ctx, n)
	if err != nil {
		return User{}, false, err
	}
	err = s.write(ctx, func(ctx context.Context, t *transaction) (err error) {
		user, waits, err = signUp(ctx, t, r, j)
		return err
	})
	if err != nil {
		return User{}, false, wrap("sign up", err)
	}
	return user, waits, nil
}

func signUp(ctx context.Context, t *transaction, r newRow, j Joining) (user User, waits bool, err error) {
	if j.Address != "" {
		if err := joinByAddress(ctx, t, &r, j.Address); err != nil {
			return User{}, false, err
		}
	}
	if j.FirstRules {
		if r.admin, err = nobody(ctx, t); err != nil {
			return User{}, false, err
		}
	}
	waits = j.Approval && j.Invitation == "" && !r.admin
	if j.Invitation != "" {
		team, _, err := useLink(ctx, t, j.Invitation, inviteLink)
		if err != nil {
			return User{}, false, err
		}
		if r.team, r.teamKey, err = cleanTeam(team); err != nil {
			return User{}, false, err
		}
	}
	if waits {
		if err := wantRoomToWait(ctx, t); err != nil {
			return User{}, false, err
		}
	}
	if user, err = createUser(ctx, t, r); err != nil {
		return User{}, false, err
	}
	if j.Invitation != "" {
		err = t.audit(ctx, InvitationUsed, TargetUser(user.ID), nil)
	}
	if waits && err == nil {
		err = startWaiting(ctx, t, &user, j.Note)
	}
	return user, waits, err
}

// wantRoomToWait returns ErrFull if nobody else can wait for approval.
func wantRoomToWait(ctx context.Context, t *transaction) error {
	var n int
	err := t.queryRow(ctx, sqlCountWaiting, nil, &n)
	if err == nil && n >= maxWaiting {
		err = ErrFull
	}
	return err
}

// startWaiting disables a new user until an administrator approves.
func startWaiting(ctx context.Context, t *transaction, u *User, note string) error {
	if _, err := updateUser(ctx, t, u.ID, func(u *User, _ *string) error { u.Disabled = true; return nil }); err != nil {
		return err
	}
	u.Disabled = true
	if _, err := t.exec(ctx, sqlWait, u.ID, t.now, note); err != nil {
		return err
	}
	return tellAdmins(ctx, t)
}

// WaitingPeople returns the people who wait for approval, those who have waited longest first.
func (s *Store) WaitingPeople(ctx context.Context) ([]Waiting, error) {
	type waitingRow struct {
		userRow
		since int64
		note  string
	}
	rows, err := s.r.query(ctx, sqlWaiting, maxWaiting)
	if err != nil {
		return nil, wrap("list who waits", err)
	}
	found, err := collect(rows, func(r *waitingRow) []any { return append(r.dest(), &r.since, &r.note) })
	all := make([]Waiting, len(found))
	for i := range found {
		all[i] = Waiting{found[i].finish(), at(found[i].since), found[i].note}
	}
	return all, wrap("list who waits", err)
}

// IsWaiting reports whether a user waits for approval.
func (s *Store) IsWaiting(ctx context.Context, userID string) (waits bool, err error) {
	err = s.r.queryRow(ctx, sqlIsWaiting, []any{userID}, &waits)
	return waits, wrap("look who waits", err)
}

// Approve lets somebody in who waits. It returns ErrNotFound if nobody with this ID waits.
func (s *Store) Approve(ctx context.Context, userID string) error {
	return wrap("approve", s.write(ctx, func(ctx context.Context, t *transaction) error {
		if err := wantWaiting(ctx, t, userID); err != nil {
			return err
		}
		if _, err := updateUser(ctx, t, userID, func(u *User, _ *string) error { u.Disabled = false; return nil }); err != nil {
			return err
		}
		if _, err := t.exec(ctx, sqlStopWaiting, userID); err != nil {
			return err
		}
		if err := queueNotice(ctx, t, MailApproved, userID, MailDetails{}); err != nil {
			return err
		}
		return t.audit(ctx, PersonApproved, TargetUser(userID), nil)
	}))
}

// Decline deletes the account of somebody who waits. It returns ErrNotFound if nobody with this ID waits.
func (s *Store) Decline(ctx context.Context, userID string) error {
	err := s.write(ctx, func(ctx context.Context, t *transaction) error {
		if err := wantWaiting(ctx, t, userID); err != nil {
			return err
		}
		if err := t.audit(ctx, PersonDeclined, TargetUser(userID), nil); err != nil {
			return err
		}
		return deleteUser(ctx, t, userID)
	})
	if err != nil {
		return wrap("decline", err)
	}
	s.wipeDeleted(ctx)
	return nil
}

func wantWaiting(ctx context.Context, t *transaction, userID string) error {
	var waits bool
	err := t.queryRow(ctx, sqlIsWaiting, []any{userID}, &waits)
	if errors.Is(err, sql.ErrNoRows) || err == nil && !waits {
		return ErrNotFound
	}
	return err
}
