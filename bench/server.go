package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// server is our own server, with a database in a temporary folder. It restarts before each group of scenarios, so that
// no memory is left over from the previous group. It isn't safe for concurrent use.
type server struct {
	child
	binary, dir string
	db          string   // database file; all replicas use that of the first one
	postgres    string   // URL; "" for the file
	redis       string   // URL; "" without replicas
	base        *url.URL // current base URL
	env         []string // further variables, from the next start on
}

func newServer(binary string) (*server, error) {
	binary, err := filepath.Abs(binary)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(binary); err != nil {
		return nil, fmt.Errorf("no server to start: %w "+
			"(make build builds bin/rollcall; -server names another program; -addr measures a running server)", err)
	}
	dir, log, err := scratch("server.log")
	if err != nil {
		return nil, err
	}
	return &server{
		child: child{name: "the server", log: log}, binary: binary, dir: dir, db: filepath.Join(dir, "bench.db"),
	}, nil
}

// scratch creates a temporary folder and a log file in it.
func scratch(name string) (dir string, log *os.File, err error) {
	if dir, err = os.MkdirTemp("", "rollcall-bench-"); err != nil {
		return "", nil, err
	}
	if log, err = os.Create(filepath.Join(dir, name)); err != nil {
		return "", nil, errors.Join(err, os.RemoveAll(dir))
	}
	return dir, log, nil
}

// close stops the server and removes its files.
func (s *server) close() error {
	return errors.Join(s.stop(), s.log.Close(), os.RemoveAll(s.dir))
}

// start starts the server without limits per address, and without the time in which people can come back after a start.
func (s *server) start(ctx context.Context) error {
	addr, err := freeAddr()
	if err != nil {
		return err
	}
	s.base = &url.URL{Scheme: "http", Host: addr}
	cmd := exec.Command(s.binary, "serve", "--addr", addr, "--db", s.db, "--signup", "open", "--limit-signups", "0",
		"--limit-logins", "0", "--limit-sockets-user", "0", "--limit-sockets-address", "0", "--limit-sockets", "0",
		"--limit-streams", "0")
	cmd.Env = append(append(s.environment(), "ROLLCALL_WARMING=0s"), s.env...)
	if s.redis != "" {
		cmd.Env = append(cmd.Env, "REDIS_URL="+s.redis)
	}
	return s.child.start(ctx, cmd, s.ready)
}

// ready reports whether /readyz succeeds.
func (s *server) ready() bool {
	r, err := http.Get(s.base.String() + "/readyz")
	if err != nil {
		return false
	}
	r.Body.Close()
	return r.StatusCode == http.StatusOK
}

// add creates accounts with the server's import command, all with the same password hash.
func (s *server) add(ctx context.Context, people []*person, hash string) error {
	file := filepath.Join(s.dir, "people.csv")
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	w := csv.NewWriter(f)
	rows := [][]string{{"username", "password", "display_name", "team"}}
	for _, p := range people {
		rows = append(rows, []string{p.name, hash, p.display, p.team})
	}
	if err := errors.Join(w.WriteAll(rows), f.Close()); err != nil {
		return err
	}
	return s.command(ctx, "user", "import", file, "--create", "--db", s.db)
}

// command runs a command of the server's program on its accounts.
func (s *server) command(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, s.binary, args...)
	cmd.Env = s.environment()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(args[:2], " "), err, out)
	}
	return nil
}

// environment returns the environment of the server's program.
func (s *server) environment() []string {
	if s.postgres == "" {
		return plainEnvironment()
	}
	return append(plainEnvironment(), "DATABASE_URL="+s.postgres)
}

// plainEnvironment returns the environment without variables that would change the server's settings.
func plainEnvironment() []string {
	var plain []string
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		switch {
		case strings.HasPrefix(name, "ROLLCALL_"), strings.HasPrefix(name, "FLY_"), strings.HasPrefix(name, "REDIS_URL"),
			strings.HasPrefix(name, "DATABASE_URL"), name == "PORT":
		default:
			plain = append(plain, v)
		}
	}
	return plain
}

// freeAddr returns a loopback address with a free port.
func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
