package handlers

import (
	"io"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"rollcall/presence"
)

// BenchmarkLoneChange is one change of one person until its frame is in the queue of each of 100 watchers: what the
// board does itself, with real sockets behind it.
func BenchmarkLoneChange(b *testing.B) {
	const watchers = 100
	f := newFixture(b, quick, func(c *Config) { c.Limits.SocketsUser = 0 }) // its loops do not run: we are the loop
	srv := httptest.NewServer(f.handler)
	defer srv.Close()
	ada := f.browser()
	f.person("ada")
	ada.enter("ada")
	arrived := make(chan struct{}, watchers)
	for range watchers {
		header := map[string][]string{"Origin": {srv.URL}, "Cookie": {"rollcall=" + ada.cookies["rollcall"]}}
		conn, _, err := websocket.DefaultDialer.Dial(strings.Replace(srv.URL, "http", "ws", 1)+"/ws", header)
		if err != nil {
			b.Fatal(err)
		}
		defer conn.Close()
		go func() {
			for {
				_, r, err := conn.NextReader()
				if err != nil {
					return
				}
				text, _ := io.ReadAll(r)
				if strings.Contains(string(text), `data-user="bob"`) {
					arrived <- struct{}{}
				}
			}
		}()
	}
	bob := f.person("bob")
	board := f.server.board
	if _, err := board.load(b.Context(), boardQuery{}); err != nil {
		b.Fatal(err)
	}
	board.look(board.feed.Take())
	board.flush()
	settle := func() {
		for range watchers {
			<-arrived
		}
	}
	settle()
	phone := f.server.cfg.Presence.Join(bob.ID, presence.Client{Phone: true}, presence.Activity{Hidden: true, Ago: presence.NoInput})
	board.look(board.feed.Take())
	board.flush()
	settle()
	hidden := true
	for b.Loop() {
		hidden = !hidden
		phone.Note(presence.Activity{Hidden: hidden})
		board.look(board.feed.Take())
		board.flush()
		b.StopTimer()
		settle()
		b.StartTimer()
	}
}
