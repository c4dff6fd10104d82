package accounts

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Limits of webhooks.
const (
	MaxHooks      = 10   // of one person
	MaxAllHooks   = 1000 // on the board
	MaxHookURL    = 2048 // bytes
	MaxSettle     = time.Hour
	OldSecretLife = 24 * time.Hour // for how long the previous secret signs, too

	settleStandard = 30 * time.Second
	settleChat     = time.Minute
)

// ErrNoHook says that somebody has no such hook.
var ErrNoHook = errors.New("no such webhook")

// HookFormat says what a hook's messages look like.
type HookFormat string

// The formats.
const (
	HookStandard HookFormat = "standard" // Standard Webhooks: JSON for programs, signed
	HookSlack    HookFormat = "slack"    // a text for Slack, Mattermost, Rocket.Chat or Discord
	HookTeams    HookFormat = "teams"    // an Adaptive Card for Microsoft Teams
)

// Chat reports whether people read the messages. One message then tells of several people.
func (f HookFormat) Chat() bool { return f != HookStandard }

// Settle returns how long a state must last before it's told, unless the owner chooses.
func (f HookFormat) Settle() time.Duration {
	if f.Chat() {
		return settleChat
	}
	return settleStandard
}

// HookScope says whom a hook is about. Its owner must be able to see them in any case.
type HookScope string

// The scopes.
const (
	AboutEveryone  HookScope = "all"
	AboutOneTeam   HookScope = "team"
	AboutOnePerson HookScope = "person"
)

// HookStop says why nothing is delivered to a hook.
type HookStop string

// The reasons.
const (
	HookPaused     HookStop = "paused"  // by its owner
	HookGone       HookStop = "gone"    // the receiver answered 410
	HookFailing    HookStop = "failing" // every delivery has failed for days
	HookPersonLeft HookStop = "person"  // the account of the person that it's about was deleted
)

// HookWish is what the owner of a hook chooses.
type HookWish struct {
	Label    string
	URL      string // may be a secret
	Format   HookFormat
	About    HookScope
	Team     string // with AboutOneTeam
	PersonID string // with AboutOnePerson
	States   bool   // tell of states
	Texts    bool   // tell of texts, emoji, and their ends
	Settle   time.Duration
}

// HookSecrets sign what a hook delivers. They're in the form in which receivers take them.
type HookSecrets struct {
	Secret   string
	Old      string // signs, too, until OldUntil; "": none
	OldUntil time.Time
}

// HookHealth says whether deliveries to a hook succeed.
type HookHealth struct {
	Stopped    HookStop // "": it isn't
	StoppedAt  time.Time
	Failures   int       // in a row
	FailsSince time.Time // zero: the last delivery didn't fail
	ProbeAt    time.Time // no delivery before that
}

// Hook is an address to which somebody has changes delivered.
type Hook struct {
	ID     string // UUIDv7
	UserID string // its owner, with whose eyes it sees
	HookWish
	HookSecrets
	HookHealth
	TeamKey   string // of Team
	Ready     bool   // its receiver's knowledge is stored, so changes can be told
	Version   int64  // grows with each change by its owner
	CreatedAt time.Time
}

// Covers reports whether the hook is about p, if its owner may see p.
func (h *Hook) Covers(p Person) bool {
	switch h.About {
	case AboutEveryone:
		return true
	case AboutOneTeam:
		return p.TeamKey() == h.TeamKey
	}
	return p.ID == h.PersonID
}

// newHookSecret returns 256 random bits in the form of Standard Webhooks.
func newHookSecret() string {
	key := make([]byte, 32)
	rand.Read(key) // never fails
	return "whsec_" + base64.StdEncoding.EncodeToString(key)
}

// Check returns what is wrong with the wish, without looking into the database. Errors: FieldErrors.
func (w HookWish) Check() error {
	_, _, err := w.clean()
	return err
}

// clean returns the wish in the form in which it's stored, and the key of the team. Errors: FieldErrors.
func (w HookWish) clean() (HookWish, string, error) {
	var wrong FieldErrors
	var err error
	if w.Label, err = cleanLine("name", w.Label, maxLabel); err == nil && w.Label == "" {
		err = wrongField("name", Missing)
	}
	wrong.add(err)
	if w.URL, err = cleanHookURL(w.URL); err != nil {
		wrong.add(err)
	}
	switch w.Format {
	case HookStandard, HookSlack, HookTeams:
	default:
		wrong.add(wrongField("format", NotAnOption))
	}
	key, err := w.cleanScope()
	wrong.add(err)
	if !w.States && !w.Texts {
		wrong.add(wrongField("events", Missing))
	}
	if w.Settle < 0 || w.Settle > MaxSettle {
		wrong.add(&FieldError{Field: "settle", Code: OutOfRange, Limit: int(MaxSettle / time.Second)})
	}
	w.Settle = w.Settle.Truncate(time.Second)
	if len(wrong) > 0 {
		return w, "", wrong
	}
	return w, key, nil
}

// cleanScope clears what doesn't belong to the scope, and returns the key of the team.
func (w *HookWish) cleanScope() (key string, err error) {
	team, person := w.Team, w.PersonID
	w.Team, w.PersonID = "", ""
	switch w.About {
	case AboutEveryone:
	case AboutOneTeam:
		if w.Team, key, err = cleanTeam(team); err == nil && w.Team == "" {
			err = wrongField("team", Missing)
		}
	case AboutOnePerson:
		if w.PersonID = person; person == "" {
			err = wrongField("person", Missing)
		}
	default:
		err = wrongField("about", NotAnOption)
	}
	return key, err
}

// cleanHookURL returns the address of a receiver in the form in which it's stored. Whether it may be called is decided
// for each connection, because names can lead elsewhere later.
func cleanHookURL(text string) (string, error) {
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return "", wrongField("url", Missing)
	case len(text) > MaxHookURL:
		return "", tooLong("url", MaxHookURL)
	case !utf8.ValidString(text):
		return "", wrongField("url", NotUTF8)
	case strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || unseen(r) }):
		return "", wrongField("url", NotAURL)
	}
	u, err := url.Parse(text)
	switch {
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "", u.Opaque != "":
		return "", wrongField("url", NotAURL)
	case u.User != nil:
		return "", wrongField("url", HasPassword)
	case u.Fragment != "" || strings.Contains(text, "#"):
		return "", wrongField("url", NotAURL)
	case !hookPort(u.Port()) || strings.HasSuffix(u.Host, ":"):
		return "", wrongField("url", BadPort)
	}
	if text = u.String(); len(text) > MaxHookURL {
		return "", tooLong("url", MaxHookURL)
	}
	return text, nil
}

// hookPort reports whether a receiver may listen on a port. Below 1024, other protocols do.
func hookPort(port string) bool {
	if port == "" || port == "80" || port == "443" {
		return true
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n >= 1024
}
