package handlers

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"
)

// rawSocket is a websocket whose frames the test builds byte by byte.
type rawSocket struct {
	net.Conn
	in *bufio.Reader
}

// rawDial does a websocket handshake with extra header lines and returns the response.
func (l *liveBoard) rawDial(b *browser, extra ...string) (*rawSocket, *http.Response) {
	l.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(l.url, "http://"))
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	lines := []string{
		"GET /ws HTTP/1.1", "Host: " + strings.TrimPrefix(l.url, "http://"), "Origin: " + l.url,
		"Cookie: rollcall=" + b.cookies["rollcall"], "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
	}
	if len(extra) == 0 {
		extra = []string{"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="}
	}
	if _, err := conn.Write([]byte(strings.Join(append(lines, extra...), "\r\n") + "\r\n\r\n")); err != nil {
		l.t.Fatal(err)
	}
	in := bufio.NewReader(conn)
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		l.t.Fatalf("handshake: %v", err)
	}
	return &rawSocket{conn, in}, resp
}

// frame builds one client frame. length is the length that the header claims; below 0: the real one.
func frame(first byte, payload []byte, masked bool, length int64) []byte {
	n := uint64(len(payload))
	if length >= 0 {
		n = uint64(length)
	}
	var mask byte
	if masked {
		mask = 0x80
	}
	out := []byte{first}
	switch {
	case n < 126:
		out = append(out, mask|byte(n))
	case n < 1<<16:
		out = binary.BigEndian.AppendUint16(append(out, mask|126), uint16(n))
	default:
		out = binary.BigEndian.AppendUint64(append(out, mask|127), n)
	}
	if masked {
		key := [4]byte{1, 2, 3, 4}
		out = append(out, key[:]...)
		for i, c := range payload {
			out = append(out, c^key[i%4])
		}
		return out
	}
	return append(out, payload...)
}

