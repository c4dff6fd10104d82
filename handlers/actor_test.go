package handlers

import (
	"net/http"
	"testing"

	"github.com/labstack/echo/v4"

	"rollcall/accounts"
)

// The actor of a request's writes is the person who is signed in, or else a visitor.
func TestActorOfARequest(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ada := f.member("ada")
	var got accounts.Actor
	probe := func(c echo.Context) error {
		got = accounts.ActorOf(c.Request().Context())
		return c.NoContent(http.StatusNoContent)
	}
	f.server.group(policy{}).get("/probe/member", probe)
	f.server.group(policy{callers: visitors}).get("/probe/visitor", probe)
	f.server.group(policy{callers: anybody}).get("/probe/machine", probe)
	for _, tt := range []struct {
		who  *browser
		path string
		want accounts.Actor
	}{
		{ada, "/probe/member", accounts.ByUser(f.uid("ada"))},
		{ada, "/probe/visitor", accounts.ByUser(f.uid("ada"))},
		{f.browser(), "/probe/visitor", accounts.Visitor},
		{ada, "/probe/machine", ""},
	} {
		got = "nobody asked"
		if wantStatus(t, tt.path, tt.who.get(tt.path), http.StatusNoContent); got != tt.want {
			t.Errorf("the actor of GET %s is %q, want %q", tt.path, got, tt.want)
		}
	}
}
