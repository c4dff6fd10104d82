package command

import (
	"net"
	"net/http"
	"sync"
)

// unused holds the connections that haven't had a request yet. Browsers open some in advance, and http.Server.Shutdown
// would wait five seconds for each of them.
type unused struct {
	mu    sync.Mutex
	conns map[net.Conn]struct{} // guarded by mu
}

func newUnused() *unused { return &unused{conns: map[net.Conn]struct{}{}} }

// track is a callback for http.Server.ConnState.
func (u *unused) track(c net.Conn, state http.ConnState) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if state == http.StateNew {
		u.conns[c] = struct{}{}
	} else {
		delete(u.conns, c)
	}
}

// close closes the connections that are still unused.
func (u *unused) close() {
	u.mu.Lock()
	defer u.mu.Unlock()
	for c := range u.conns {
		c.Close()
	}
}
