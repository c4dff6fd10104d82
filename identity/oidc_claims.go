package identity

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Person is what a provider says about somebody who signed in there. Only Issuer and Subject identify the person.
type Person struct {
	Issuer    string // as configured
	Subject   string // 1 to 255 bytes; compare it exactly
	SessionID string // sid, which a logout token may name; "" if the provider sends none

	Email         string // "" if there's none; anybody may have chosen it unless EmailVerified is Yes
	EmailVerified Answer
	HostedDomain  string // hd: the Google Workspace; "" if there's none
	Name          string // "" if there's none
	// Usernames are suggestions, best first, in the provider's spelling and without duplicates.
	Usernames []string
	Groups    Groups
	AuthTime  time.Time // when the person last proved their identity to the provider; zero if it doesn't say
}

// Answer is a claim that is true, false, or missing. The zero Answer is missing.
type Answer uint8

const (
	NotSaid Answer = iota
	No
	Yes
)

// Groups is the claim groups.
type Groups struct {
	State  GroupsState
	Values []string // with GroupsListed; exactly as the provider wrote them
}

// GroupsState says what is known of somebody's groups.
type GroupsState uint8

const (
	GroupsAbsent     GroupsState = iota // no such claim
	GroupsListed                        // all groups are known, or that there are none
	GroupsOverage                       // Microsoft Entra leaves out the claim, because the person has too many groups
	GroupsUnreadable                    // neither text nor a list of text
)

// String returns a word for logs.
func (s GroupsState) String() string {
	return [...]string{"absent", "listed", "too many", "unreadable"}[s]
}

const (
	maxSubject = 255 // bytes; OpenID Connect Core section 2 counts ASCII characters
	maxText    = 256 // bytes of any other claim but groups
)

// claims are the claims of a token or of userinfo. Their names are compared exactly, which encoding/json doesn't do for
// structs.
type claims map[string]json.RawMessage

// readClaims reads a JSON object.
func readClaims(text []byte) (claims, error) {
	var said claims
	if err := json.Unmarshal(text, &said); err != nil {
		return nil, err
	}
	if said == nil {
		return nil, errors.New("not a JSON object")
	}
	return said, nil
}

func (c claims) has(name string) bool {
	value, ok := c[name]
	return ok && string(value) != "null"
}

// exactly returns a claim that is text, or "".
func (c claims) exactly(name string) string {
	var text string
	_ = json.Unmarshal(c[name], &text)
	return text
}

// text returns a claim that is one line of at most maxText bytes, or "".
func (c claims) text(name string) string {
	text := strings.TrimSpace(c.exactly(name))
	if len(text) > maxText || strings.ContainsFunc(text, unprintable) {
		return ""
	}
	return text
}

// identifier returns a claim that identifies something, or ok false if it can't be told apart from others or stored. A
// missing claim is "".
func (c claims) identifier(name string) (id string, ok bool) {
	if !c.has(name) {
		return "", true
	}
	id = c.exactly(name)
	return id, strings.TrimSpace(id) != "" && len(id) <= maxSubject && !strings.ContainsFunc(id, unprintable)
}

// unprintable reports whether r is a control character, or stands for bytes that aren't UTF-8.
func unprintable(r rune) bool { return unicode.IsControl(r) || r == utf8.RuneError }

// answer reads a claim that some providers send as text.
func (c claims) answer(name string) Answer {
	switch string(c[name]) {
	case "true", `"true"`:
		return Yes
	case "", "null":
		return NotSaid
	}
	return No
}

// seconds returns a time in seconds since 1970, or the zero time if it's missing or before 1970.
func (c claims) seconds(name string) time.Time {
	var n float64
	if json.Unmarshal(c[name], &n) != nil || n < 0 || n > 1<<40 {
		return time.Time{}
	}
	return time.Unix(int64(n), 0)
}

// first returns the first claim of this name that isn't empty.
func first(sources []claims, name string) string {
	for _, source := range sources {
		if text := source.text(name); text != "" {
			return text
		}
	}
	return ""
}

// describe fills in what doesn't identify the person. Of two sources with the same claim, userinfo is right, because
// it's newer.
func (p *Person) describe(token, userInfo claims) {
	sources := []claims{userInfo, token}
	if id, ok := token.identifier("sid"); ok {
		p.SessionID = id
	}
	p.AuthTime = token.seconds("auth_time")
	p.HostedDomain = token.text("hd")
	p.Email, p.EmailVerified = email(sources)
	p.Name = first(sources, "name")
	if p.Name == "" {
		p.Name = strings.TrimSpace(first(sources, "given_name") + " " + first(sources, "family_name"))
	}
	p.Groups = groups(sources)
	p.Usernames = p.usernames(first(sources, "preferred_username"))
}

// email returns the first email address. A source says whether it's verified only for the address it names itself.
func email(sources []claims) (address string, verified Answer) {
	for _, source := range sources {
		own := source.text("email")
		if !isAddress(own) || address != "" && own != address {
			continue
		}
		address = own
		if said := source.answer("email_verified"); said == No || verified == NotSaid {
			verified = said
		}
	}
	return address, verified
}

func isAddress(text string) bool {
	at := strings.LastIndexByte(text, '@')
	return at > 0 && at < len(text)-1 && !strings.ContainsFunc(text, unicode.IsSpace)
}

// groups returns the groups of the first source that lists them.
func groups(sources []claims) Groups {
	state := GroupsAbsent
	for _, source := range sources {
		if source.has("groups") {
			if values, ok := source.list("groups"); ok {
				return Groups{GroupsListed, values}
			}
			state = max(state, GroupsUnreadable)
			continue
		}
		var elsewhere map[string]json.RawMessage // OpenID Connect Core section 5.6.2
		_ = json.Unmarshal(source["_claim_names"], &elsewhere)
		if _, ok := elsewhere["groups"]; ok || source.answer("hasgroups") == Yes {
			state = max(state, GroupsOverage)
		}
	}
	return Groups{State: state}
}

// list reads a claim that is text or a list of text.
func (c claims) list(name string) (values []string, ok bool) {
	var one string
	if json.Unmarshal(c[name], &one) == nil {
		return []string{one}, true
	}
	if json.Unmarshal(c[name], &values) != nil {
		return nil, false
	}
	return values, true
}

// usernames returns suggestions: the username at the provider, the local part of a verified address, and the name.
func (p *Person) usernames(preferred string) []string {
	local := ""
	if p.EmailVerified == Yes {
		local = localPart(p.Email)
	}
	var names []string
	for _, name := range []string{localPart(preferred), local, p.Name} {
		if name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// localPart returns what is before the last @. Some providers have email addresses as usernames.
func localPart(address string) string {
	if at := strings.LastIndexByte(address, '@'); at > 0 {
		return address[:at]
	}
	return address
}
