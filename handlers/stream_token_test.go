package handlers

import (
	"net/http"
	"testing"

	"github.com/gorilla/websocket"

	"rollcall/accounts"
	"rollcall/presence"
)

// A program reads streams with a token: in the header, or from a browser as a subprotocol. Then cookies don't count,
// and neither does the page. Revoking the token ends its streams.
func TestStreamsByToken(t *testing.T) {
	l := newLiveBoard(t)
	ada := l.member("ada")
	text, token, err := l.store.CreateToken(acting(t.Context()), accounts.NewToken{UserID: l.uid("ada"),
		Scopes: []accounts.Scope{accounts.ReadRoster}})
	l.must(err)
	lines := l.openStream(l.browser(), streamPath, "Authorization", "Bearer "+text, "Origin", "https://lamp.example")
	lines.kind("snapshot")
	messages, resp, err := l.dialStream(l.browser(), "rollcall.v1", "token."+text)
	if err != nil || resp.Header.Get("Sec-WebSocket-Protocol") != "rollcall.v1" {
		t.Fatalf("the handshake with a token: %v, %v", err, resp)
	}
	messages.kind("snapshot")
	session := l.openStream(ada, streamPath)
	session.kind("snapshot")
	if _, resp, err := l.dialStream(ada, "rollcall.v1", "token.none"); err == nil || resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("the handshake with a session and a wrong token = %v, %v, want 401", resp, err)
	}

	if err := l.store.RevokeToken(acting(t.Context()), l.uid("ada"), token.ID); err != nil {
		t.Fatal(err)
	}
	lines.wantEnd("its token was revoked")
	if messages.wantEnd("its token was revoked"); !websocket.IsCloseError(messages.closed, closeOver) {
		t.Errorf("the stream ended with %v, want %d", messages.closed, closeOver)
	}
	l.server.cfg.Presence.Join(l.uid("ada"), presence.Client{}, presence.Activity{})
	session.tells("ada", "online") // it goes on
}

// A token needs the scope to read the roster.
func TestStreamNeedsItsScope(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	p := f.program("ada", accounts.ReadMe)
	if a := p.call("GET", "/stream", ""); a.StatusCode != http.StatusForbidden {
		t.Errorf("GET /stream with the scope me:read = %d, want 403", a.StatusCode)
	}
}
