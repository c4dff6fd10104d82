package hooks

import (
	"errors"
	"net"
	"net/netip"
	"testing"
)

// Only public addresses that aren't ours can be connected to, and those that the operator allows.
func TestGuard(t *testing.T) {
	own := func() ([]net.Addr, error) {
		return []net.Addr{
			&net.IPNet{IP: net.ParseIP("93.184.216.99"), Mask: net.CIDRMask(24, 32)},
			&net.IPNet{IP: net.ParseIP("2606:4700::99"), Mask: net.CIDRMask(64, 128)},
			&net.TCPAddr{}, // not a network
		}, nil
	}
	g := &guard{own: own, allow: prefixes("192.168.7.0/24", "fd00:7::/64", "127.0.0.7/32")}
	for address, allowed := range map[string]bool{
		"93.184.216.34:443": true, "1.1.1.1:80": true, "9.255.255.255:80": true, "11.0.0.0:80": true, "172.15.255.255:80": true,
		"172.32.0.0:80": true, "100.63.255.255:80": true, "100.128.0.0:80": true, "192.167.255.255:80": true,
		"192.169.0.0:80": true, "198.17.255.255:80": true, "198.20.0.0:80": true, "223.255.255.255:80": true,
		"168.63.129.15:80": true, "[2606:4700::1111]:443": true, "[::ffff:93.184.216.34]:443": true, "[2a00:1450::1]:443": true,

		"0.0.0.0:80": false, "0.1.2.3:80": false, "10.0.0.1:80": false, "100.64.0.1:80": false, "127.0.0.1:80": false,
		"127.255.255.254:80": false, "169.254.169.254:80": false, "172.16.0.1:80": false, "172.31.255.255:80": false,
		"192.0.0.1:80": false, "192.0.2.1:80": false, "192.31.196.1:80": false, "192.52.193.1:80": false, "192.88.99.1:80": false,
		"192.168.0.1:80": false, "192.175.48.1:80": false, "198.18.0.1:80": false, "198.19.255.255:80": false,
		"198.51.100.1:80": false, "203.0.113.1:80": false, "224.0.0.1:80": false, "239.255.255.250:80": false, "240.0.0.1:80": false,
		"255.255.255.255:80": false, "168.63.129.16:80": false,
		"[::]:80": false, "[::1]:80": false, "[::ffff:127.0.0.1]:80": false, "[::ffff:169.254.169.254]:80": false,
		"[::127.0.0.1]:80": false, "[64:ff9b::7f00:1]:80": false, "[64:ff9b:1::1]:80": false, "[100::1]:80": false,
		"[5f00::1]:80": false, "[2001::1]:80": false, "[2001:db8::1]:80": false, "[2002:7f00:1::]:80": false,
		"[2620:4f:8000::1]:80": false, "[3fff::1]:80": false, "[fc00::1]:80": false, "[fd00:ec2::254]:80": false,
		"[fdaa::3]:80": false, "[fe80::1]:80": false, "[fe80::1%eth0]:80": false, "[2606:4700::1111%eth0]:80": false,
		"[fec0::1]:80": false, "[ff02::1]:80": false,

		"93.184.216.99:443": false, "[2606:4700::99]:443": false, "[::ffff:93.184.216.99]:443": false, // our own

		"192.168.7.1:80": true, "192.168.8.1:80": false, "[fd00:7::1]:80": true, "127.0.0.7:80": true, "[::ffff:192.168.7.1]:80": true,
	} {
		err := g.control(t.Context(), "tcp", address, nil)
		var refused *refusal
		if (err == nil) != allowed || err != nil && !errors.As(err, &refused) {
			t.Errorf("control(%s) = %v, want it allowed: %t", address, err, allowed)
		}
	}
	for _, address := range []string{"", "example.org:80", "1.1.1.1", "1.1.1.1:x"} {
		if g.control(t.Context(), "tcp", address, nil) == nil {
			t.Errorf("control(%q) = nil, want an error", address)
		}
	}
	g.own = func() ([]net.Addr, error) { return nil, errors.New("no list") }
	if g.check(netip.MustParseAddr("1.1.1.1")) == nil {
		t.Error("check = nil without a list of our own addresses, want an error")
	}
}
