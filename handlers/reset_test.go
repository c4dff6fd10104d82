package handlers

import (
	"fmt"
	"net"
	"testing"
	"time"

	"rollcall/presence"
)

// A browser may close a page while frames are on their way to it. Its operating system then resets the connection right
// after the close frame. The server must still recognize that the page was closed and didn't lose its connection.
func TestCloseBeforeReset(t *testing.T) {
	const people = 60
	l := newLiveBoard(t, func(cfg *Config) {
		p := presence.DefaultConfig()
		p.GraceClean, p.GraceDropped, p.Warming = 0, time.Hour, 0
		cfg.Presence.Close()
		cfg.Presence = presence.NewTracker(p)
	})
	var members []*browser
	for i := range people { // first, because each new account sends the whole list, and nobody reads it here
		members = append(members, l.member(fmt.Sprintf("p%02d", i)))
	}
	var conns []*rawSocket
	for _, m := range members {
		s, _ := l.rawDial(m)
		conns = append(conns, s)
	}
	w := l.open(l.member("ada"), "/", "a")
	w.until("everybody", func() bool { return w.text["n-online"] == fmt.Sprint(people+1) })
	var open []*socket
	for i := range people {
		open = append(open, l.server.sockets.of(l.uid(fmt.Sprintf("p%02d", i)))...)
	}
	for i, s := range conns {
		if _, err := s.Write(frame(0x88, []byte{0x03, 0xe9}, true, -1)); err != nil {
			t.Fatal(err)
		}
		_ = s.Conn.(*net.TCPConn).SetLinger(0)
		_ = s.Close()
		l.server.sockets.write(open[i], textFrame([]byte("<p>news</p>")))
		l.server.sockets.write(open[i], textFrame([]byte("<p>more</p>")))
	}
	w.until("that all have left", func() bool { return w.text["n-online"] == "1" })
}
