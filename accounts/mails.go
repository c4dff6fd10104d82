package accounts

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

const (
	maxMails      = 1000            // that wait to be sent
	maxMailDetail = 1024            // bytes
	mailTake      = 2 * time.Minute // how long one replica has to send what it took; far longer than sending takes
	maxTyped      = 254             // bytes of what somebody typed into the form for a forgotten password
)

// ErrMailsFull says that too many emails wait to be sent.
var ErrMailsFull = errors.New("too many emails wait to be sent")

// MailKind says what an email is about.
type MailKind string

// The kinds of emails.
const (
	MailForgot          MailKind = "forgot"           // to whoever has what was Typed as username or address
	MailReset           MailKind = "reset"            // an administrator's link for a new password
	MailVerify          MailKind = "verify"           // to the address To, which the user wants to have
	MailSignUp          MailKind = "sign_up"          // to the address To, whose owner wants an account
	MailInvitation      MailKind = "invitation"       // to the address To; Link is the invitation's ID
	MailApproved        MailKind = "approved"         // the user can sign in now
	MailWaiting         MailKind = "waiting"          // to an administrator: people wait for approval
	MailEmailChanged    MailKind = "email_changed"    // to the old address, To, after the user changed it
	MailAddressGiven    MailKind = "address_given"    // to the new address, To, which an administrator gave the user
	MailAddressTaken    MailKind = "address_taken"    // to the old address, To, which an administrator took away
	MailPasswordChanged MailKind = "password_changed" // the user has a new password
	MailNewSignIn       MailKind = "new_sign_in"      // from Browser at Address
	MailFactorAdded     MailKind = "factor_added"     // Factor; Label is its name, or the key of its provider
	MailFactorRemoved   MailKind = "factor_removed"   // the same
	MailCodeUsed        MailKind = "code_used"        // a recovery code; Left is how many there are still
	MailCodesRenewed    MailKind = "codes_renewed"    // the user has new recovery codes
)

// The values of MailDetails.Factor.
const (
	PasskeyFactor = "passkey"
	AppFactor     = "authenticator_app"
	LinkedFactor  = "linked_account" // at a provider, or what a proxy calls the user
	AllFactors    = "all"            // all passkeys, the app, and the recovery codes
)

// age returns how long it makes sense to try to send an email.
func (k MailKind) age() time.Duration {
	switch k {
	case MailForgot, MailSignUp:
		return time.Hour
	}
	return 24 * time.Hour
}

// MailDetails is what an email needs to know besides its kind and its user. It never has a token.
type MailDetails struct {
	Typed   string `json:"typed,omitempty"`
	To      string `json:"to,omitempty"` // an email address; "": the user's at the time of sending
	Link    string `json:"link,omitempty"`
	Browser string `json:"browser,omitempty"`
	Address string `json:"address,omitempty"` // IP address
	Factor  string `json:"factor,omitempty"`
	Label   string `json:"label,omitempty"`
	Left    int    `json:"left,omitempty"`
}

// Mail is an email to send.
type Mail struct {
	ID        string // UUIDv7
	Kind      MailKind
	UserID    string // whom it's about; "": that has to be looked up
	Details   MailDetails
	Tries     int // this one included
	QueuedAt  time.Time
	ExpiresAt time.Time // it isn't worth sending after that
}

// argument returns d as it's stored.
func (d MailDetails) argument() (string, error) {
	text, err := json.Marshal(d)
	if err == nil && len(text) > maxMailDetail {
		err = fmt.Errorf("the details of an email have %d bytes, more than %d", len(text), maxMailDetail)
	}
	return string(text), err
}

const (
	sqlCountMails = `SELECT count(*) FROM mails WHERE id > ''`
	sqlAddMail    = `INSERT INTO mails (id, kind, user_id, argument, tries, next_at, taken_until, queued_at, expires_at)
		VALUES ($1, $2, $3, $4, 0, $5, 0, $5, $6)`
	sqlNextMail = `SELECT id FROM mails WHERE next_at <= $1 AND taken_until <= $1 ORDER BY next_at, id LIMIT 1`
	sqlTakeMail = `UPDATE mails SET taken_until = $2, tries = tries + 1 WHERE id = $1
		RETURNING kind, COALESCE(user_id, ''), argument, tries, queued_at, expires_at`
	sqlDropMail       = `DELETE FROM mails WHERE id = $1`
	sqlRetryMail      = `UPDATE mails SET next_at = $3, taken_until = 0, tries = $4 WHERE id = $1 AND tries = $2`
	sqlOldMails       = `DELETE FROM mails WHERE expires_at <= $1`
	sqlDropLaterMails = `DELETE FROM mails WHERE user_id = $1 AND kind = $2 AND id > $3`
	sqlMailQueued     = `SELECT 1 FROM mails WHERE user_id = $1 AND kind = $2 LIMIT 1`
)

