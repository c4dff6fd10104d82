package handlers

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"rollcall/accounts"
)

// A server deletes what has expired. Here, somebody has waited for approval for too long.
func TestServerPrunes(t *testing.T) {
	var ahead atomic.Int64
	store, err := accounts.Open(t.Context(), accounts.Config{
		CheapHashes: true,
		Path:        t.TempDir() + "/rollcall.db", Now: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	ada, _, err := store.SignUp(acting(t.Context()), accounts.NewUser{Username: "ada", PasswordHash: goodHash},
		accounts.Joining{Approval: true})
	if err != nil {
		t.Fatal(err)
	}
	ahead.Store(int64(31 * 24 * time.Hour))
	l := newLiveBoard(t, func(cfg *Config) { cfg.Accounts = store })
	eve := l.open(l.member("eve"), "/", "a")
	eve.until("ada's account is gone", func() bool {
		_, err := store.UserByID(t.Context(), ada.ID)
		return errors.Is(err, accounts.ErrNotFound)
	})
}
