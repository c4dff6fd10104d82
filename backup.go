package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"text/tabwriter"

	"rollcall/accounts"
)

// backupCmd writes a backup of the database file.
type backupCmd struct {
	storage
	File  string `arg:"" help:"Where to write it."`
	Force bool   `help:"Replace the file when it is there already."`

	from, to place // of the database and of the backup, where root has to act for others in both
}

// become gives root up for good where one user owns both folders. Else each folder is used with its owner's rights, one
// after the other.
func (c *backupCmd) become(p place) error {
	to, err := placeOf(c.File)
	if err != nil {
		return err
	}
	if to.owner == p.owner && p.passable && to.passable {
		c.File = to.path()
		return p.enter()
	}
	c.from, c.to = p, to.orAt(c.File)
	return nil
}

// Run writes the file, whether a server runs or not.
func (c *backupCmd) Run(ctx context.Context, con *console) error {
	if err := c.check(con.env); err != nil {
		return err
	}
	if c.DatabaseURL != "" {
		return fmt.Errorf(`the accounts are in Postgres, which has a tool for this: pg_dump --format=custom --file=%s --dbname=%s`, c.File, inShell(con.env))
	}
	if c.from.owner == (identity{}) && c.missing() {
		return c.noDatabase()
	}
	users, err := c.write(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(con.stdout, "Wrote %s: %d accounts, checked.\n", c.File, users)
	return err
}

// write writes the backup and returns how many accounts are in it. Root lends its rights: the owner of the database
// makes a copy in their folder, and what root has open of that goes into the other folder.
func (c *backupCmd) write(ctx context.Context) (users int, err error) {
	if c.from.owner == (identity{}) {
		return accounts.Backup(ctx, c.DB, c.File, c.Force)
	}
	err = c.to.within(func(path string) error { return accounts.MayWrite(path, c.Force) })
	if err != nil {
		return 0, err
	}
	var copied *os.File
	err = c.from.within(func(path string) error {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return c.noDatabase()
		}
		temporary := path + ".backup-" + rand.Text() + ".part"
		defer os.Remove(temporary)
		if users, err = accounts.Backup(ctx, path, temporary, false); err == nil {
			copied, err = os.Open(temporary)
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	defer copied.Close()
	return users, c.to.within(func(path string) error { return accounts.WriteBackup(copied, path, c.Force) })
}

// inShell is what a shell puts the address of the database in the place of.
func inShell(env environment) string {
	if env["DATABASE_URL"] == "" {
		return `"$(cat "$DATABASE_URL_FILE")"`
	}
	return `"$DATABASE_URL"`
}

// restoreCmd puts a backup in the place of the database file.
type restoreCmd struct {
	storage
	File  string `arg:"" help:"The backup."`
	Force bool   `help:"Do it although there is a database; that file is kept under another name."`

	in *os.File // File, where it was opened before root was given up
}

// become opens the backup, which perhaps root alone may read, and gives root up.
func (c *restoreCmd) become(p place) (err error) {
	if c.in, err = openAsRoot(c.File, p); err != nil {
		return err
	}
	return p.enter()
}

// Run replaces the file; the server must be stopped.
func (c *restoreCmd) Run(ctx context.Context, con *console) error {
	if err := c.check(con.env); err != nil {
		return err
	}
	if c.DatabaseURL != "" {
		return fmt.Errorf(`the accounts are in Postgres, which has a tool for this: stop all servers, put the address of a new empty database `+
			`in the place of the old one, then pg_restore --no-owner --single-transaction --dbname=%s %s`, inShell(con.env), c.File)
	}
	restore := func() (accounts.Restored, error) { return accounts.Restore(ctx, c.File, c.DB, c.Force) }
	if c.in != nil {
		defer c.in.Close()
		restore = func() (accounts.Restored, error) { return accounts.RestoreFrom(ctx, c.in, c.DB, c.Force) }
	}
	done, err := restore()
	if err != nil {
		return err
	}
	fmt.Fprintf(con.stdout, "Restored %d accounts into %s.\n", done.Users, con.place.seen(c.DB))
	if done.Kept != "" {
		fmt.Fprintf(con.stdout, "What was there before is in %s: remove it when all is well.\n", con.place.seen(done.Kept))
	}
	if !done.Same {
		fmt.Fprintln(con.stdout, "The store has a new id: with REDIS_URL, start a server a minute after the last one of the old store stopped.")
	}
	return nil
}

// dbCmd is for moving to another kind of database.
type dbCmd struct {
	Copy dbCopyCmd `cmd:"" help:"Copy a database file into the empty Postgres that DATABASE_URL names."`
}

type dbCopyCmd struct {
	From string `required:"" placeholder:"FILE" help:"The database file, of a server that is stopped, or a backup."`
}

func (c *dbCopyCmd) become(p place) error { return p.enterWithNetwork() }

// Run copies everything or nothing, and says what to do then.
func (c *dbCopyCmd) Run(ctx context.Context, con *console) error {
	url, err := con.env.secret("DATABASE_URL")
	if err != nil {
		return err
	}
	if url == "" {
		return errors.New("DATABASE_URL is not set: it names the Postgres to copy to, like postgres://rollcall:PASSWORD@HOST/rollcall")
	}
	to := accounts.Config{URL: string(url)}
	copied, err := accounts.Copy(ctx, c.From, to)
	var old *accounts.OldSchemaError
	if errors.As(err, &old) {
		upgrade := (&storage{DB: old.Path}).command(con.env, "user", "list")
		return fmt.Errorf("%w: upgrade it with DATABASE_URL= DATABASE_URL_FILE= %s, then copy again", err, upgrade)
	}
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(con.stdout, 0, 0, 2, ' ', 0)
	for _, t := range copied {
		fmt.Fprintf(table, "%s\t%d\n", t.Table, t.Rows)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(con.stdout, copyHint, to.Where(), c.From)
	return err
}

// copyHint is what to do after a copy; the names of the database and of the file are filled in.
const copyHint = `Everything is in %s; %s was not changed.
Next: start each server with this DATABASE_URL, and with the same REDIS_URL when there are several; people stay signed in.
Do not start one on the file again: the two would drift apart.
`
