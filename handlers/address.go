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

// of is the address of the client that made r; the zero Addr when the peer has none (a unix socket).
func (a *addresses) of(r *http.Request) netip.Addr {
	peer := parseAddr(r.RemoteAddr)
	if !a.trusts(peer) {
		return peer
	}
	if a.onFly {
		if v := r.Header.Values("Fly-Client-Ip"); len(v) == 1 {
			if addr := parseAddr(v[0]); addr.IsValid() {
				return addr
			}
		}
	}
	return a.forwarded(peer, r.Header.Values("X-Forwarded-For"))
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
