package command

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"rollcall/accounts"
	"rollcall/handlers"
)

// open opens the accounts for a command that changes them or reads them, whether or not a server runs. They must exist.
func (s *storage) open(ctx context.Context, con *console) (*accounts.Store, error) {
	if err := s.check(con.env); err != nil {
		return nil, err
	}
	if s.missing() {
		return nil, s.noDatabase()
	}
	return s.openExisting(ctx, con)
}

// openToAdd opens the accounts to add people. If there are none, the server's database is probably somewhere else, so
// creating one takes --create.
func (s *storage) openToAdd(ctx context.Context, con *console, create bool) (*accounts.Store, error) {
	if err := s.check(con.env); err != nil {
		return nil, err
	}
	if s.missing() && !create {
		return nil, fmt.Errorf("%w, or add --create to start a new one", s.noDatabase())
	}
	if err := accounts.Ready(); err != nil {
		return nil, err
	}
	return s.openExisting(ctx, con)
}

func (s *storage) openExisting(ctx context.Context, con *console) (*accounts.Store, error) {
	warnings := &slog.HandlerOptions{Level: slog.LevelWarn} // the audit log has what is done here, too
	cfg := s.accounts(slog.New(slog.NewTextHandler(con.stderr, warnings)))
	cfg.Actor, cfg.SendsMail = accounts.CommandLine, con.env.sendsMail()
	return accounts.Open(ctx, cfg)
}

// forced returns a context whose writes may remove the last administrator, if force is set.
func forced(ctx context.Context, force bool) context.Context {
	if force {
		return accounts.Forced(ctx)
	}
	return ctx
}

// changeFunc changes one person.
type changeFunc func(context.Context, *accounts.Store, accounts.User) error

// change opens the accounts, finds the person, calls do to change them, and prints done, which has a %s for the
// username.
func (s *storage) change(ctx context.Context, con *console, username, done string, do changeFunc) error {
	store, err := s.open(ctx, con)
	if err != nil {
		return err
	}
	defer store.Close()
	user, err := s.person(ctx, con, store, username)
	if err != nil {
		return err
	}
	if err := do(ctx, store, user); err != nil {
		return s.explain(con, user, err)
	}
	_, err = fmt.Fprintf(con.stdout, done+"\n", user.Username)
	return err
}

// person returns the person with a username.
func (s *storage) person(ctx context.Context, con *console, store *accounts.Store,
	username string) (accounts.User, error) {
	user, err := store.UserByName(ctx, username)
	if errors.Is(err, accounts.ErrNotFound) {
		err = fmt.Errorf("there is nobody called %q: %s lists everyone", username, s.command(con.env, "user", "list"))
	}
	return user, err
}

// explain converts the error of a change of user to a message that says what to do.
func (s *storage) explain(con *console, user accounts.User, err error) error {
	if errors.Is(err, accounts.ErrLastAdmin) {
		return fmt.Errorf("%s is the only administrator who can sign in: make somebody else one with %s, or add --force",
			user.Username, s.command(con.env, "user", "admin", "NAME"))
	}
	if errors.Is(err, accounts.ErrWaiting) {
		return fmt.Errorf("%s waits for approval, so they can't be an administrator: first run %s", user.Username,
			s.command(con.env, "user", "approve", user.Username))
	}
	return plain(err)
}

// plain converts errors of accounts to messages for the command line. Each invalid field has the same message as on
// pages.
func plain(err error) error {
	wrong := accounts.WrongFields(err)
	if len(wrong) == 0 {
		return err
	}
	messages := make([]string, len(wrong))
	for i, field := range wrong {
		messages[i] = strings.ReplaceAll(field.Field, "_", " ") + ": " + handlers.FieldMessage(field)
	}
	return errors.New(strings.TrimSuffix(strings.Join(messages, " "), ".")) // callers may append more text
}
