package hooks

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rollcall/accounts"
)

// nameServer answers questions for IPv4 addresses, and makes them the answers of all names until the test ends.
type nameServer struct {
	mu      sync.Mutex
	answers []netip.Addr // guarded by mu
	asked   int          // guarded by mu
}

func startNameServer(t *testing.T) *nameServer {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &nameServer{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		var b [512]byte
		for {
			n, from, err := conn.ReadFrom(b[:])
			if err != nil {
				return
			}
			_, _ = conn.WriteTo(s.answer(b[:n]), from)
		}
	}()
	was := net.DefaultResolver
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
	t.Cleanup(func() { net.DefaultResolver = was; conn.Close(); <-done })
	return s
}

// answer returns the answer to a question: a header, the question, and records that may not be kept.
func (s *nameServer) answer(question []byte) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	end := 12
	for question[end] != 0 {
		end += int(question[end]) + 1
	}
	end += 5
	var answers []netip.Addr
	if binary.BigEndian.Uint16(question[end-4:]) == 1 { // A
		answers = s.answers
		s.asked++
	}
	b := append([]byte{}, question[:end]...)
	b[2], b[3] = 0x85, 0x80
	copy(b[6:12], []byte{0, byte(len(answers)), 0, 0, 0, 0})
	for _, addr := range answers {
		b = append(b, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
		b = append(b, addr.AsSlice()...)
	}
	return b
}

func (s *nameServer) leadTo(addrs ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers = nil
	for _, addr := range addrs {
		s.answers = append(s.answers, netip.MustParseAddr(addr))
	}
}

// A name that leads to a public address while somebody looks, and to one of ours afterward, gets nobody in. Here,
// 127.0.0.2 is public.
func TestSenderRefusesRebinding(t *testing.T) {
	names := startNameServer(t)
	var public, private atomic.Int32
	outside := listenAt(t, "127.0.0.2:0", &public)
	port := outside.Port()
	listenAt(t, fmt.Sprintf("127.0.0.1:%d", port), &private)
	s := NewSender(SenderConfig{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")}, Timeout: patience})
	url := fmt.Sprintf("http://rebound.example:%d/", port)
	for _, step := range []struct {
		leads  []string
		reason string
	}{
		{[]string{"127.0.0.2"}, ""},
		{[]string{"127.0.0.1"}, accounts.ReasonAddress},
		{[]string{"127.0.0.1", "127.0.0.2"}, ""},
		{[]string{"127.0.0.1", "169.254.169.254"}, accounts.ReasonAddress},
	} {
		names.leadTo(step.leads...)
		if got := s.send(t.Context(), hookAt(url), "msg_1", nil, time.Now()); got.Reason != step.reason {
			t.Errorf("send to a name that leads to %v = %+v, want the reason %q", step.leads, got, step.reason)
		}
	}
	names.mu.Lock()
	asked := names.asked
	names.mu.Unlock()
	if public.Load() != 2 || private.Load() != 0 || asked != 4 {
		t.Errorf("the public address got %d requests and the private one %d, after %d questions; want 2, 0, and 4", public.Load(), private.Load(), asked)
	}
}

// Other spellings of our own addresses get nobody in either.
func TestSenderRefusesDisguises(t *testing.T) {
	startNameServer(t) // no name leads anywhere
	var private atomic.Int32
	port := listenAt(t, "127.0.0.1:0", &private).Port()
	s := NewSender(SenderConfig{Timeout: patience})
	for _, host := range []string{
		"127.0.0.1", "127.0.0.1.", "127.1", "127.0.1", "0", "0.0.0.0", "2130706433", "017700000001", "0x7f000001", "0x7f.1", "0177.0.0.1",
		"127.000.000.001", "①②⑦.⓪.⓪.①", "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]",
		"[64:ff9b::127.0.0.1]", "[2002:7f00:1::]", "[fe80::1%25lo]", "[::1%25lo]", "localhost", "localhost.", "LOCALHOST", "foo.localhost",
	} {
		got := s.send(t.Context(), hookAt(fmt.Sprintf("http://%s:%d/", host, port)), "msg_1", nil, time.Now())
		switch got.Reason {
		case accounts.ReasonAddress, accounts.ReasonDNS, accounts.ReasonConnect:
		default:
			t.Errorf("send to %s = %+v, want it refused", host, got)
		}
	}
	if n := private.Load(); n != 0 {
		t.Errorf("%d requests arrived, want none", n)
	}
}

// listenAt counts requests at an address.
func listenAt(t *testing.T, address string, requests *atomic.Int32) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests.Add(1) }))
	server.Listener.Close()
	server.Listener = l
	server.Start()
	t.Cleanup(server.Close)
	return netip.MustParseAddrPort(l.Addr().String())
}
