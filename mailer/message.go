package mailer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"rollcall/accounts"
	"rollcall/mail"
)

// errNobody says that an email must not be sent: nobody is there to get it, or they got enough.
var errNobody = errors.New("nobody gets this email")

// postponed says that an email has to wait.
type postponed struct{ until time.Duration }

func (p *postponed) Error() string { return fmt.Sprintf("this email has to wait for %v", p.until) }

// message writes an email. It makes the link in it.
func (m *Mailer) message(ctx context.Context, x accounts.Mail) (mail.Message, error) {
	var to string
	var c mail.Content
	var err error
	switch x.Kind {
	case accounts.MailForgot:
		to, c, err = m.forgot(ctx, x)
	case accounts.MailSignUp:
		to, c, err = m.signUp(ctx, x)
	case accounts.MailInvitation:
		to, c, err = m.invitation(ctx, x)
	default:
		to, c, err = m.toUser(ctx, x)
	}
	if errors.Is(err, accounts.ErrNotFound) || errors.Is(err, accounts.ErrNoLink) || err == nil && to == "" {
		err = errNobody
	}
	if err != nil {
		return mail.Message{}, err
	}
	return m.cfg.Templates.Message(mail.Address(to), c)
}

func (m *Mailer) board() mail.Board {
	return mail.Board{Name: mail.Line(m.cfg.BoardName()), URL: m.cfg.URL}
}

func (m *Mailer) link(path, token string) string { return m.cfg.URL + path + token }

// in returns when something was or will be, in the time zone of u.
func in(u accounts.Recipient, at time.Time) time.Time { return at.In(accounts.Zone(u.TimeZone)) }

// allow returns errNobody if a recipient got enough emails of a kind.
func (m *Mailer) allow(ctx context.Context, kind accounts.MailKind, to string) error {
	ok, err := m.cfg.Accounts.AllowMail(ctx, kind, to)
	if err == nil && !ok {
		err = errNobody
	}
	return err
}

// forgot answers somebody who forgot the password, or who made up a name. Nothing is sent to people who are disabled,
// because a new password would be no use to them.
func (m *Mailer) forgot(ctx context.Context, x accounts.Mail) (string, mail.Content, error) {
	u, err := m.cfg.Accounts.RecipientBy(ctx, x.Details.Typed)
	if err != nil {
		return "", nil, err
	}
	if u.Disabled || u.Email == "" {
		return "", nil, errNobody
	}
	if x.Tries == 1 {
		if err := m.allow(ctx, x.Kind, u.ID); err != nil {
			return "", nil, err
		}
	}
	name := mail.Line(u.Username)
	if !u.Resets {
		return u.Email, mail.NoPassword{Board: m.board(), Username: name, Buttons: m.cfg.Buttons(ctx, u.ID),
			Link: m.link("/login", "")}, nil
	}
	token, err := m.cfg.Accounts.MailedResetLink(ctx, u.ID)
	return u.Email, mail.PasswordReset{Board: m.board(), Username: name, Link: m.link("/reset/", token),
		Expires: in(u, time.Now().Add(accounts.MailedResetAge))}, err
}

// signUp answers somebody who wants an account.
func (m *Mailer) signUp(ctx context.Context, x accounts.Mail) (string, mail.Content, error) {
	to := x.Details.To
	if x.Tries == 1 {
		_, key, err := accounts.CleanEmail(to)
		if err == nil {
			err = m.allow(ctx, x.Kind, key)
		}
		if err != nil {
			return "", nil, err
		}
	}
	switch u, err := m.cfg.Accounts.RecipientBy(ctx, to); {
	case err == nil && u.Disabled:
		return "", nil, errNobody
	case err == nil:
		return to, mail.AccountExists{Board: m.board(), Username: mail.Line(u.Username), Link: m.link("/login", "")}, nil
	case !errors.Is(err, accounts.ErrNotFound):
		return "", nil, err
	}
	token, err := m.cfg.Accounts.NewSignUpLink(ctx, to)
	return to, mail.SignUp{Board: m.board(), Link: m.link("/signup/", token),
		Expires: time.Now().UTC().Add(accounts.VerifyLinkAge)}, err
}

// invitation goes to somebody who has no account yet.
func (m *Mailer) invitation(ctx context.Context, x accounts.Mail) (string, mail.Content, error) {
	token, i, err := m.cfg.Accounts.RenewInvitation(ctx, x)
	if err != nil {
		return "", nil, err
	}
	by := mail.Name("An administrator")
	if id := accounts.UserOf(i.MadeBy); id != "" {
		u, err := m.cfg.Accounts.UserByID(ctx, id)
		if err != nil {
			return "", nil, err
		}
		by = mail.Name(u.DisplayName)
	}
	return x.Details.To, mail.Invitation{Board: m.board(), Inviter: by, Link: m.link("/join/", token),
		Expires: i.ExpiresAt}, nil
}