// queueMail adds an email to the queue. userID "" means that it has to be looked up. Error: ErrMailsFull.
func queueMail(ctx context.Context, t *transaction, kind MailKind, userID string, d MailDetails) error {
	var waiting int
	if err := t.queryRow(ctx, sqlCountMails, nil, &waiting); err != nil {
		return err
	}
	if waiting >= maxMails {
		return ErrMailsFull
	}
	id, err := newID()
	if err != nil {
		return err
	}
	argument, err := d.argument()
	if err != nil {
		return err
	}
	about := sql.NullString{String: userID, Valid: userID != ""}
	_, err = t.exec(ctx, sqlAddMail, id, string(kind), about, argument, t.now, t.now+kind.age().Milliseconds())
	if isOrphan(err) {
		return ErrNotFound
	}
	t.mailed = err == nil
	return err
}

// queueNotice queues an email that tells users what happened to their account, if this Rollcall sends emails and they
// have an address. A full queue must not block the action itself, so the email is left out then.
func queueNotice(ctx context.Context, t *transaction, kind MailKind, userID string, d MailDetails) error {
	if !t.sendsMail {
		return nil
	}
	if d.To == "" {
		var email string
		if err := t.queryRow(ctx, sqlEmail, []any{userID}, &email); err != nil || email == "" {
			return err
		}
	}
	err := queueMail(ctx, t, kind, userID, d)
	if errors.Is(err, ErrMailsFull) {
		t.unmailed++
		err = nil
	}
	return err
}

// SendsMail reports whether this Rollcall sends emails.
func (s *Store) SendsMail() bool { return s.sendsMail }

// MailQueued receives a value after each commit of this process that queued an email. Values don't accumulate.
func (s *Store) MailQueued() <-chan struct{} { return s.mailQueued }

// afterMail reports what a transaction did to the queue.
func (s *Store) afterMail(t *transaction) {
	if t.unmailed > 0 {
		s.log.Warn("an email was not queued, because too many wait to be sent", "emails", t.unmailed)
	}
	if t.mailed {
		select {
		case s.mailQueued <- struct{}{}:
		default:
		}
	}
}

// AskReset queues an email to whoever has typed as username or email address. It does the same whether there is such a
// person or not: it only stores what was typed. Error: ErrMailsFull.
func (s *Store) AskReset(ctx context.Context, typed string) error {
	return wrap("ask for a new password", s.write(ctx, func(ctx context.Context, t *transaction) error {
		return queueMail(ctx, t, MailForgot, "", MailDetails{Typed: clip(typed, maxTyped)})
	}))
}

// TakeMail returns an email that is due, and keeps others from sending it for a while; ok is false if none is due. The
// caller then calls DropMail or RetryMail. The clocks of replicas may differ by less than that while: otherwise, an
// email can be sent twice.
func (s *Store) TakeMail(ctx context.Context) (m Mail, ok bool, err error) {
	err = s.r.queryRow(ctx, sqlNextMail, []any{s.nowMilli()}, &m.ID)
	if errors.Is(err, sql.ErrNoRows) {
		return Mail{}, false, nil
	}
	if err != nil {
		return Mail{}, false, wrap("look for emails", err)
	}
	err = s.write(ctx, func(ctx context.Context, t *transaction) error {
		if _, err := t.exec(ctx, sqlOldMails, t.now); err != nil {
			return err
		}
		m, err = takeMail(ctx, t)
		if ok = err == nil; errors.Is(err, sql.ErrNoRows) { // it has expired, or another one has taken it
			err = nil
		}
		return err
	})
	return m, ok && err == nil, wrap("take an email", err)
}

func takeMail(ctx context.Context, t *transaction) (m Mail, err error) {
	if err := t.queryRow(ctx, sqlNextMail, []any{t.now}, &m.ID); err != nil {
		return m, err
	}
	var argument string
	var queued, expires int64
	if err := t.queryRow(ctx, sqlTakeMail, []any{m.ID, t.now + mailTake.Milliseconds()}, &m.Kind, &m.UserID, &argument,
		&m.Tries, &queued, &expires); err != nil {
		return m, err
	}
	m.QueuedAt, m.ExpiresAt = at(queued), at(expires)
	return m, json.Unmarshal([]byte(argument), &m.Details)
}

// DropMail removes an email that was sent, or that can't be.
func (s *Store) DropMail(ctx context.Context, id string) error {
	return wrap("drop an email", s.write(ctx, func(ctx context.Context, t *transaction) error {
		_, err := t.exec(ctx, sqlDropMail, id)
		return err
	}))
}

// RetryMail makes an email due after a while. If it wasn't tried at all, the try doesn't count.
func (s *Store) RetryMail(ctx context.Context, m Mail, after time.Duration, tried bool) error {
	tries := m.Tries
	if !tried {
		tries--
	}
	return wrap("put an email back", s.write(ctx, func(ctx context.Context, t *transaction) error {
		_, err := t.exec(ctx, sqlRetryMail, m.ID, m.Tries, t.now+after.Milliseconds(), tries)
		return err
	}))
}

// CountMails returns how many emails wait to be sent.
func (s *Store) CountMails(ctx context.Context) (n int, err error) {
	err = s.r.queryRow(ctx, sqlCountMails, nil, &n)
	return n, wrap("count emails", err)
}
