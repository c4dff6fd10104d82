package accounts

import (
	"context"
	"database/sql"
	"errors"
	"net/mail"
	"strings"
	"time"
)

// Limits of email addresses and of the links that are sent to them.
const (
	VerifyLinkAge = 24 * time.Hour // of links that confirm an address
	UndoLinkAge   = 24 * time.Hour // of links that undo a change of an address

	maxEmail     = 254 // bytes, so that it fits into a path (RFC 5321 section 4.5.3.1.3)
	maxEmailUser = 64  // bytes before the @ (RFC 5321 section 4.5.3.1.1)
	maxHostLabel = 63  // bytes of one part of a domain (RFC 1035 section 2.3.4)
)

const (
	verifyLink = "verify"
	undoLink   = "undo"
)

const (
	sqlEmail      = `SELECT email FROM users WHERE id = $1`
	sqlEmailTaken = `SELECT 1 FROM users WHERE email_key = $1 AND email_key <> '' AND id <> $2`
	sqlSetEmail   = `UPDATE users SET email = $2, email_key = $3 WHERE id = $1`
	sqlEmails     = `SELECT id, email FROM users WHERE email_key > $1 AND email_key <> '' ORDER BY email_key LIMIT $2`
	sqlEmailLink  = `SELECT COALESCE(user_id, ''), email FROM links
		WHERE token_hash = $1 AND kind = $2 AND uses_left > 0 AND expires_at > $3`
	sqlUseEmailLink = `DELETE FROM links WHERE token_hash = $1 AND kind = $2 AND uses_left > 0 AND expires_at > $3
		RETURNING COALESCE(user_id, ''), email, label`
	sqlAddEmailLink = `INSERT INTO links (token_hash, kind, user_id, team, label, uses, uses_left, made_by, created_at,
		expires_at, email) VALUES ($1, $2, $3, '', $4, 0, 1, $5, $6, $7, $8)`
	sqlDropUndoAfter = `DELETE FROM links WHERE user_id = $1 AND kind = 'undo' AND label >= $2`
)

// CleanEmail returns an email address that somebody typed, without white space around it, and the key by which two
// spellings of it are equal. Almost every server ignores the case of both parts. It accepts less than RFC 5322: only
// ASCII, no quotes, and a domain with a dot, or localhost. "" is no address. Error: *FieldError about email.
func CleanEmail(typed string) (email, key string, err error) {
	email = strings.TrimSpace(typed)
	if email == "" {
		return "", "", nil
	}
	wrong := wrongField("email", NotAnEmail)
	if len(email) > maxEmail || strings.ContainsFunc(email, func(r rune) bool { return r > '~' }) {
		return "", "", wrong
	}
	parsed, err := mail.ParseAddress(email) // differs from email if that has quotes, comments or a display name
	if err != nil || parsed.Address != email {
		return "", "", wrong
	}
	user, domain := cutEmail(email)
	if len(user) > maxEmailUser || !isEmailDomain(domain) {
		return "", "", wrong
	}
	return email, strings.ToLower(email), nil
}

// cutEmail returns what is before and after the last @.
func cutEmail(email string) (user, domain string) {
	at := strings.LastIndexByte(email, '@')
	return email[:at], email[at+1:]
}

// isEmailDomain reports whether mail can be sent to a domain: a name with a dot that isn't an IP address, or localhost.
func isEmailDomain(domain string) bool {
	labels := strings.Split(strings.ToLower(domain), ".")
	for _, label := range labels {
		if label == "" || len(label) > maxHostLabel || label[0] == '-' || label[len(label)-1] == '-' ||
			strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return false
		}
	}
	last := labels[len(labels)-1]
	return (len(labels) > 1 || last == "localhost") && strings.Trim(last, "0123456789") != ""
}

// Email returns the address of a user, or "".
func (s *Store) Email(ctx context.Context, userID string) (email string, err error) {
	err = s.r.queryRow(ctx, sqlEmail, []any{userID}, &email)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	return email, wrap("read an email address", err)
}

