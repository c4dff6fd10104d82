package accounts

import (
	"context"
	"errors"
	"time"
)

// mailWrites are the writes about emails.
var mailWrites = map[string]func(context.Context, *Store, User, Session) error{
	"SetEmail": func(ctx context.Context, s *Store, u User, _ Session) error {
		return s.SetEmail(ctx, u.ID, "ada@example.org")
	},
	"RemoveEmail": func(ctx context.Context, s *Store, u User, _ Session) error { return s.RemoveEmail(ctx, u.ID) },
	"AskEmail": func(ctx context.Context, s *Store, u User, _ Session) error {
		return s.AskEmail(ctx, u.ID, "ada@example.org")
	},
	"AskReset":  func(ctx context.Context, s *Store, _ User, _ Session) error { return s.AskReset(ctx, "ada") },
	"AskSignUp": func(ctx context.Context, s *Store, _ User, _ Session) error { return s.AskSignUp(ctx, "a@example.org") },
	"ConfirmEmail": func(ctx context.Context, s *Store, u User, _ Session) error {
		return unlessLink(s.ConfirmEmail(ctx, u.ID, "x"))
	},
	"UndoEmail": func(ctx context.Context, s *Store, _ User, _ Session) error { return unlessLink(s.UndoEmail(ctx, "x")) },
	"TakeMail": func(ctx context.Context, s *Store, _ User, _ Session) error {
		err := s.AskReset(As(ctx, System), "ada")
		_, _, took := s.TakeMail(ctx)
		return errors.Join(err, took)
	},
	"DropMail": func(ctx context.Context, s *Store, _ User, _ Session) error { return s.DropMail(ctx, "x") },
	"RetryMail": func(ctx context.Context, s *Store, _ User, _ Session) error {
		return s.RetryMail(ctx, Mail{}, time.Minute, true)
	},
	"AllowMail": func(ctx context.Context, s *Store, u User, _ Session) error {
		return second(s.AllowMail(ctx, MailForgot, u.ID))
	},
	"MailResetLink": func(ctx context.Context, s *Store, u User, _ Session) error {
		err := s.SetEmail(As(ctx, System), u.ID, "ada@example.org")
		return errors.Join(err, s.MailResetLink(ctx, u.ID))
	},
	"MailedResetLink": func(ctx context.Context, s *Store, u User, _ Session) error {
		return second(s.MailedResetLink(ctx, u.ID))
	},
	"AdminResetLink": func(ctx context.Context, s *Store, u User, _ Session) error {
		return second(s.AdminResetLink(ctx, u.ID))
	},
	"NewVerifyLink": func(ctx context.Context, s *Store, u User, _ Session) error {
		return second(s.NewVerifyLink(ctx, u.ID, "ada@example.org"))
	},
	"NewUndoLink": func(ctx context.Context, s *Store, u User, _ Session) error {
		return second(s.NewUndoLink(ctx, Mail{UserID: u.ID}))
	},
	"NewSignUpLink": func(ctx context.Context, s *Store, _ User, _ Session) error {
		return second(s.NewSignUpLink(ctx, "ada@example.org"))
	},
	"RenewInvitation": func(ctx context.Context, s *Store, _ User, _ Session) error {
		_, _, err := s.RenewInvitation(ctx, Mail{})
		return unlessLink(err)
	},
	"Notice": func(ctx context.Context, s *Store, u User, x Session) error {
		err := s.Notice(ctx, u.ID, x.ID, x.ID)
		if errors.Is(err, ErrNoSession) {
			return nil
		}
		return err
	},
}
