package accounts

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// faultyProxy forwards connections to a server and can be made to fail.
type faultyProxy struct {
	net.Listener
	dead     atomic.Bool // drops everything
	deaf     atomic.Bool // forwards commits, but not their answers
	starting atomic.Bool // answers like a server that is starting
}

// newFaultyProxy returns a proxy to the server at place, and the URL of the database through it.
func newFaultyProxy(t *testing.T, place string) (*faultyProxy, string) {
	t.Helper()
	u, err := url.Parse(place)
	do(t, "Parse", err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	do(t, "Listen", err)
	between := &faultyProxy{Listener: l}
	server := u.Host
	var open sync.WaitGroup
	t.Cleanup(func() { l.Close(); open.Wait() })
	open.Go(func() {
		for {
			here, err := l.Accept()
			if err != nil {
				return
			}
			if between.starting.Load() {
				refuse(here)
				continue
			}
			there, err := net.Dial("tcp", server)
			if err != nil {
				here.Close()
				continue
			}
			open.Go(func() { between.carry(here, there) })
			open.Go(func() { between.carry(there, here) })
		}
	})
	u.Host = l.Addr().String()
	return between, u.String()
}

// carry copies bytes until one side closes. It drops them while the proxy is dead.
func (l *faultyProxy) carry(from, to net.Conn) {
	defer from.Close()
	defer to.Close()
	buffer := make([]byte, 4096)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		if l.dead.Load() {
			continue
		}
		if l.deaf.Load() && bytes.Contains(buffer[:n], []byte("commit")) {
			from.Close() // before Write, or the answer may arrive first
			to.Write(buffer[:n])
			return
		}
		if _, err := to.Write(buffer[:n]); err != nil && err != io.EOF {
			return
		}
	}
}

// When a server stops responding, calls fail after the timeout of a step. When it responds again, they succeed again.
func TestPostgresUnresponsive(t *testing.T) {
	l, place := newFaultyProxy(t, usedDatabase(t))
	s := open(t, Config{URL: place, patience: 500 * time.Millisecond, Conns: 3})
	u := add(t, s, "ada", "", "")
	calls := map[string]func() error{
		"UserByID":  func() error { _, err := s.UserByID(context.Background(), u.ID); return err },
		"People":    func() error { _, _, err := s.People(context.Background(), PeopleQuery{}); return err },
		"Facts":     func() error { _, _, err := s.Facts(context.Background()); return err },
		"Rename":    func() error { return s.Rename(context.Background(), u.ID, "Ada") },
		"StampSeen": func() error { return s.StampSeen(context.Background(), map[string]time.Time{u.ID: time.Now()}) },
		"Ping":      func() error { return s.Ping(context.Background()) },
	}
	for name, call := range calls {
		do(t, name, call())
	}
	l.dead.Store(true)
	var waiting sync.WaitGroup
	for name, call := range calls {
		for range 2 { // more than there are connections
			waiting.Go(func() {
				start := time.Now()
				err := call()
				if took := time.Since(start); err == nil || took > 5*time.Second {
					t.Errorf("%s without a response = %v after %v, want an error soon", name, err, took)
				}
			})
		}
	}
	waiting.Wait()
	l.dead.Store(false)
	for name, call := range calls {
		var err error
		// Broken connections are dropped one by one.
		for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
			if err = call(); err == nil {
				break
			}
		}
		do(t, name+" when the server responds again", err)
	}
}

// refuse answers a client like a server that is starting.
func refuse(client net.Conn) {
	defer client.Close()
	client.Read(make([]byte, 4096))
	says := "SFATAL\x00VFATAL\x00C57P03\x00Mthe database system is starting up\x00\x00"
	client.Write(append([]byte{'E', 0, 0, 0, byte(4 + len(says))}, says...))
}

// A change whose commit got no answer returns ErrUnknown and isn't made twice.
func TestPostgresCommitUnknown(t *testing.T) {
	l, place := newFaultyProxy(t, usedDatabase(t))
	s := open(t, Config{URL: place, Conns: 2})
	u := add(t, s, "ada", "", "")
	before := mustRev(t, s)
	l.deaf.Store(true)
	err := s.Rename(t.Context(), u.ID, "Ada")
	l.deaf.Store(false)
	wantErr(t, "Rename whose commit gets no answer", err, ErrUnknown)
	if rev := mustRev(t, s); rev > before+1 {
		t.Errorf("rev = %d after one change, want %d at most", rev, before+1)
	}
}

// A server that is starting or doesn't respond isn't reported as busy.
func TestPostgresUnreachableIsNotBusy(t *testing.T) {
	l, place := newFaultyProxy(t, usedDatabase(t))
	s := open(t, Config{URL: place, Conns: 1, patience: time.Second})
	u := add(t, s, "ada", "", "")
	l.starting.Store(true)
	s.w.db.SetMaxIdleConns(0) // the next connection is a new one
	err := s.Rename(t.Context(), u.ID, "Ada")
	if wantSays(t, "Rename while the server starts", err, " is starting or stopping: "); errors.Is(err, ErrBusy) {
		t.Errorf("Rename while the server starts = %v, want no ErrBusy", err)
	}
	l.starting.Store(false)
	l.dead.Store(true)
	err = s.Rename(t.Context(), u.ID, "Ada")
	if wantSays(t, "Rename while the server doesn't respond", err, " does not answer: "); errors.Is(err, ErrBusy) {
		t.Errorf("Rename while the server doesn't respond = %v, want no ErrBusy", err)
	}
}
