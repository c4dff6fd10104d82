package command

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"

	"rollcall/accounts"
)

// userCmd manages people. It works on the database while servers run, and they notice within a second.
type userCmd struct {
	storage

	Add     userAddCmd     `cmd:"" help:"Add a person."`
	Import  userImportCmd  `cmd:"" help:"Add many people from a CSV file, all or nothing."`
	List    userListCmd    `cmd:"" help:"List people: everyone, or those that the flags select."`
	Export  userExportCmd  `cmd:"" help:"Print everyone as CSV, which import reads."`
	Passwd  userPasswdCmd  `cmd:"" help:"Give a person a new password and end their sessions and access tokens."`
	Rename  userRenameCmd  `cmd:"" help:"Change the name shown on the board."`
	Team    userTeamCmd    `cmd:"" help:"Move a person to a team."`
	Disable userDisableCmd `cmd:"" help:"Take a person off the board, end their sessions and access tokens, and block sign-in."`
	Enable  userEnableCmd  `cmd:"" help:"Undo disable."`
	Delete  userDeleteCmd  `cmd:"" help:"Delete a person for good."`
	Admin   userAdminCmd   `cmd:"" help:"Make a person an administrator, or a member again."`
	Link    userLinkCmd    `cmd:"" help:"Print a link with which a person chooses a new password."`
	Email   userEmailCmd   `cmd:"" help:"Set, remove, or print the email address of a person."`
	SignOut userSignOutCmd `cmd:"" help:"End all sessions and access tokens of a person."`
	Factors userFactorsCmd `cmd:"" help:"Remove a person's second factors."`
	Unlink  userUnlinkCmd  `cmd:"" help:"Unlink a person's account at a provider or a proxy."`
	Waiting userWaitingCmd `cmd:"" help:"List who waits for approval."`
	Approve userApproveCmd `cmd:"" help:"Let a person in who waits for approval."`
	Decline userDeclineCmd `cmd:"" help:"Delete the account of a person who waits for approval."`
}

type userAddCmd struct {
	Username      string `arg:"" help:"Letters a to z, digits, dots, dashes, and underscores."`
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
	err = group.change(ctx, con, c.Username, "Changed the password and ended the sessions of %s.",
		func(ctx context.Context, s *accounts.Store, u accounts.User) error {
			return s.SetPassword(ctx, u.ID, password, "")
		})
	if err != nil {
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
	return group.change(ctx, con, c.Username, "Renamed %s.",
		func(ctx context.Context, s *accounts.Store, u accounts.User) error {
			return s.Rename(ctx, u.ID, c.Display)
		})
}

type userTeamCmd struct {
	Username string `arg:"" help:"The person."`
	Team     string `arg:"" help:"The team; \"\" for none."`
}

// Run changes the team.
func (c *userTeamCmd) Run(ctx context.Context, con *console, group *userCmd) error {
	return group.change(ctx, con, c.Username, "Moved %s.",
		func(ctx context.Context, s *accounts.Store, u accounts.User) error {
			return s.SetTeam(ctx, u.ID, c.Team)
		})
}

type userDisableCmd struct {
	Username string `arg:"" help:"The person."`
	Force    bool   `help:"Disable the person even if no other administrator can sign in."`
}

// Run disables the person.
func (c *userDisableCmd) Run(ctx context.Context, con *console, group *userCmd) error {
	return group.change(forced(ctx, c.Force), con, c.Username, "Disabled %s.",
		func(ctx context.Context, s *accounts.Store, u accounts.User) error {
			return s.SetDisabled(ctx, u.ID, true)
		})
}

type userEnableCmd struct {
	Username string `arg:"" help:"The person."`
}

// Run enables the person.
func (c *userEnableCmd) Run(ctx context.Context, con *console, group *userCmd) error {
	return group.change(ctx, con, c.Username, "Enabled %s.",
		func(ctx context.Context, s *accounts.Store, u accounts.User) error {
			return s.SetDisabled(ctx, u.ID, false)
		})
}

type userDeleteCmd struct {
	Username string `arg:"" help:"The person."`
	Yes      bool   `help:"Confirm; nothing about the person is kept."`
	Force    bool   `help:"Delete the person even if no other administrator can sign in."`
}

// Run deletes the person.
func (c *userDeleteCmd) Run(ctx context.Context, con *console, group *userCmd) error {
	return group.change(forced(ctx, c.Force), con, c.Username, "Deleted %s.",
		func(ctx context.Context, s *accounts.Store, u accounts.User) error {
			if !c.Yes {
				return fmt.Errorf("you can't undo deleting %s (%s): add --yes, or take them off the board with %s",
					u.Username, u.DisplayName, group.command(con.env, "user", "disable", u.Username))
			}
			return s.Delete(ctx, u.ID)
		})
}
