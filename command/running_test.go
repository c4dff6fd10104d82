package command

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"
	"time"
)

// running is a server that a test started with run, as Main does.
type running struct {
	url   string        // http://127.0.0.1:PORT
	lines chan string   // standard output after the line with the address
	stop  func()        // stops the server, as a signal does
	ended chan error    // receives the result of run once
	log   *bytes.Buffer // standard error; read it only after the end
}

// start runs a command line that serves, and returns when it has printed its address.
func start(t *testing.T, args ...string) *running {
	t.Helper()
	return startIn(t, environment{}, args...)
}

// startIn is start with variables.
func startIn(t *testing.T, env environment, args ...string) *running {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	out, in := io.Pipe()
	r := &running{stop: stop, ended: make(chan error, 1), log: &bytes.Buffer{}, lines: make(chan string, 100)}
	go func() {
		con := &console{env: env, files: uiFiles(), stdin: strings.NewReader(""), stdout: in, stderr: r.log}
		err := run(ctx, args, con)
		in.CloseWithError(io.EOF)
		r.ended <- err
	}()
	lines := bufio.NewScanner(out)
	for r.url == "" && lines.Scan() {
		if at, ok := strings.CutPrefix(lines.Text(), "Rollcall is at "); ok {
			r.url = at
		}
	}
	if r.url == "" {
		t.Fatalf("run(%q) = %v without an address on standard output", args, <-r.ended)
	}
	go func() {
		defer close(r.lines)
		for lines.Scan() {
			r.lines <- lines.Text()
		}
	}()
	return r
}

// end stops the server and returns the error of run.
func (r *running) end(t *testing.T) error {
	t.Helper()
	r.stop()
	select {
	case err := <-r.ended:
		return err
	case <-time.After(10 * time.Second):
		t.Fatal("the server didn't stop within 10 s")
		return nil
	}
}

// untilClosed waits until the server listens no more.
func (r *running) untilClosed(t *testing.T) {
	t.Helper()
	waitFor(t, "the port to be closed", func() bool {
		c, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
		if err == nil {
			c.Close()
		}
		return err != nil
	})
}

// browser returns an HTTP client that keeps cookies and follows redirects.
func browser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Jar: jar, Transport: transport}
}

// waitFor waits until done returns true, for at most 30 s.
func waitFor(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for !done() {
		select {
		case <-deadline:
			t.Fatalf("waited 30 s for %s", what)
		case <-again.C:
		}
	}
}
