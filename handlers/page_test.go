package handlers

import (
	"testing"

	"rollcall/accounts"
	"rollcall/presence"
	"rollcall/ui"
)

// TestNumbersShownEarly: a page that was loaded with numbers that weren't sent yet, and aren't true any more, isn't taken
// for current. Pages of a search count everybody as presence does, which may be ahead of the list.
func TestNumbersShownEarly(t *testing.T) {
	f := newFixture(t, quick)
	f.person("ada")
	b := f.server.board
	p, err := b.load(t.Context(), boardQuery{search: "ada"})
	if err != nil {
		t.Fatal(err)
	}
	c := f.server.cfg.Presence.Join(f.uid("ada"), presence.Client{}, presence.Activity{})
	before := b.view(p, ui.Layout{Viewer: &ui.Viewer{}}, accounts.User{})
	if before.Counts.Online != 1 {
		t.Fatalf("the page counts %+v, want ada online", before.Counts)
	}
	c.Leave(presence.SignedOut)
	b.flush() // nobody watches
	after := b.view(p, ui.Layout{Viewer: &ui.Viewer{}}, accounts.User{})
	if after.Socket == before.Socket {
		t.Errorf("pages that count %+v and %+v have the same version", before.Counts, after.Counts)
	}
}
