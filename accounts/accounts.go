// Package accounts knows who may sign in: users, their passwords and sessions, the browsers they were seen with, and
// the statuses they set by hand. All SQL of Rollcall is here.
//
// It refuses to know who is connected, HTTP, cookies, HTML and how fast somebody may try: that is for its callers. It
// keeps nothing in memory that another process on the same database would have to see. Whatever others must notice
// takes the next rev in the transaction that changes it; Store.Changes tells what happened since an earlier one.
//
// The default store is one SQLite file; several machines share a Postgres. The SQL is one for both and keeps to what both
// understand: numbered parameters, times as unix milliseconds made in Go, ids made in Go, names folded and ordered by keys
// made in Go. What differs is in sqlite.go and postgres.go, behind kind.
package accounts

import (
	"log/slog"
	"time"
)

// Config says where accounts are kept.
type Config struct {
	Path        string           // the SQLite file; it and its folder are made when missing, readable by their owner alone
	URL         string           // a Postgres, postgres://USER:PASSWORD@HOST/DATABASE; Path is not looked at then
	Conns       int              // most connections to Postgres at once; 0: DefaultConns
	Log         *slog.Logger     // nil: no log
	Now         func() time.Time // nil: time.Now
	Server      bool             // this process serves, so others that serve the same SQLite file are to notice it; see Store.Shared
	Actor       Actor            // of writes whose context names none; "": they are refused. See Actor
	HashWorkers int              // passwords hashed at once, 19 MiB and one core each; 0: 2, or 1 on a single core

	params   argonParams   // cost of new hashes; zero: standardParams. Tests lower it.
	small    int64         // see wipe; 0: smallFile. Tests lower it.
	patience time.Duration // see kind; 0: stepPatience. Tests lower it.
}

// Where names the database for people: the file, or the URL without its password.
func (c Config) Where() string {
	if c.URL != "" {
		return wherePostgres(c.URL)
	}
	return c.Path
}

// How exactly a person lets others know when they were last seen.
const (
	Approximate = "" // today, this week, …; the default
	Exact       = "exact"
	Nobody      = "nobody" // not at all; such a person is not told it of others either
)

// Person is what the board knows about somebody.
type Person struct {
	ID          string
	Username    string // folded, unique, never changes
	DisplayName string
	Team        string    // "": none
	LastSeen    time.Time // zero: never
	Precision   string    // how exactly LastSeen may be told to others: Approximate, Exact or Nobody

	sortKey string // as the function sortKey makes it
}

// TeamKey identifies the person's team; people without a team share a key, too.
func (p Person) TeamKey() string {
	key, _, _ := cutSortKey(p.boardKey())
	return key
}

// Cursor is the person's place on the board, for PeopleQuery.After and Before. It stays valid when the person is
// renamed or deleted.
func (p Person) Cursor() string { return encodeCursor(p.boardKey()) }

// boardKey is p.sortKey, computed for a Person that does not come from a store.
func (p Person) boardKey() string {
	if p.sortKey != "" {
		return p.sortKey
	}
	return sortKey(teamKey(p.Team), p.DisplayName, p.ID)
}

// Status is what a person set by hand. The zero Status says nothing.
type Status struct {
	State string    // "online", "away", "dnd", or "" to leave it to the connections
	Text  string    // at most 140 runes
	Emoji string    // one emoji, or ""
	Until time.Time // when it ends, at most a year ahead; zero: never
	SetAt time.Time // kept by the store; zero for a status that says nothing
}

// User is a person and what only they, the operator and other parts of Rollcall need to know.
type User struct {
	Person
	Admin          bool
	Disabled       bool          // may not sign in and is on no board
	IdleAfter      time.Duration // 0: the default; below 0: never idle
	TimeZone       string        // IANA name; "": not known. See Zone
	Theme          string        // "light", "dark", or "" for what the system has
	Announce       bool          // screen readers are to speak of who comes and goes
	Status         Status
	Invisible      bool      // until they show themselves: it never expires
	InvisibleSince time.Time // zero: visible
	CreatedAt      time.Time
	Rev            int64 // of the last change that others must notice
}

// NewUser is somebody to create. Exactly one of Password and PasswordHash is given.
type NewUser struct {
	Username     string // see FoldUsername; reserved names are for administrators
	DisplayName  string // "": the username
	Team         string // "": none
	Password     string // 8 characters to 256 bytes, and not a common one
	PasswordHash string // argon2id in PHC form, from another system
	Admin        bool
}
