package handlers

import (
	"net/netip"
	"sync"
)

// places counts live connections, which are sockets and streams, against the limits that both share.
type places struct {
	mu        sync.Mutex // guards the rest
	open      int
	byAddress map[netip.Prefix]int
}

func newPlaces() *places { return &places{byAddress: map[netip.Prefix]int{}} }

// take counts one more live connection from an address, and reports whether it's within the limits.
func (p *places) take(limits Limits, address netip.Prefix) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if over(p.open, limits.Sockets) || over(p.byAddress[address], limits.SocketsAddress) {
		return false
	}
	p.open++
	p.byAddress[address]++
	return true
}

// free gives a place back.
func (p *places) free(address netip.Prefix) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open--
	if p.byAddress[address]--; p.byAddress[address] == 0 {
		delete(p.byAddress, address)
	}
}
