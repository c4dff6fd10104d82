// Package pgtest starts a real Postgres for tests: an unprivileged process on a free local port, in a temporary folder,
// without durability. The program itself doesn't use it.
package pgtest

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// LockedRole is a role that needs a password. All others need none. Tests that use it must create it.
const LockedRole = "locked"

const startWait = 30 * time.Second

// Server is a running Postgres.
type Server struct {
	Port   int
	folder string
	cmd    *exec.Cmd
	log    *os.File
	made   atomic.Int64
}

// Start starts a server without replication. The caller must Stop it.
func Start() (*Server, error) {
	return create("wal_level=minimal", "max_wal_senders=0", "synchronous_commit=off")
}

// StartPrimary starts a server that can have standbys. The caller must Stop it.
func StartPrimary() (*Server, error) { return create("wal_level=replica", "max_wal_senders=10") }

// create starts a server on new data.
func create(settings ...string) (*Server, error) {
	return newServer(func(s *Server, bin, data string) error {
		err := s.run(filepath.Join(bin, "initdb"), "--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8",
			"--locale=C", "--pgdata="+data)
		if err == nil {
			err = requirePassword(filepath.Join(data, "pg_hba.conf"))
		}
		return err
	}, settings...)
}

// newServer starts a server on data that fill makes.
func newServer(fill func(s *Server, bin, data string) error, settings ...string) (s *Server, err error) {
	bin, err := bindir()
	if err != nil {
		return nil, err
	}
	s = &Server{}
	if s.folder, err = os.MkdirTemp("", "rollcall-postgres-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.Stop()
		}
	}()
	if err := giveAway(s.folder); err != nil {
		return nil, err
	}
	data := filepath.Join(s.folder, "data")
	if err := fill(s, bin, data); err != nil {
		return nil, err
	}
	if s.Port, err = freePort(); err != nil {
		return nil, err
	}
	if s.log, err = os.Create(filepath.Join(s.folder, "log")); err != nil {
		return nil, err
	}
	s.cmd = exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-p", strconv.Itoa(s.Port))
	for _, setting := range append(settings, "listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off",
		"full_page_writes=off", "max_connections=200") {
		s.cmd.Args = append(s.cmd.Args, "-c", setting)
	}
	s.cmd.Dir, s.cmd.Stdout, s.cmd.Stderr = s.folder, s.log, s.log
	unprivileged(s.cmd)
	return s, s.start()
}

// run runs a program in the server's folder until it ends.
func (s *Server) run(program string, args ...string) error {
	cmd := exec.Command(program, args...)
	cmd.Dir = s.folder
	unprivileged(cmd)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", filepath.Base(program), err, out)
	}
	return nil
}

// start starts the process and waits until it accepts connections.
func (s *Server) start() error {
	if err := s.cmd.Start(); err != nil {
		return err
	}
	var err error
	for deadline := time.Now().Add(startWait); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if err = s.Exec("postgres", "SELECT 1"); err == nil {
			return nil
		}
	}
	log, _ := os.ReadFile(s.log.Name())
	return fmt.Errorf("postgres did not start: %w\n%s", err, log)
}

// Restart stops the server with all its connections, calls between, and starts it again on the same port.
func (s *Server) Restart(between func()) error {
	s.halt(syscall.SIGINT)
	between()
	again := exec.Command(s.cmd.Path)
	again.Args, again.Dir, again.Stdout, again.Stderr = s.cmd.Args, s.cmd.Dir, s.log, s.log
	unprivileged(again)
	s.cmd = again
	return s.start()
}

// halt signals the server and waits until it exits.
func (s *Server) halt(sig syscall.Signal) {
	if s.cmd != nil && s.cmd.Process != nil {
		s.cmd.Process.Signal(sig)
		s.thaw()
		s.cmd.Wait()
	}
}

// Stop stops the server and removes its data.
func (s *Server) Stop() {
	s.halt(syscall.SIGQUIT)
	if s.log != nil {
		s.log.Close()
	}
	os.RemoveAll(s.folder)
}

// URL returns the URL of a database, for the superuser postgres.
func (s *Server) URL(database string) string { return s.URLAs("postgres", database) }

// URLAs is URL for another role, given as role or role:password.
func (s *Server) URLAs(who, database string) string {
	return fmt.Sprintf("postgres://%s@127.0.0.1:%d/%s?sslmode=disable", who, s.Port, database)
}

// Exec runs statements in a database.
func (s *Server) Exec(database string, statements ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), startWait)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.URL(database))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for _, text := range statements {
		if _, err := conn.Exec(ctx, text); err != nil {
			return fmt.Errorf("%s: %w", text, err)
		}
	}
	return nil
}

// Create creates a database and returns its name. options follow the name in CREATE DATABASE.
func (s *Server) Create(options string) (name string, err error) {
	name = fmt.Sprintf("test%d", s.made.Add(1))
	return name, s.Exec("postgres", "CREATE DATABASE "+name+" "+options)
}

// Drop drops a database, even if clients are connected to it.
func (s *Server) Drop(name string) error {
	return s.Exec("postgres", "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
}

// bindir returns the folder of the Postgres programs.
func bindir() (string, error) {
	if out, err := exec.Command("pg_config", "--bindir").Output(); err == nil {
		return strings.TrimSpace(string(out)), nil
	}
	if path, err := exec.LookPath("postgres"); err == nil {
		path, err = filepath.EvalSymlinks(path)
		return filepath.Dir(path), err
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if len(found) == 0 {
		return "", fmt.Errorf("there is no Postgres to test with: install it (apt-get install postgresql)")
	}
	return filepath.Dir(found[len(found)-1]), nil
}

// requirePassword makes LockedRole need a password.
func requirePassword(hba string) error {
	old, err := os.ReadFile(hba)
	if err != nil {
		return err
	}
	return os.WriteFile(hba, append([]byte("host all "+LockedRole+" 127.0.0.1/32 scram-sha-256\n"), old...), 0o600)
}

// freePort returns a free port.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
