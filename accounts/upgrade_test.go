package accounts

import (
	"context"
	"database/sql"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"
)

// firstSchemaRows is the content of a database with the first schema, as the first version wrote it.
const firstSchemaRows = `
INSERT INTO users (id, username_key, display_name, team, sort_key, last_seen, team_key, admin, disabled, idle_after, status_state,
	status_text, status_emoji, status_until, status_set_at, invisible, invisible_since, created_at, rev, password_hash)
VALUES ('0190b000-0000-7000-8000-000000000001', 'ada', 'Ada L', 'Ops',
	'ops' || char(1) || 'ada l' || char(1) || '0190b000-0000-7000-8000-000000000001', 1700000000001, 'ops', TRUE, FALSE, -1, 'dnd',
	'Lunch', '🍜', 1700000000002, 1700000000003, TRUE, 1700000000004, 1700000000005, 1, '$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHRzYWx0$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA');
INSERT INTO search_words (word, sort_key) SELECT 'ada', sort_key FROM users;
INSERT INTO sessions VALUES ('session', 'hash', '0190b000-0000-7000-8000-000000000001', 1700000000006, 4000000000000, 1700000000007, 'Firefox', '192.0.2.1');
INSERT INTO known_browsers VALUES ('hash', '0190b000-0000-7000-8000-000000000001', 1700000000008);
INSERT INTO tombstones VALUES (2, 'user', 'somebody', 1700000000009);
UPDATE meta SET value = 2 WHERE name = 'rev';
INSERT INTO meta (name, value, label) VALUES ('store', 0, 'the first store')`

// laterStep stands for a migration of the next version.
var laterStep = migration{2, "0002_later.sql", "ALTER TABLE users ADD COLUMN later TEXT NOT NULL DEFAULT 'new'"}

// An upgrade keeps the rows, gives new columns their defaults, and runs once.
func TestUpgrade(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rollcall.db")
	steps, err := allMigrations(migrations)
	do(t, "allMigrations", err)
	db, err := sql.Open("sqlite", sqliteDSN(path, true))
	do(t, "sql.Open", err)
	defer db.Close()
	h := newHandle(db, sqliteDialect)
	do(t, "migrate", migrate(t.Context(), h, steps[:1], 1))
	if _, err := db.Exec(firstSchemaRows); err != nil {
		t.Fatal(err)
	}
	later := append(slices.Clip(steps[:1]), laterStep)
	for range 2 {
		do(t, "migrate", migrate(t.Context(), h, later, 2))
	}
	var name, added string
	var applied, version int
	do(t, "read", db.QueryRow("SELECT display_name, later, (SELECT count(*) FROM schema_migrations), (SELECT max(version) "+
		"FROM schema_migrations) FROM users").Scan(&name, &added, &applied, &version))
	if name != "Ada L" || added != "new" || applied != 2 || version != 2 {
		t.Errorf("after the upgrade: name %q, new column %q, %d steps up to %d", name, added, applied, version)
	}
}

// The store reads everything that a database of the first schema holds.
func TestUpgradeFromTheFirstSchema(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rollcall.db")
	steps, err := allMigrations(migrations)
	do(t, "allMigrations", err)
	db, err := sql.Open("sqlite", sqliteDSN(path, true))
	do(t, "sql.Open", err)
	do(t, "migrate", migrate(t.Context(), newHandle(db, sqliteDialect), steps[:1], 1))
	if _, err := db.Exec(firstSchemaRows); err != nil {
		t.Fatal(err)
	}
	do(t, "Close", db.Close())

	s := open(t, Config{Path: path})
	ms := func(n int64) time.Time { return time.UnixMilli(1700000000000 + n).UTC() }
	const id = "0190b000-0000-7000-8000-000000000001"
	want := User{
		Person: Person{ID: id, Username: "ada", DisplayName: "Ada L", Team: "Ops", LastSeen: ms(1), Admin: true,
			sortKey: "ops\x01ada l\x01" + id},
		IdleAfter: neverIdle,
		Status:    Status{State: "dnd", Text: "Lunch", Emoji: "🍜", Until: ms(2), SetAt: ms(3)},
		Invisible: true, InvisibleSince: ms(4), CreatedAt: ms(5), Rev: 1,
	}
	if got, err := s.UserByName(t.Context(), "ada"); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("UserByName = %+v, %v, want %+v", got, err, want)
	}
	people, _, err := s.People(t.Context(), PeopleQuery{Search: "ada"})
	if err != nil || len(people) != 1 || people[0] != want.Person {
		t.Errorf("People(ada) = %+v, %v, want %+v", people, err, want.Person)
	}
	x, err := s.Export(t.Context(), id)
	if err != nil || len(x.Sessions) != 1 || x.Sessions[0].UsedAt != ms(7) || len(x.Browsers) != 1 || len(x.Presets) != 0 {
		t.Errorf("Export = %+v, %v, want the session and the browser", x, err)
	}
	if c, err := s.Changes(t.Context(), 0); err != nil || c.Rev != 2 || len(c.Users) != 1 || len(c.Gone) != 1 ||
		s.ID() != "the first store" {
		t.Errorf("Changes(0) = %+v, %v, want one user and one deleted user, of the first store", c, err)
	}
	do(t, "SetStatus", s.SetStatus(t.Context(), id, Status{Text: "Tea"}, ""))
	wantPresets(t, s, "a status after the upgrade", id, Preset{Text: "Tea"})
	do(t, "SetPreferences", setPreferences(t.Context(), s, id, Preferences{ShowLastSeen: Exact}))
	do(t, "Delete", s.Delete(Forced(t.Context()), id))
}

// An upgrade that waits for a table gives up soon, so that others don't wait behind it, and reports what it waited for.
// It can be repeated later.
func TestPostgresUpgradeWaitsBriefly(t *testing.T) {
	db, k, err := openPostgres(t.Context(), Config{URL: emptyDatabase(t), patience: stepPatience})
	do(t, "openPostgres", err)
	defer db.Close()
	h := newHandle(db, k)
	steps, err := allMigrations(migrations)
	do(t, "allMigrations", err)
	do(t, "migrate", migrate(t.Context(), h, steps, 1))
	steps = append(steps, migration{len(steps) + 1, laterStep.name, laterStep.text})
	reading, err := db.BeginTx(t.Context(), nil)
	do(t, "BeginTx", err)
	defer reading.Rollback()
	_, err = reading.Exec("SELECT count(*) FROM users")
	do(t, "Exec", err)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	err = migrate(ctx, h, steps, 2)
	if wantSays(t, "migrate during a read", err,
		laterStep.name+": ERROR: canceling statement due to lock timeout"); !isBusy(err) {
		t.Errorf("migrate during a read = %v, want a busy error", err)
	}
	do(t, "Rollback", reading.Rollback())
	do(t, "migrate", migrate(t.Context(), h, steps, 2))
}
