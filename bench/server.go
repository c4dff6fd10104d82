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

// server is a server of our own with a database in a temporary folder. It is started anew before each group of
// scenarios, so that none inherits the memory of the one before. Used by one goroutine.
type server struct {
	child
	binary, dir string
	db          string   // its database; replicas have the one of the first of them
	redis       string   // URL of what it shares with other replicas; "": it is alone
	base        *url.URL // as it runs now
}

func newServer(binary string) (*server, error) {
	binary, err := filepath.Abs(binary)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(binary); err != nil {
		return nil, fmt.Errorf("no server to start: %w (make build makes bin/rollcall; -server names another program; -addr measures a running one)", err)
	}
	dir, log, err := scratch("server.log")
	if err != nil {
		return nil, err
	}
	return &server{child: child{name: "the server", log: log}, binary: binary, dir: dir, db: filepath.Join(dir, "bench.db")}, nil
}

// scratch makes a temporary folder and a log in it.
func scratch(name string) (dir string, log *os.File, err error) {
	if dir, err = os.MkdirTemp("", "rollcall-bench-"); err != nil {
		return "", nil, err
	}
	if log, err = os.Create(filepath.Join(dir, name)); err != nil {
		return "", nil, errors.Join(err, os.RemoveAll(dir))
	}
	return dir, log, nil
}

// close stops the server and removes all it left.
func (s *server) close() error {
	return errors.Join(s.stop(), s.log.Close(), os.RemoveAll(s.dir))
}

// start starts the server, without limits on what one address may do and without waiting for people who might come
// back.
func (s *server) start(ctx context.Context) error {
	addr, err := freeAddr()
	if err != nil {
		return err
	}
	s.base = &url.URL{Scheme: "http", Host: addr}
	cmd := exec.Command(s.binary, "serve", "--addr", addr, "--db", s.db, "--limit-signups", "0", "--limit-logins", "0",
		"--limit-sockets-user", "0", "--limit-sockets-address", "0", "--limit-sockets", "0")
	cmd.Env = append(plainEnvironment(), "ROLLCALL_WARMING=0s")
	if s.redis != "" {
		cmd.Env = append(cmd.Env, "REDIS_URL="+s.redis)
	}
	return s.child.start(ctx, cmd, s.ready)
}

// ready reports whether the server says that it is.
func (s *server) ready() bool {
	r, err := http.Get(s.base.String() + "/readyz")
	if err != nil {
		return false
	}
	r.Body.Close()
	return r.StatusCode == http.StatusOK
}

// add makes accounts with the server's own command. All have the password that hash is of.
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
	cmd := exec.CommandContext(ctx, s.binary, "user", "import", file, "--create", "--db", s.db)
	cmd.Env = plainEnvironment()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("user import: %w\n%s", err, out)
	}
	return nil
}

// plainEnvironment is ours without what would change the server's settings.
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

// freeAddr is a loopback address nobody listens on just now.
func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
