// Package accounts stores who may sign in: users, their passwords and sessions, the browsers they have signed in with,
// the statuses they set by hand, and their favorites and alerts. It holds all SQL of Rollcall.
//
// It knows nothing about connections, HTTP, cookies, HTML or rate limits: those belong to its callers. It keeps nothing
// in memory that other processes on the same database would have to see. A change that others must notice takes the
// next revision number (rev) in its transaction. Store.Changes returns what happened after an earlier rev.
//
// The default store is one SQLite file. Several machines share a Postgres. Both run the same SQL, which uses only what
// both understand: numbered parameters, and times (Unix milliseconds), ids and keys of names that are computed in Go.
// The differences are in sqlite.go and postgres.go, behind dialect.
package accounts

import (
	"log/slog"
	"time"
)

// Config says where accounts are stored.
type Config struct {
	Path        string           // the SQLite file; it and its folder are created if missing, readable only by their owner
	URL         string           // a Postgres, postgres://USER:PASSWORD@HOST/DATABASE; then Path is ignored
	Conns       int              // maximum number of connections to Postgres; 0: DefaultConns
	Log         *slog.Logger     // nil: no log
	Now         func() time.Time // nil: time.Now
	Server      bool             // this process is a server: others on the same SQLite file must notice it; see Store.Shared
	Actor       Actor            // of writes whose context has none; "": they're refused
	SendsMail   bool             // a server sends emails, so changes queue those that people should get
	HashWorkers int              // passwords hashed at once, 19 MiB and one core each; 0: 2, or 1 on a single core

	CheapHashes bool // passwords cost an attacker almost nothing: for tests of other packages

	params   argonParams   // cost of new hashes; zero: standardParams. Tests lower it.
	small    int64         // see wipe; 0: smallFile. Tests lower it.
	patience time.Duration // see dialect; 0: stepPatience. Tests lower it.
}

// Where names the database for people: the file, or the URL without its password.
func (c Config) Where() string {
	if c.URL != "" {
		return wherePostgres(c.URL)
	}
	return c.Path
}

// How precisely others see when a person was last seen.
const (
	Approximate = "" // today, this week, …; the default
	Exact       = "exact"
	Nobody      = "nobody" // not at all; the person doesn't see it of others either
)

// Person is what the board knows about somebody.
type Person struct {
	ID           string
	Username     string // folded, unique, never changes
	DisplayName  string
	Team         string    // "": none
	LastSeen     time.Time // zero: never
	ShowLastSeen string    // how precisely others see LastSeen: Approximate, Exact or Nobody
	Zone         string    // IANA name of the time zone, if the person shares their local time; "": not shared or unknown
	Admin        bool

	sortKey string // result of the function sortKey
}

// TeamKey identifies the person's team; people without a team share a key, too.
func (p Person) TeamKey() string {
	key, _, _ := cutSortKey(p.boardKey())
	return key
}

// Cursor returns the person's position on the board, for PeopleQuery.After and Before. It stays valid if the person is
// renamed or deleted.
func (p Person) Cursor() string { return encodeCursor(p.boardKey()) }

// boardKey returns p.sortKey, and computes it for a Person that doesn't come from a store.
func (p Person) boardKey() string {
	if p.sortKey != "" {
		return p.sortKey
	}
	return sortKey(teamKey(p.Team), p.DisplayName, p.ID)
}

// Status is what a person set by hand. The zero Status is no status.
type Status struct {
	State string    // "online", "away", "dnd", or "" for automatic
	Text  string    // at most 140 runes
	Emoji string    // one emoji, or ""
	Until time.Time // when it ends, at most a year ahead; zero: never
	SetAt time.Time // set by the store; zero without a status
}

// User is a person with what only they, the operator and other parts of Rollcall need to know.
type User struct {
	Person
	Disabled       bool          // can't sign in and isn't on the board
	IdleAfter      time.Duration // 0: the default; below 0: never idle
	TimeZone       string        // IANA name; "": unknown. See Zone
	Theme          string        // "light", "dark", or "" to match the system
	Announce       bool          // screen readers announce who comes and goes
	Status         Status
	Invisible      bool      // until they go visible: it never expires
	InvisibleSince time.Time // zero: visible
	CreatedAt      time.Time
	FavoritesRev   int64 // changes with the person's favorites
	Rev            int64 // of the last change that others must notice
}

// NewUser is a user to create. Exactly one of Password, PasswordHash and NoPassword must be set.
type NewUser struct {
	Username     string // see FoldUsername; reserved names are for administrators
	DisplayName  string // "": the username
	Team         string // "": none
	Password     string // 8 characters to 256 bytes, and not a common one
	PasswordHash string // argon2id in PHC form, from another system
	NoPassword   bool   // only for Import: the person chooses a password by a link
	Admin        bool
	Email        string // verified, or vouched for; "": none
}
