package command

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"rollcall/accounts"
	"rollcall/handlers"
)

// userCmd manages people. It works on the database while servers run, and they notice within a second.
type userCmd struct {
	storage

	Add     userAddCmd     `cmd:"" help:"Add a person."`
	Import  userImportCmd  `cmd:"" help:"Add many people from a CSV file, all or nothing."`
	List    userListCmd    `cmd:"" help:"List everyone."`
	Passwd  userPasswdCmd  `cmd:"" help:"Give a person a new password and end their sessions."`
	Rename  userRenameCmd  `cmd:"" help:"Change the name shown on the board."`
	Team    userTeamCmd    `cmd:"" help:"Move a person to a team."`
	Disable userDisableCmd `cmd:"" help:"Take a person off the board, end their sessions and block sign-in."`
	Enable  userEnableCmd  `cmd:"" help:"Undo disable."`
	Delete  userDeleteCmd  `cmd:"" help:"Delete a person for good."`
}

// open opens the accounts, which must exist.
func (c *userCmd) open(ctx context.Context, con *console) (*accounts.Store, error) {
	if err := c.check(con.env); err != nil {
		return nil, err
	}
	if c.missing() {
		return nil, c.noDatabase()
	}
	return c.openStore(ctx, con)
}

// openToAdd opens the accounts to add people. If there are none, the server's database is probably somewhere else, so
// creating one takes --create.
func (c *userCmd) openToAdd(ctx context.Context, con *console, create bool) (*accounts.Store, error) {
	if err := c.check(con.env); err != nil {
		return nil, err
	}
	if c.missing() && !create {
		return nil, fmt.Errorf("%w, or add --create to start a new one", c.noDatabase())
	}
	if err := accounts.Ready(); err != nil {
		return nil, err
	}
	return c.openStore(ctx, con)
}

func (c *userCmd) openStore(ctx context.Context, con *console) (*accounts.Store, error) {
	warnings := &slog.HandlerOptions{Level: slog.LevelWarn} // the audit log has what is done here, too
	cfg := c.accounts(slog.New(slog.NewTextHandler(con.stderr, warnings)))
	cfg.Actor = accounts.CommandLine
	return accounts.Open(ctx, cfg)
}

// changeFunc changes one person.
type changeFunc func(*accounts.Store, accounts.User) error