// Emails returns the addresses of all users who have one, by their IDs.
func (s *Store) Emails(ctx context.Context) (map[string]string, error) {
	type row struct{ id, email string }
	all, after := map[string]string{}, ""
	for {
		rows, err := s.r.query(ctx, sqlEmails, after, MaxPage)
		if err != nil {
			return nil, wrap("list email addresses", err)
		}
		found, err := collect(rows, func(r *row) []any { return []any{&r.id, &r.email} })
		if err != nil || len(found) == 0 {
			return all, wrap("list email addresses", err)
		}
		for _, r := range found {
			all[r.id] = r.email
		}
		after = strings.ToLower(found[len(found)-1].email)
	}
}

// SetEmail gives a user an address that somebody vouches for, or none. It ends the links for a new password and for
// another address that were sent before. Both addresses, the new one and the one before, get an email. Neither can undo
// the change, because an administrator makes it when the mailbox is lost or somebody else reads it. Errors:
// *FieldError, ErrNotFound.
func (s *Store) SetEmail(ctx context.Context, userID, email string) error {
	return s.ChangeEmail(ctx, userID, func(string) (string, error) { return email, nil })
}

// ChangeEmail is SetEmail with a function that returns the new address for the current one. It returns the error of
// change.
func (s *Store) ChangeEmail(ctx context.Context, userID string, change func(string) (string, error)) error {
	return wrap("set an email address", s.write(ctx, func(ctx context.Context, t *transaction) error {
		var was string
		err := t.queryRow(ctx, sqlEmail, []any{userID}, &was)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrNotFound
		}
		if err != nil {
			return err
		}
		email, err := change(was)
		if err != nil || email == was {
			return err
		}
		if email, _, err = CleanEmail(email); err != nil || email == was {
			return err
		}
		return giveEmail(ctx, t, userID, email)
	}))
}

// giveEmail stores an address that has passed CleanEmail for somebody else, and tells both addresses.
func giveEmail(ctx context.Context, t *transaction, userID, email string) error {
	was, err := setEmail(ctx, t, userID, email)
	if err != nil || was == email {
		return err
	}
	if was != "" {
		err = queueNotice(ctx, t, MailAddressTaken, userID, MailDetails{To: was})
	}
	if err != nil || email == "" {
		return err
	}
	return queueNotice(ctx, t, MailAddressGiven, userID, MailDetails{To: email})
}

// RemoveEmail takes a user's own address away. The old address gets an email with a link that undoes it.
func (s *Store) RemoveEmail(ctx context.Context, userID string) error {
	return wrap("remove an email address", s.write(ctx, func(ctx context.Context, t *transaction) error {
		was, err := setEmail(ctx, t, userID, "")
		if err != nil {
			return err
		}
		return tellOldAddress(ctx, t, userID, was)
	}))
}

// setEmail stores an address that has passed CleanEmail, and returns the one before.
func setEmail(ctx context.Context, t *transaction, userID, email string) (was string, err error) {
	err = t.queryRow(ctx, sqlEmail, []any{userID}, &was)
	if errors.Is(err, sql.ErrNoRows) {
		return "", ErrNotFound
	}
	if err != nil || was == email {
		return was, err
	}
	if err := wantFreeEmail(ctx, t, userID, email); err != nil {
		return "", err
	}
	if _, err := t.exec(ctx, sqlSetEmail, userID, email, strings.ToLower(email)); err != nil {
		return "", err
	}
	for _, kind := range []string{resetLink, verifyLink} {
		if _, err := t.exec(ctx, sqlDropLinksOf, userID, kind); err != nil {
			return "", err
		}
	}
	return was, t.auditUser(ctx, EmailSet, userID, nil)
}

// wantFreeEmail returns a *FieldError if another user has the address.
func wantFreeEmail(ctx context.Context, from reader, userID, email string) error {
	var one int
	err := from.queryRow(ctx, sqlEmailTaken, []any{strings.ToLower(email), userID}, &one)
	switch {
	case err == nil:
		return wrongField("email", EmailTaken)
	case errors.Is(err, sql.ErrNoRows):
		return nil
	}
	return err
}

// tellOldAddress queues the email that lets the owner of the old address undo a change. They may not be whoever changed
// it.
func tellOldAddress(ctx context.Context, t *transaction, userID, was string) error {
	if was == "" {
		return nil
	}
	return queueNotice(ctx, t, MailEmailChanged, userID, MailDetails{To: was})
}

