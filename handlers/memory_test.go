package handlers

import (
	"runtime"
	"testing"
	"time"
)

// TestIdleSocketsAreSmall: a socket that was opened and has sent a message keeps two small stacks. It isn't parallel,
// because it measures the whole process.
func TestIdleSocketsAreSmall(t *testing.T) {
	const sockets, most = 200, (10 << 10) * stackFactor // bytes of stack per socket
	l := newLiveBoard(t, func(c *Config) { c.Limits.SocketsUser, c.Limits.SocketsAddress = 0, 0 })
	ada := l.member("ada")
	stacks := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.StackInuse
	}
	before := stacks()
	open := make([]*rawSocket, sockets)
	for i := range open {
		open[i], _ = l.rawDial(ada)
		if _, err := open[i].Write(frame(0x81, []byte("a"), true, -1)); err != nil {
			t.Fatal(err)
		}
	}
	for deadline := time.Now().Add(patience); l.server.sockets.traffic.opened.Load() < sockets; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal("not all sockets were opened")
		}
	}
	if each := (int64(stacks()) - int64(before)) / sockets; each > most {
		t.Errorf("an idle socket has %d bytes of stack, want at most %d", each, most)
	}
	runtime.KeepAlive(open)
}
