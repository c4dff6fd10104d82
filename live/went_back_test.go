package live

import (
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	"rollcall/presence"
)

// The accounts are replaced with an older copy, for example by a failover of Postgres, so revisions continue from a
// lower one. Whether people are visible follows the current accounts, even for people who were invisible before.
func TestAccountsWentBack(t *testing.T) {
	t.Parallel()
	shared := presence.NewMemory()
	f := newFixture(t, func(_ *Config, p *presence.Config) { p.Registry = shared.Replica() })
	ada := f.person("ada")
	f.arrive(ada)
	other := presence.NewTracker(presence.Config{IdleAfter: -1, Registry: shared.Replica()})
	t.Cleanup(other.Close)
	other.FactsAsOf(1) // it can't read later revisions
	set := func(invisible bool) {
		t.Helper()
		f.must(f.store.SetInvisible(acting(t.Context()), ada.ID, invisible))
		f.step()
		if got, want := f.here.View(ada.ID).State == presence.Offline, invisible; got != want {
			t.Errorf("with invisible %t, the view is offline: %t", invisible, got)
		}
	}
	set(true)
	for range 5 {
		set(false)
		set(true)
	}
	set(false)
	db, err := sql.Open("sqlite", filepath.Join(f.folder, "rollcall.db"))
	f.must(err)
	defer db.Close()
	_, err = db.ExecContext(t.Context(), `UPDATE meta SET value = 3 WHERE name = 'rev'`)
	f.must(err)
	f.step()
	set(true)
	set(false)
	set(true)
	for began := time.Now(); other.View(ada.ID).State != presence.Offline; time.Sleep(time.Millisecond) {
		if time.Since(began) > 10*time.Second {
			t.Fatalf("the other replica shows %+v of an invisible person, want offline", other.View(ada.ID))
		}
	}
}
