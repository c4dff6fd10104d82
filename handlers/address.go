package handlers

import (
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
)

// forwardingHeaders are those by which a proxy tells who is behind it, and by which anybody can claim to be anyone.
var forwardingHeaders = []string{"X-Forwarded-For", "Fly-Client-Ip", "Forwarded", "X-Real-Ip"}

// maxHops bounds how far X-Forwarded-For is read. No real chain of proxies is longer.
const maxHops = 32

// addresses tells the client's address of a request: the peer of the connection, unless that is a proxy the operator
// trusts.
type addresses struct {
	trusted []netip.Prefix
	onFly   bool
	log     *slog.Logger
	warned  atomic.Bool
}

func newAddresses(trusted []netip.Prefix, onFly bool, log *slog.Logger) *addresses {
	a := &addresses{onFly: onFly, log: log}
	for _, p := range trusted {
		if p.Addr().Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		a.trusted = append(a.trusted, p)
	}
	return a
}

// of is the address of the client that made r; the zero Addr when it isn't known (a unix socket has none).
func (a *addresses) of(r *http.Request) netip.Addr {
	peer := parseAddr(r.RemoteAddr)
	if !a.trusts(peer) {
		return peer
	}
	if a.onFly {
		return byFly(peer, r.Header.Values("Fly-Client-Ip"))
	}
	return a.forwarded(peer, r.Header.Values("X-Forwarded-For"))
}

// byFly is the client's address on Fly, where clients can write any X-Forwarded-For. Fly's proxy always sets one
// Fly-Client-IP: several, or one that is no address, come from nobody we know, and without any the peer is a machine in the
// operator's own network.
func byFly(peer netip.Addr, headers []string) netip.Addr {
	switch len(headers) {
	case 0:
		return peer
	case 1:
		return parseAddr(headers[0])
	}
	return netip.Addr{}
}

// forwarded walks X-Forwarded-For from the right, where the nearest proxy wrote, over those that are trusted. What a
// client wrote itself stands further left and is never reached. An entry that is no address ends the walk.
func (a *addresses) forwarded(peer netip.Addr, headers []string) netip.Addr {
	found, hops := peer, 0
	for _, header := range slices.Backward(headers) {
		for rest, more := header, true; more; {
			var entry string
			if i := strings.LastIndexByte(rest, ','); i >= 0 {
				entry, rest = rest[i+1:], rest[:i]
			} else {
				entry, more = rest, false
			}
			addr := parseAddr(strings.TrimSpace(entry))
			if hops++; !addr.IsValid() || hops > maxHops {
				return found
			}
			if found = addr; !a.trusts(addr) {
				return found
			}
		}
	}
	return found
}

func (a *addresses) trusts(addr netip.Addr) bool {
	return addr.IsValid() && slices.ContainsFunc(a.trusted, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// notice tells the operator, once in the life of the process, that a proxy seems to be in front and is not trusted:
// all its clients then share one address and its limits.
func (a *addresses) notice(r *http.Request) {
	if a.warned.Load() {
		return
	}
	for _, name := range forwardingHeaders {
		peer := parseAddr(r.RemoteAddr)
		if r.Header.Get(name) == "" || a.trusts(peer) || a.warned.Swap(true) {
			continue
		}
		a.log.Warn("a forwarding header came from a peer that is not trusted and was ignored; if that is your proxy, name it in --trusted-proxies",
			"peer", peer.String(), "header", name)
	}
}

// parseAddr reads an address with or without port and brackets. IPv4 written as IPv6 becomes IPv4, zones are dropped.
func parseAddr(text string) netip.Addr {
	if ap, err := netip.ParseAddrPort(text); err == nil {
		return ap.Addr().Unmap().WithZone("")
	}
	addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
	if err != nil {
		return netip.Addr{}
	}
	return addr.Unmap().WithZone("")
}

// prefix is how limits count the client of r: its IPv4 address, or its IPv6 /64, out of which one subscriber may pick
// any address. The zero Prefix when there is none.
func (a *addresses) prefix(r *http.Request) netip.Prefix {
	addr := a.of(r)
	bits := 32
	if addr.Is6() {
		bits = 64
	}
	p, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

// largerShare is how many times the limit of an IPv6 /64 its /48 has. A site usually gets a /48, which holds 65,536 of them.
const largerShare = 4

// network is a range of addresses that limits count as one.
type network struct {
	name  string
	share int // its limit is so many times that of one client
}

// networks are the ranges that the client of r is counted in, the largest first. All clients whose address isn't known
// are one.
func (a *addresses) networks(r *http.Request) []network {
	p := a.prefix(r)
	switch {
	case !p.IsValid():
		return []network{{"unknown", 1}}
	case p.Addr().Is4():
		return []network{{p.String(), 1}}
	}
	site, _ := p.Addr().Prefix(48)
	return []network{{site.String(), largerShare}, {p.String(), 1}}
}