// change opens the accounts, finds the person, calls do to change them, and prints what was done.
func (c *userCmd) change(ctx context.Context, con *console, username, done string, do changeFunc) error {
	store, err := c.open(ctx, con)
	if err != nil {
		return err
	}
	defer store.Close()
	user, err := store.UserByName(ctx, username)
	if errors.Is(err, accounts.ErrNotFound) {
		return fmt.Errorf("there is nobody called %q: %s lists everyone", username, c.command(con.env, "user", "list"))
	}
	if err == nil {
		err = do(store, user)
	}
	if err != nil {
		return plain(err)
	}
	_, err = fmt.Fprintf(con.stdout, "%s %s.\n", done, user.Username)
	return err
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

type userAddCmd struct {
	Username      string `arg:"" help:"Letters a to z, digits, dot, dash and underscore."`
	DisplayName   string `placeholder:"NAME" help:"Name on the board. Default: the username."`
	Team          string `placeholder:"TEAM" help:"Team on the board."`
	Admin         bool   `help:"Make this person an administrator."`
	Create        bool   `help:"Create the database if there is none."`
	PasswordStdin bool   `help:"Read the password from standard input. Without this, a new password is generated and printed."`
}

// Run adds the person, and prints the password if it generated one.
func (c *userAddCmd) Run(ctx context.Context, con *console, group *userCmd) error {
	password, made, err := choosePassword(con.stdin, c.PasswordStdin)
	if err != nil {
		return err
	}
	store, err := group.openToAdd(ctx, con, c.Create)
	if err != nil {
		return err
	}
	defer store.Close()
	user, err := store.Create(ctx, accounts.NewUser{
		Username: c.Username, DisplayName: c.DisplayName, Team: c.Team, Password: password, Admin: c.Admin,
	})
	if err != nil {
		return plain(err)
	}
	fmt.Fprintf(con.stdout, "Added %s.\n", user.Username)
	return reveal(con, made)
}

type userPasswdCmd struct {
	Username      string `arg:"" help:"The person."`
	PasswordStdin bool   `help:"Read the password from standard input. Without this, a new password is generated and printed."`
}

// Run sets the password, and prints it if it generated one.
func (c *userPasswdCmd) Run(ctx context.Context, con *console, group *userCmd) error {
	password, made, err := choosePassword(con.stdin, c.PasswordStdin)
	if err != nil {
		return err
	}
	setPassword := func(s *accounts.Store, u accounts.User) error { return s.SetPassword(ctx, u.ID, password, "") }
	if err := group.change(ctx, con, c.Username, "Changed the password and ended the sessions of",
		setPassword); err != nil {
		return err
	}
	return reveal(con, made)
}

// choosePassword reads the password from the first line of stdin, or generates one, which is also returned as made.
func choosePassword(stdin io.Reader, read bool) (password, made string, err error) {
	if !read {
		made = newPassword()
		return made, made, nil
	}
	line, err := bufio.NewReader(io.LimitReader(stdin, 4<<10)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", "", fmt.Errorf("read the password: %w", err)
	}
	line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
	if line == "" {
		return "", "", errors.New("there is no password on standard input")
	}
	return line, "", nil
}

// newPassword generates a password of 80 random bits that is easy to read aloud over the phone.
func newPassword() string {
	text := strings.ToLower(rand.Text())
	return text[:4] + "-" + text[4:8] + "-" + text[8:12] + "-" + text[12:16]
}

// reveal prints a generated password. There's no other way to see it.
func reveal(con *console, password string) error {
	if password == "" {
		return nil
	}
	_, err := fmt.Fprintf(con.stdout, "Password: %s\n", password)
	return err
}

type userRenameCmd struct {
	Username string `arg:"" help:"The person."`
	Display  string `arg:"" help:"The new name on the board; the username stays."`
}

// Run changes the name.
func (c *userRenameCmd) Run(ctx context.Context, con *console, group *userCmd) error {
	return group.change(ctx, con, c.Username, "Renamed", func(s *accounts.Store, u accounts.User) error {
		return s.Rename(ctx, u.ID, c.Display)
	})
}

type userTeamCmd struct {
	Username string `arg:"" help:"The person."`
	Team     string `arg:"" help:"The team; \"\" for none."`
}

// Run changes the team.
func (c *userTeamCmd) Run(ctx context.Context, con *console, group *userCmd) error {
	return group.change(ctx, con, c.Username, "Moved", func(s *accounts.Store, u accounts.User) error {
		return s.SetTeam(ctx, u.ID, c.Team)
	})
}

type userDisableCmd struct {
	Username string `arg:"" help:"The person."`
}

// Run disables the person.
func (c *userDisableCmd) Run(ctx context.Context, con *console, group *userCmd) error {
	return group.change(ctx, con, c.Username, "Disabled", func(s *accounts.Store, u accounts.User) error {
		return s.SetDisabled(ctx, u.ID, true)
	})
}

type userEnableCmd struct {
	Username string `arg:"" help:"The person."`
}

// Run enables the person.
func (c *userEnableCmd) Run(ctx context.Context, con *console, group *userCmd) error {
	return group.change(ctx, con, c.Username, "Enabled", func(s *accounts.Store, u accounts.User) error {
		return s.SetDisabled(ctx, u.ID, false)
	})
}

type userDeleteCmd struct {
	Username string `arg:"" help:"The person."`
	Yes      bool   `help:"Confirm; nothing about the person is kept."`
}

// Run deletes the person.
func (c *userDeleteCmd) Run(ctx context.Context, con *console, group *userCmd) error {
	return group.change(ctx, con, c.Username, "Deleted", func(s *accounts.Store, u accounts.User) error {
		if !c.Yes {
			return fmt.Errorf("you can't undo deleting %s (%s): add --yes, or take them off the board with %s",
				u.Username, u.DisplayName, group.command(con.env, "user", "disable", u.Username))
		}
		return s.Delete(ctx, u.ID)
	})
}
