package main

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"

	"rollcall/accounts"
)

// backupCmd writes a backup of the database file.
type backupCmd struct {
	storage
	File  string `arg:"" help:"Where to write it."`
	Force bool   `help:"Replace the file when it is there already."`
}

// Run writes the file, whether a server runs or not.
func (c *backupCmd) Run(ctx context.Context, con *console) error {
	if err := c.check(con.env); err != nil {
		return err
	}
	if c.DatabaseURL != "" {
		return fmt.Errorf(`the accounts are in Postgres, which has a tool for this: pg_dump --format=custom --file=%s --dbname=%s`, c.File, inShell(con.env))
	}
	if c.missing() {
		return c.noDatabase()
	}
	users, err := accounts.Backup(ctx, c.DB, c.File, c.Force)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(con.stdout, "Wrote %s: %d accounts, checked.\n", c.File, users)
	return err
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
	done, err := accounts.Restore(ctx, c.File, c.DB, c.Force)
	if err != nil {
		return err
	}
	fmt.Fprintf(con.stdout, "Restored %d accounts into %s.\n", done.Users, c.DB)
	if done.Kept != "" {
		fmt.Fprintf(con.stdout, "What was there before is in %s: remove it when all is well.\n", done.Kept)
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
