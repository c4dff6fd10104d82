package main

import (
	"net"
	"net/http"
	"sync"
)

// unused keeps the connections on which no request has begun. Browsers open some in advance; http.Server.Shutdown
// would wait five seconds for each of them.
type unused struct {
	mu    sync.Mutex
	conns map[net.Conn]struct{} // guarded by mu
}

func newUnused() *unused { return &unused{conns: map[net.Conn]struct{}{}} }

// note is for http.Server.ConnState.
func (u *unused) note(c net.Conn, state http.ConnState) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if state == http.StateNew {
		u.conns[c] = struct{}{}
	} else {
		delete(u.conns, c)
	}
}

// close closes those that are still unused.
func (u *unused) close() {
	u.mu.Lock()
	defer u.mu.Unlock()
	for c := range u.conns {
		c.Close()
	}
}
