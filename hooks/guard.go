package hooks

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"syscall"
)

// refused holds the IPv4 networks to which nothing is delivered, because they aren't on the public internet (IANA
// special-purpose registries), or because a cloud answers there (168.63.129.16), and such IPv6 networks within
// 2000::/3.
var refused = prefixes("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
	"192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16",
	"192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
	"168.63.129.16/32",
	"2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")

// global holds all other IPv6 addresses that nothing else is: no local, mapped, translated or multicast ones.
var global = netip.MustParsePrefix("2000::/3")

func prefixes(texts ...string) []netip.Prefix {
	all := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		all[i] = netip.MustParsePrefix(text)
	}
	return all
}

// refusal is the error about an address to which nothing is delivered.
type refusal struct{ addr netip.Addr }

func (e *refusal) Error() string { return fmt.Sprintf("%v isn't a public address", e.addr) }

// guard decides which addresses can be connected to. It's asked about each address right before the connection, so a
// name that leads elsewhere later doesn't get around it.
type guard struct {
	allow []netip.Prefix             // the operator's
	own   func() ([]net.Addr, error) // addresses of this machine
}

// control is for net.Dialer.ControlContext.
func (g *guard) control(_ context.Context, _, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("address to connect to: %w", err)
	}
	return g.check(at.Addr())
}

// check returns a *refusal unless addr can be connected to.
func (g *guard) check(addr netip.Addr) error {
	if addr.Zone() != "" {
		return &refusal{addr}
	}
	addr = addr.Unmap()
	if within(g.allow, addr) {
		return nil
	}
	if addr.Is6() && !global.Contains(addr) || within(refused, addr) {
		return &refusal{addr}
	}
	// What this machine sends to itself passes no firewall, and reaches what listens on every interface.
	own, err := g.own()
	if err != nil {
		return fmt.Errorf("addresses of this machine: %w", err)
	}
	for _, a := range own {
		if n, ok := a.(*net.IPNet); ok {
			if ip, ok := netip.AddrFromSlice(n.IP); ok && ip.Unmap() == addr {
				return &refusal{addr}
			}
		}
	}
	return nil
}

func within(all []netip.Prefix, addr netip.Addr) bool {
	for _, p := range all {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}
