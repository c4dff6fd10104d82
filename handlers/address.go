package handlers

import (
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
)

// forwardingHeaders are the headers in which a proxy names its client. Anybody can forge them.
var forwardingHeaders = []string{"X-Forwarded-For", "Fly-Client-Ip", "Forwarded", "X-Real-Ip"}

// proxyHeaders are the other headers that only proxies add.
var proxyHeaders = []string{"X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Server", "Via"}

// maxHops bounds how far X-Forwarded-For is read. No real chain of proxies is longer.
const maxHops = 32

// addresses finds the address of a request's client: the peer of the connection, unless that is a trusted proxy.
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

// of returns the address of the client that made r, or the zero Addr if it's unknown (a Unix socket has none).
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

// byFly returns the client's address on Fly, where clients can forge X-Forwarded-For. Fly's proxy always sets exactly
// one valid Fly-Client-IP. With several or an invalid one, the client is unknown. Without one, the peer is a machine in
// the operator's own network.
func byFly(peer netip.Addr, headers []string) netip.Addr {
	switch len(headers) {
	case 0:
		return peer
	case 1:
		return parseAddr(headers[0])
	}
	return netip.Addr{}
}

// forwarded reads X-Forwarded-For from the right, where the nearest proxy wrote, and skips trusted proxies. Entries
// that the client forged are further left and are never reached. An invalid address ends the search.
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

// warnUntrusted logs, once per process, that an untrusted proxy seems to be in front. All its clients share one address
// and its limits.
func (a *addresses) warnUntrusted(r *http.Request) {
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

// parseAddr reads an address with or without port and brackets. It turns IPv4-mapped IPv6 addresses into IPv4 and drops
// zones.
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

// prefix returns the range by which limits count the client of r: its IPv4 address or its IPv6 /64, because one
// subscriber can use any address of a /64. It returns the zero Prefix if the address is unknown.
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

// largerShare is the limit of an IPv6 /48, in multiples of the limit of a /64. A site usually gets a /48, which holds
// 65,536 of them.
const largerShare = 4

// network is a range of addresses that limits count as one.
type network struct {
	name  string
	share int // its limit, in multiples of the limit of one client
}

// networks returns the ranges that the client of r counts in, the largest first. All clients with unknown addresses
// share one range.
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
