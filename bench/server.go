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
	"syscall"
	"time"
)

const (
	startWait = 20 * time.Second
	stopWait  = 12 * time.Second // a server promises to be gone after 10
)

// server is a server of our own with a database in a temporary folder. It is started anew before each group of
// scenarios, so that none inherits the memory of the one before. Used by one goroutine.
type server struct {
	binary, dir string
	log         *os.File

	cmd     *exec.Cmd // nil: not running
	exited  chan error
	base    *url.URL
	startup time.Duration // until it said that it is ready
}

func newServer(binary string) (*server, error) {
	binary, err := filepath.Abs(binary)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(binary); err != nil {
		return nil, fmt.Errorf("no server to start: %w (make build makes bin/rollcall; -server names another program; -addr measures a running one)", err)
	}
	dir, err := os.MkdirTemp("", "rollcall-bench-")
	if err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(dir, "server.log"))
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return &server{binary: binary, dir: dir, log: log}, nil
}

// close stops the server and removes all it left.
func (s *server) close() error {
	return errors.Join(s.stop(), s.log.Close(), os.RemoveAll(s.dir))
}

// restart stops the server, if it runs, and starts it, without limits on what one address may do and without waiting
// for people who might come back.
func (s *server) restart(ctx context.Context) error {
	if err := s.stop(); err != nil {
		return err
	}
	addr, err := freeAddr()
	if err != nil {
		return err
	}
	s.base = &url.URL{Scheme: "http", Host: addr}
	s.cmd = exec.Command(s.binary, "serve", "--addr", addr, "--db", s.db(), "--limit-signups", "0", "--limit-logins", "0",
		"--limit-sockets-user", "0", "--limit-sockets-address", "0", "--limit-sockets", "0")
	s.cmd.Env = append(plainEnvironment(), "ROLLCALL_WARMING=0s")
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	began := time.Now()
	if err := s.cmd.Start(); err != nil {
		s.cmd = nil
		return err
	}
	s.exited = make(chan error, 1)
	go func(cmd *exec.Cmd, exited chan<- error) { exited <- cmd.Wait() }(s.cmd, s.exited)
	if err := s.ready(ctx); err != nil {
		return errors.Join(err, s.stop())
	}
	s.startup = time.Since(began)
	return nil
}

// ready waits until the server says that it is.
func (s *server) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startWait, fmt.Errorf("the server was not ready after %v", startWait))
	defer cancel()
	poll := time.NewTicker(2 * time.Millisecond)
	defer poll.Stop()
	for {
		if r, err := http.Get(s.base.String() + "/readyz"); err == nil {
			r.Body.Close()
			if r.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-poll.C:
		case err := <-s.exited:
			s.cmd = nil
			return fmt.Errorf("the server ended at once: %w\n%s", err, s.lastLines())
		case <-ctx.Done():
			return fmt.Errorf("%w\n%s", context.Cause(ctx), s.lastLines())
		}
	}
}

// stop ends the server as a supervisor would. Stopping one that does not run does nothing.
func (s *server) stop() error {
	if s.cmd == nil {
		return nil
	}
	defer func() { s.cmd = nil }()
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // it may have ended by itself; exited tells
	select {
	case err := <-s.exited:
		if err != nil {
			return fmt.Errorf("the server ended badly: %w\n%s", err, s.lastLines())
		}
		return nil
	case <-time.After(stopWait):
		_ = s.cmd.Process.Kill()
		<-s.exited
		return fmt.Errorf("the server was not gone %v after SIGTERM\n%s", stopWait, s.lastLines())
	}
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
	cmd := exec.CommandContext(ctx, s.binary, "user", "import", file, "--db", s.db())
	cmd.Env = plainEnvironment()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("user import: %w\n%s", err, out)
	}
	return nil
}

func (s *server) db() string { return filepath.Join(s.dir, "bench.db") }

// lastLines is the end of what the server said.
func (s *server) lastLines() string {
	said, _ := os.ReadFile(s.log.Name())
	return string(said[max(0, len(said)-2000):])
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