// hostileFrames returns the bytes that broken clients send after a valid handshake, by name.
func hostileFrames() map[string][]byte {
	const fin, text, bin, closing, ping, pong = 0x80, 1, 2, 8, 9, 10
	masked := func(first byte, payload string) []byte { return frame(first, []byte(payload), true, -1) }
	cases := map[string][]byte{
		"a message of 1 MiB":          masked(fin|text, strings.Repeat("a", 1<<20)),
		"a message of 513 bytes":      masked(fin|text, strings.Repeat("a", 513)),
		"a header that claims 2^63-1": frame(fin|text, nil, true, 1<<63-1),
		"a header that claims 2^32":   frame(fin|text, []byte("a"), true, 1<<32),
		"not masked":                  frame(fin|text, []byte("a"), false, -1),
		"not masked and empty":        frame(fin|text, nil, false, -1),
		"RSV1":                        masked(fin|0x40|text, "a"),
		"RSV2":                        masked(fin|0x20|text, "a"),
		"RSV3":                        masked(fin|0x10|text, "a"),
		"all RSV":                     masked(fin|0x70|text, "a"),
		"a ping in fragments":         masked(ping, "x"),
		"a close in fragments":        masked(closing, "\x03\xe8"),
		"a ping of 126 bytes":         masked(fin|ping, strings.Repeat("x", 126)),
		"a pong of 64 KiB":            masked(fin|pong, strings.Repeat("x", 1<<16)),
		"a close of 126 bytes":        masked(fin|closing, "\x03\xe8"+strings.Repeat("x", 124)),
		"a lone continuation":         masked(fin, "a"),
		"a lone open continuation":    masked(0, "a"),
		"text within text":            append(masked(text, "a"), masked(fin|text, "a")...),
		"endless empty continuations": append(masked(text, "a"), bytes.Repeat(masked(0, ""), 50_000)...),
		"fragments that add up to 1 MiB": append(masked(text, "a"),
			bytes.Repeat(masked(0, strings.Repeat("a", 100)), 10_000)...),
		"text that is no UTF-8":              masked(fin|text, "\xff\xfe\xfd"),
		"a close of one byte":                masked(fin|closing, "\x03"),
		"a close with code 999":              masked(fin|closing, "\x03\xe7"),
		"a close with code 1005":             masked(fin|closing, "\x03\xed"),
		"a close with a reason of no UTF-8":  masked(fin|closing, "\x03\xe8\xff\xfe"),
		"binary":                             masked(fin|bin, "a"),
		"JSON 10,000 deep":                   masked(fin|text, strings.Repeat("[", 500)),
		"a huge number":                      masked(fin|text, "i99999999999999999999"),
		"a negative number":                  masked(fin|text, "i-1"),
		"NUL":                                masked(fin|text, "a\x00"),
		"an unknown word":                    masked(fin|text, "hello"),
		"an empty message":                   masked(fin|text, ""),
		"10,000 pings":                       bytes.Repeat(masked(fin|ping, "x"), 10_000),
		"10,000 pongs":                       bytes.Repeat(masked(fin|pong, "x"), 10_000),
		"10,000 good messages":               bytes.Repeat(masked(fin|text, "a"), 10_000),
		"10,000 binary messages":             bytes.Repeat(masked(fin|bin, ""), 10_000),
		"another request in the same stream": []byte("GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n"),
		"a TLS hello":                        []byte("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
		"half a frame":                       frame(fin|text, []byte("a"), true, 100),
		"half a header":                      {fin | text},
		"a close and then more": append(masked(fin|closing, "\x03\xe8"),
			bytes.Repeat(masked(fin|text, "a"), 1000)...),
		"a length in more bytes than it needs": append([]byte{fin | text, 0x80 | 127, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4},
			'a'^1),
	}
	for op := byte(3); op <= 7; op++ {
		cases[fmt.Sprintf("reserved data opcode %d", op)] = masked(fin|op, "a")
	}
	for op := byte(11); op <= 15; op++ {
		cases[fmt.Sprintf("reserved control opcode %d", op)] = masked(fin|op, "a")
	}
	return cases
}

// mayStay are the cases in which the socket may stay open, because the frame is valid or incomplete.
var mayStay = map[string]bool{
	"half a frame": true, "half a header": true, "a length in more bytes than it needs": true,
}

// TestHostileFrames breaks the websocket protocol in many ways. The broken sockets must be closed. Nothing may panic or
// leak, and other people's sockets must keep working.
func TestHostileFrames(t *testing.T) {
	t.Parallel()
	l := newLiveBoard(t, func(c *Config) { c.Limits.SocketsUser = 0 })
	a := l.open(l.member("ada"), "/", "a")
	bob := l.open(l.member("bob"), "/", "a")
	a.sees("bob", "online")
	mallory := l.member("mallory")
	cases := hostileFrames()
	if len(cases) < 30 {
		t.Fatalf("%d kinds of broken frames, want 30 and more", len(cases))
	}
	before := runtime.NumGoroutine()
	for name, bytes := range cases {
		for range 3 {
			s, resp := l.rawDial(mallory)
			if resp.StatusCode != http.StatusSwitchingProtocols {
				t.Fatalf("handshake = %s", resp.Status)
			}
			_, _ = s.Write(bytes) // it may be cut off in the middle
			if mayStay[name] {
				_ = s.Close()
				continue
			}
			if _, err := s.in.WriteTo(discard{}); err != nil && strings.Contains(err.Error(), "timeout") {
				t.Errorf("after %s the socket is still open", name)
			}
			_ = s.Close()
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 { // and random bytes
		s, _ := l.rawDial(mallory)
		noise := make([]byte, r.IntN(2000))
		for i := range noise {
			noise[i] = byte(r.Uint32())
		}
		_, _ = s.Write(noise)
		_ = s.Close()
	}
	a.sees("mallory", "offline")
	bob.leave()
	a.sees("bob", "offline")
	a.until("the goroutines of the broken sockets to end", func() bool { return runtime.NumGoroutine() <= before+10 })
	if got := l.logs.lines("panic"); len(got) != 0 {
		t.Errorf("panics: %q", got)
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// TestHostileHandshakes: invalid handshakes are refused.
func TestHostileHandshakes(t *testing.T) {
	l := newLiveBoard(t)
	ada := l.member("ada")
	for name, header := range map[string]string{
		"no key":                    "X-Nothing: 1",
		"a key that is not base64":  "Sec-WebSocket-Key: !!!!",
		"a key of the wrong length": "Sec-WebSocket-Key: YQ==",
		"a second version":          "Sec-WebSocket-Version: 99",
	} {
		_, resp := l.rawDial(ada, header)
		if resp.StatusCode < 400 || resp.StatusCode >= 500 {
			t.Errorf("%s: handshake = %s, want a 4xx", name, resp.Status)
		}
	}
	s, resp := l.rawDial(ada) // a valid handshake, and then silence
	if resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("handshake = %s", resp.Status)
	}
	_ = s.Close()
}