// toUser returns an email to a user, at their own address unless the email has another one.
func (m *Mailer) toUser(ctx context.Context, x accounts.Mail) (to string, c mail.Content, err error) {
	u, err := m.cfg.Accounts.Recipient(ctx, x.UserID)
	if err != nil {
		return "", nil, err
	}
	if to = x.Details.To; to == "" {
		to = u.Email
	}
	if to == "" || u.Disabled && x.Kind != accounts.MailEmailChanged {
		return "", nil, errNobody
	}
	c, err = m.about(ctx, x, u)
	return to, c, err
}

// about returns the content of an email about a user.
func (m *Mailer) about(ctx context.Context, x accounts.Mail, u accounts.Recipient) (mail.Content, error) {
	board, name, when := m.board(), mail.Line(u.Username), in(u, x.QueuedAt)
	settings, ways := m.link("/settings", ""), m.link("/settings/sign-in", "")
	switch x.Kind {
	case accounts.MailReset:
		token, err := m.cfg.Accounts.AdminResetLink(ctx, u.ID)
		return mail.AdminReset{Board: board, Username: name, Link: m.link("/reset/", token),
			Expires: in(u, time.Now().Add(accounts.ResetLinkAge))}, err
	case accounts.MailVerify:
		token, err := m.cfg.Accounts.NewVerifyLink(ctx, u.ID, x.Details.To)
		return mail.VerifyAddress{Board: board, Username: name, Link: m.link("/verify/", token),
			Expires: in(u, time.Now().Add(accounts.VerifyLinkAge))}, err
	case accounts.MailEmailChanged:
		token, err := m.cfg.Accounts.NewUndoLink(ctx, x)
		return mail.AddressChanged{Board: board, Username: name, At: when, Link: m.link("/undo/", token),
			Expires: in(u, x.QueuedAt.Add(accounts.UndoLinkAge))}, err
	case accounts.MailAddressGiven, accounts.MailAddressTaken:
		return mail.AddressSet{Board: board, Username: name, Current: x.Kind == accounts.MailAddressGiven, At: when,
			Link: settings}, nil
	case accounts.MailPasswordChanged:
		return mail.PasswordChanged{Board: board, Username: name, At: when, Link: m.link("/forgot", "")}, nil
	case accounts.MailApproved:
		return mail.Approved{Board: board, Username: name, Link: m.link("/login", "")}, nil
	case accounts.MailWaiting:
		return m.waits(ctx, x, u)
	case accounts.MailNewSignIn:
		if x.Tries == 1 {
			if err := m.allow(ctx, x.Kind, u.ID); err != nil {
				return nil, err
			}
		}
		return mail.NewSignIn{Board: board, Username: name, Browser: mail.Line(x.Details.Browser),
			Address: mail.Line(x.Details.Address), At: when, Link: settings}, nil
	case accounts.MailFactorAdded, accounts.MailFactorRemoved:
		label, page := x.Details.Label, ways
		if x.Details.Factor == accounts.LinkedFactor {
			label, page = m.cfg.Elsewhere(label), settings
		}
		return mail.FactorChanged{Board: board, Username: name, Factor: mail.Factor(x.Details.Factor),
			Added: x.Kind == accounts.MailFactorAdded, Label: mail.Name(label), At: when, Link: page}, nil
	case accounts.MailCodeUsed:
		return mail.RecoveryCodeUsed{Board: board, Username: name, At: when, Left: x.Details.Left, Link: ways}, nil
	case accounts.MailCodesRenewed:
		return mail.RecoveryCodesRenewed{Board: board, Username: name, At: when, Link: ways}, nil
	}
	return nil, fmt.Errorf("unknown kind of email %q", x.Kind)
}

// waits tells an administrator that people wait for approval, at most a few times an hour.
func (m *Mailer) waits(ctx context.Context, x accounts.Mail, u accounts.Recipient) (mail.Content, error) {
	counts, err := m.cfg.Accounts.CountUsers(ctx)
	if err != nil {
		return nil, err
	}
	if counts.Waiting == 0 || !u.Admin {
		return nil, errNobody
	}
	if x.Tries == 1 {
		switch err := m.allow(ctx, x.Kind, u.ID); {
		case errors.Is(err, errNobody):
			return nil, &postponed{time.Hour}
		case err != nil:
			return nil, err
		}
	}
	return mail.ApprovalWaiting{Board: m.board(), Waiting: counts.Waiting, Link: m.link("/admin/people", "")}, nil
}
