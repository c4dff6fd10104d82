//go:build unix

package e2e_test

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// proxy is a TCP proxy between a replica and Redis or its database that simulates network faults. A fault affects both
// open and new connections.
type proxy struct {
	listener net.Listener
	work     sync.WaitGroup

	mu      sync.Mutex
	target  string                // for new connections; guarded by mu
	conns   map[net.Conn]struct{} // both ends; guarded by mu, like all below
	closed  bool
	refuses bool          // new connections are closed at once
	frozen  chan struct{} // if not nil, no data passes until it is closed
	late    time.Duration // in each direction
}

func newProxy(t *testing.T, target string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l, target: target, conns: map[net.Conn]struct{}{}}
	p.work.Go(p.accept)
	t.Cleanup(p.close)
	return p
}

func (p *proxy) addr() string { return p.listener.Addr().String() }

// cut closes all connections, and every new one, until heal.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuses = true
	for c := range p.conns {
		_ = c.Close()
	}
}

// freeze keeps connections open but passes no data, like a network that drops packets, until heal.
func (p *proxy) freeze() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.frozen == nil {
		p.frozen = make(chan struct{})
	}
}

// retarget sends new connections to another target. Open ones keep theirs.
func (p *proxy) retarget(target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = target
}

// delay adds d to each round trip.
func (p *proxy) delay(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.late = d / 2
}

// heal ends all faults.
func (p *proxy) heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuses, p.late = false, 0
	if p.frozen != nil {
		close(p.frozen)
		p.frozen = nil
	}
}

func (p *proxy) close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	_ = p.listener.Close()
	p.cut()
	p.heal()
	p.work.Wait()
}

func (p *proxy) accept() {
	for {
		near, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.work.Go(func() { p.serve(near) })
	}
}

func (p *proxy) serve(near net.Conn) {
	defer near.Close()
	state := p.state()
	if state.refuses {
		return
	}
	far, err := net.Dial("tcp", state.target)
	if err != nil {
		return
	}
	defer far.Close()
	if !p.track(near, far) {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { p.pass(near, far) })
	both.Go(func() { p.pass(far, near) })
	both.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, near)
	delete(p.conns, far)
}

// track records both ends, so that cut can close them.
func (p *proxy) track(near, far net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.refuses {
		return false
	}
	p.conns[near], p.conns[far] = struct{}{}, struct{}{}
	return true
}

type proxyState struct {
	target  string
	refuses bool
	frozen  chan struct{}
	late    time.Duration
}

func (p *proxy) state() proxyState {
	p.mu.Lock()
	defer p.mu.Unlock()
	return proxyState{p.target, p.refuses || p.closed, p.frozen, p.late}
}

// chunk is data that was read at once, and when to write it.
type chunk struct {
	data []byte
	due  time.Time
}

// pass copies data from src to dst with the delay at the time it was read. When one end closes, it closes the other.
func (p *proxy) pass(src, dst net.Conn) {
	chunks := make(chan chunk, 1024)
	var writer sync.WaitGroup
	writer.Go(func() {
		for one := range chunks {
			time.Sleep(time.Until(one.due))
			if f := p.state().frozen; f != nil {
				<-f
			}
			if _, err := dst.Write(one.data); err != nil {
				_ = src.Close()
			}
		}
		_ = dst.Close()
	})
	for {
		data := make([]byte, 16<<10)
		n, err := src.Read(data)
		if n > 0 {
			chunks <- chunk{data[:n], time.Now().Add(p.state().late)}
		}
		if err != nil {
			break
		}
	}
	close(chunks)
	writer.Wait()
}

// TestReplicaProxy checks the faults that the other tests rely on.
func TestReplicaProxy(t *testing.T) {
	t.Parallel()
	echo, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer echo.Close()
	go func() {
		for {
			c, err := echo.Accept()
			if err != nil {
				return
			}
			go func() { defer c.Close(); _, _ = io.Copy(c, c) }()
		}
	}()
	p := newProxy(t, echo.Addr().String())
	conn := dialProxy(t, p)
	if took, err := roundTrip(conn); err != nil || took > time.Second {
		t.Fatalf("a round trip = %v, %v, want it at once", took, err)
	}
	p.delay(200 * time.Millisecond)
	if took, err := roundTrip(conn); err != nil || took < 200*time.Millisecond {
		t.Errorf("a round trip with delay = %v, %v, want 200ms or more", took, err)
	}
	p.delay(0)
	p.freeze()
	if took, err := roundTrip(conn); err == nil {
		t.Errorf("a round trip while frozen came back after %v, want none", took)
	}
	p.heal()
	if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
		t.Errorf("data sent while frozen: %v, want it to arrive after heal", err)
	}
	p.cut()
	if _, err := roundTrip(conn); err == nil {
		t.Error("the connection still works after cut")
	}
	if _, err := roundTrip(dialProxy(t, p)); err == nil {
		t.Error("a new connection works after cut")
	}
	p.heal()
	if _, err := roundTrip(dialProxy(t, p)); err != nil {
		t.Errorf("a round trip after heal = %v", err)
	}
}

func dialProxy(t *testing.T, p *proxy) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", p.addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// roundTrip sends a byte and waits up to half a second for it to come back.
func roundTrip(c net.Conn) (time.Duration, error) {
	began := time.Now()
	if _, err := c.Write([]byte{1}); err != nil {
		return 0, err
	}
	_ = c.SetReadDeadline(began.Add(500 * time.Millisecond))
	defer c.SetReadDeadline(time.Time{})
	_, err := io.ReadFull(c, make([]byte, 1))
	return time.Since(began), err
}
