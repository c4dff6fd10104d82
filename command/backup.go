package command

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"text/tabwriter"

	"rollcall/accounts"
	"rollcall/command/process"
)

// backupCmd writes a backup of the database file.
type backupCmd struct {
	storage
	File  string `arg:"" help:"The file to write."`
	Force bool   `help:"Replace the file if it exists."`

	from, to process.Path // the database and the backup, if root has to act as both owners
}

// dropRoot gives up root for good if one user owns both folders. Otherwise, root uses each folder with its owner's
// rights, one after the other.
func (c *backupCmd) dropRoot(db process.Path) error {
	to, err := process.Resolve(c.File)
	if err != nil {
		return err
	}
	if to.Owner == db.Owner && db.Passable() && to.Passable() {
		c.File = to.String()
		return db.Enter()
	}
	if to.IsRoots() {
		to = process.Roots(c.File)
	}
	c.from, c.to = db, to
	return nil
}

// Run writes the backup, whether or not a server is running.
func (c *backupCmd) Run(ctx context.Context, con *console) error {
	if err := c.check(con.env); err != nil {
		return err
	}
	if c.DatabaseURL != "" {
		return fmt.Errorf("%s: pg_dump --format=custom --file=%s --dbname=%s", inPostgres, c.File, postgresInShell(con.env))
	}
	if c.from.IsRoots() && c.missing() {
		return c.noDatabase()
	}
	users, err := c.write(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(con.stdout, "Wrote %s: %d accounts, checked.\n", c.File, users)
	if _, err := os.Stat(keyFile(c.DB)); err == nil && c.SecretKey == nil {
		fmt.Fprintf(con.stdout, "The secret key of authenticator apps isn't in it: keep a copy of %s elsewhere.\n", keyFile(c.DB))
	}
	return nil
}

// write writes the backup and returns how many accounts are in it. Root acts as both owners: the owner of the database
// makes a copy in their own folder, and root passes the open copy to the owner of the other folder.
func (c *backupCmd) write(ctx context.Context) (users int, err error) {
	if c.from.IsRoots() {
		return accounts.Backup(ctx, c.DB, c.File, c.Force)
	}
	err = c.to.AsOwner(func(path string) error { return accounts.MayWrite(path, c.Force) })
	if err != nil {
		return 0, err
	}
	var copied *os.File
	err = c.from.AsOwner(func(path string) error {
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
	return users, c.to.AsOwner(func(path string) error { return accounts.WriteBackup(copied, path, c.Force) })
}

const inPostgres = "the accounts are in Postgres, which has a tool for this"

// postgresInShell is a placeholder for the database URL in shell examples.
func postgresInShell(env environment) string {
	if env["DATABASE_URL"] == "" {
		return `"$(cat "$DATABASE_URL_FILE")"`
	}
	return `"$DATABASE_URL"`
}

// restoreCmd replaces the database file with a backup.
type restoreCmd struct {
	storage
	File  string `arg:"" help:"The backup."`
	Force bool   `help:"Replace an existing database; the old file is kept under another name."`

	in *os.File // File, if it was opened before root was given up
}

// dropRoot opens the backup, which perhaps only root can read, and gives up root.
func (c *restoreCmd) dropRoot(db process.Path) (err error) {
	if c.in, err = db.Open(c.File); err != nil {
		return err
	}
	return db.Enter()
}

// Run replaces the file; the server must be stopped.
func (c *restoreCmd) Run(ctx context.Context, con *console) error {
	if err := c.check(con.env); err != nil {
		return err
	}
	if c.DatabaseURL != "" {
		return fmt.Errorf("%s: stop all servers, set DATABASE_URL to a new empty database, "+
			"then pg_restore --no-owner --single-transaction --dbname=%s %s", inPostgres, postgresInShell(con.env), c.File)
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
	fmt.Fprintf(con.stdout, "Restored %d accounts into %s.\n", done.Users, con.db.Full(c.DB))
	if done.Kept != "" {
		fmt.Fprintf(con.stdout, "The old database is in %s: remove it when everything works.\n", con.db.Full(done.Kept))
	}
	if err := c.warnOfLostApps(ctx, con); err != nil {
		return err
	}
	if !done.Same {
		fmt.Fprintln(con.stdout, "The store has a new ID: with REDIS_URL, wait a minute after the last server of the old store "+
			"stopped before you start one.")
	}
	return nil
}

// dbCmd groups the commands for moving to another kind of database.
type dbCmd struct {
	Copy dbCopyCmd `cmd:"" help:"Copy a database file into the empty Postgres database that DATABASE_URL names."`
}

type dbCopyCmd struct {
	From string `required:"" placeholder:"FILE" help:"The database file of a stopped server, or a backup."`
}

func (c *dbCopyCmd) dropRoot(db process.Path) error { return db.EnterWithNetwork() }

// Run copies everything or nothing, and prints what to do next.
func (c *dbCopyCmd) Run(ctx context.Context, con *console) error {
	url, err := con.env.secret("DATABASE_URL")
	if err != nil {
		return err
	}
	if url == "" {
		return errors.New("DATABASE_URL is not set: set it to the Postgres database to copy to, " +
			"like postgres://rollcall:PASSWORD@HOST/rollcall")
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
	fmt.Fprintf(con.stdout, copyHint, to.Where(), c.From)
	if _, err := os.Stat(keyFile(c.From)); err == nil {
		fmt.Fprintf(con.stdout, "Set %s on each server to the content of %s, for people with an authenticator app.\n",
			secretKeyVariable, keyFile(c.From))
	}
	return nil
}

// copyHint says what to do after a copy, with the names of the database and the file filled in.
const copyHint = `Everything is in %s; %s was not changed.
Next: start each server with this DATABASE_URL and, if there are several, the same REDIS_URL. People stay signed in.
Don't start a server on the file again: the two databases would drift apart.
`
