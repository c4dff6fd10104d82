package command

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"rollcall/accounts"
	"rollcall/command/process"
	"rollcall/identity"
)

// storage holds the settings that say where accounts are kept.
type storage struct {
	DB          string `variable:"ROLLCALL_DB" default:"${db}" placeholder:"FILE" help:"Database file, created with its folder if needed. Ignored if DATABASE_URL is set. Default: ${db}."`
	DbConns     int    `variable:"ROLLCALL_DB_CONNS" default:"16" help:"Maximum connections to Postgres. Used only with DATABASE_URL."`
	RunAs       string `variable:"ROLLCALL_RUN_AS" placeholder:"UID[:GID]" help:"On Linux, if started as root: give the database's folder to this user and switch to this user before opening anything."`
	DatabaseURL secret `kong:"-"` // DATABASE_URL or DATABASE_URL_FILE

	SecretKey *identity.Keyring `kong:"-"` // ROLLCALL_SECRET_KEY or ROLLCALL_SECRET_KEY_FILE; nil: not set
}

// maxConns limits --db-conns. It's far above what one process can use.
const maxConns = 1000

// check reads the secret, and returns an error if a setting is invalid.
func (s *storage) check(env environment) error {
	var err error
	if s.DatabaseURL, err = env.secret("DATABASE_URL"); err != nil {
		return err
	}
	if s.SecretKey, err = env.secretKey(); err != nil {
		return err
	}
	if s.RunAs != "" {
		if _, err := process.ParseIdentity(s.RunAs); err != nil {
			return err
		}
	}
	if s.DbConns < 2 || s.DbConns > maxConns {
		return fmt.Errorf("--db-conns %d: write a number from 2 to %d", s.DbConns, maxConns)
	}
	if s.DatabaseURL != "" {
		return accounts.CheckURL(string(s.DatabaseURL))
	}
	if s.DB == "" {
		return errors.New("there is no home folder to keep the database in: choose a file with --db FILE")
	}
	return nil
}

// accounts returns the configuration of the store.
func (s *storage) accounts(log *slog.Logger) accounts.Config {
	return accounts.Config{Path: s.DB, URL: string(s.DatabaseURL), Conns: s.DbConns, Log: log}
}

// missing reports whether the accounts are in a file that doesn't exist.
func (s *storage) missing() bool {
	_, err := os.Stat(s.DB)
	return s.DatabaseURL == "" && errors.Is(err, fs.ErrNotExist)
}

// noDatabase returns the error of a command that needs an existing database.
func (s *storage) noDatabase() error {
	return fmt.Errorf("there is no database at %s: name the server's with --db", s.DB)
}

// command returns a command line that works on these accounts from any folder. The URL of Postgres is a secret, so the
// line refers to the variable or file that this process got it from.
func (s *storage) command(env environment, args ...string) string {
	line := "rollcall " + strings.Join(args, " ")
	switch file := env["DATABASE_URL_FILE"]; {
	case s.DatabaseURL != "" && file != "":
		return "DATABASE_URL_FILE=" + shellPath(file) + " " + line
	case s.DatabaseURL != "":
		return `DATABASE_URL="$DATABASE_URL" ` + line
	}
	return line + " --db " + shellPath(s.DB)
}

// shellPath returns the absolute path, quoted for a shell if necessary.
func shellPath(path string) string {
	if absolute, err := filepath.Abs(path); err == nil {
		path = absolute
	}
	if !strings.ContainsFunc(path, func(r rune) bool { return r < 0x80 && !isPlain(r) }) {
		return path
	}
	if runtime.GOOS == "windows" {
		return `"` + path + `"`
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}

// isPlain reports whether an ASCII character has no special meaning to a shell.
func isPlain(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(`/._-+:@%,=`, r) ||
		runtime.GOOS == "windows" && r == '\\'
}