// AskEmail queues the email with the link that makes an address that of a user. Nothing else changes, and the answer is
// the same whoever has the address. Errors: *FieldError, ErrMailsFull.
func (s *Store) AskEmail(ctx context.Context, userID, email string) error {
	email, _, err := CleanEmail(email)
	if err == nil && email == "" {
		err = wrongField("email", Missing)
	}
	if err != nil {
		return err
	}
	return wrap("ask for an email address", s.write(ctx, func(ctx context.Context, t *transaction) error {
		return queueMail(ctx, t, MailVerify, userID, MailDetails{To: email})
	}))
}

// EmailLink is what a link to an address is about.
type EmailLink struct {
	UserID string
	Email  string // to confirm or to restore
}

// VerifyLink returns what the link of a token confirms, and UndoLink what it restores, or ErrNoLink. They don't use it.
func (s *Store) VerifyLink(ctx context.Context, token string) (EmailLink, error) {
	return s.emailLink(ctx, token, verifyLink)
}

// UndoLink: see VerifyLink.
func (s *Store) UndoLink(ctx context.Context, token string) (EmailLink, error) {
	return s.emailLink(ctx, token, undoLink)
}

func (s *Store) emailLink(ctx context.Context, token, kind string) (l EmailLink, err error) {
	hash, ok := tokenHash(token)
	if !ok {
		return l, ErrNoLink
	}
	err = s.r.queryRow(ctx, sqlEmailLink, []any{hash, kind, s.nowMilli()}, &l.UserID, &l.Email)
	if errors.Is(err, sql.ErrNoRows) {
		return l, ErrNoLink
	}
	return l, wrap("read a link to an email address", err)
}

// useEmailLink uses a link up.
func useEmailLink(ctx context.Context, t *transaction, token, kind string) (l EmailLink, label string, err error) {
	hash, ok := tokenHash(token)
	if !ok {
		return l, "", ErrNoLink
	}
	err = t.queryRow(ctx, sqlUseEmailLink, []any{hash, kind, t.now}, &l.UserID, &l.Email, &label)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNoLink
	}
	return l, label, err
}

// addEmailLink returns the token of a new link.
func addEmailLink(ctx context.Context, t *transaction, kind string, userID any, email, label string,
	age time.Duration) (token string, err error) {
	token, hash := newToken()
	_, err = t.exec(ctx, sqlAddEmailLink, hash, kind, userID, label, string(t.actor), t.now,
		t.now+age.Milliseconds(), email)
	return token, err
}

// ConfirmEmail uses a link that confirms an address, if it belongs to the user. The old address gets an email with a
// link that undoes the change. Errors: ErrNoLink, and a *FieldError if another user has the address by now.
func (s *Store) ConfirmEmail(ctx context.Context, userID, token string) error {
	return wrap("confirm an email address", s.write(ctx, func(ctx context.Context, t *transaction) error {
		l, _, err := useEmailLink(ctx, t, token, verifyLink)
		if err != nil {
			return err
		}
		if l.UserID != userID {
			return ErrNoLink
		}
		was, err := setEmail(ctx, t, userID, l.Email)
		if err != nil || was == l.Email {
			return err
		}
		return tellOldAddress(ctx, t, userID, was)
	}))
}

// UndoEmail uses a link that restores an address. It ends all sessions of the user, and all links that later changes of
// the address have sent, because whoever made those may still have them. Errors: ErrNoLink, and a *FieldError if
// another user has the address by now.
func (s *Store) UndoEmail(ctx context.Context, token string) error {
	return wrap("undo a change of an email address", s.write(ctx, func(ctx context.Context, t *transaction) error {
		l, label, err := useEmailLink(ctx, t, token, undoLink)
		if err != nil {
			return err
		}
		if _, err := setEmail(ctx, t, l.UserID, l.Email); err != nil {
			return err
		}
		if _, err := t.exec(ctx, sqlDropUndoAfter, l.UserID, label); err != nil {
			return err
		}
		if _, err := t.exec(ctx, sqlDropLaterMails, l.UserID, string(MailEmailChanged), label); err != nil {
			return err
		}
		return endAccess(ctx, t, l.UserID, "")
	}))
}
