package replica

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/presence"
)

// foreignStore belongs to other accounts.
type foreignStore struct{ *instantStore }

func (foreignStore) owner(context.Context, bool) error { return &AccountsError{"ours", "theirs"} }

// A process that stood still writes nothing to a store that belongs to other accounts.
func TestStandstillAtForeignStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSyncer("self", slog.New(slog.DiscardHandler))
		l := &instantStore{s: s}
		s.store = foreignStore{l}
		s.Publish("ada", presence.Digest{Connected: true})
		for range 2 {
			if err := s.round(t.Context()); err == nil {
				t.Error("round = nil, want an error")
			}
			time.Sleep(leaseTTL + time.Second)
		}
		if len(l.writes) > 0 {
			t.Errorf("%d writes, want none", len(l.writes))
		}
	})
}
