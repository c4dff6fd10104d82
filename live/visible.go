package live

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"rollcall/accounts"
)

// teamSet is a set of teams whose people somebody may see. nil has every team. While people see only some teams, each
// list belongs to a teamSet, so lists, counts and versions are those of watchers who may see the same teams. A teamSet
// is immutable. Board has only one for the same teams, so that these watchers share lists.
type teamSet struct {
	keys []string // sorted
	in   map[string]bool
	mark string // identifies the teams in versions, in every process
}

// newTeamSet returns the set of teams with these keys, which are sorted.
func newTeamSet(keys []string) *teamSet {
	s := &teamSet{keys: keys, in: make(map[string]bool, len(keys))}
	for _, key := range keys {
		s.in[key] = true
	}
	sum := sha256.Sum256([]byte(contentOf(keys)))
	s.mark = hex.EncodeToString(sum[:8])
	return s
}

// contentOf returns a text that is different for every sequence of keys, which contain no control characters.
func contentOf(keys []string) string { return strings.Join(keys, "\x00") }

func (s *teamSet) has(key string) bool { return s == nil || s.in[key] }

// shows reports whether p is in one of the teams.
func (s *teamSet) shows(p accounts.Person) bool { return s == nil || s.in[p.TeamKey()] }

// visibility says which teams people may see. Guarded by Board.mu.
type visibility struct {
	fixed   string              // what a flag fixes; "" if it's up to administrators
	rule    string              // accounts.VisibleEveryone or VisibleTeams
	pairs   map[string][]string // by team key: the other teams that its people see
	byTeam  map[string]*teamSet // what the people of a team see, if it was asked for
	content map[string]*teamSet // all sets in use, by contentOf
	nobody  *teamSet            // what watchers see who aren't a person
}

func newVisibility(cfg Config) visibility {
	v := visibility{fixed: cfg.Fixed.Visibility, content: map[string]*teamSet{}, nobody: newTeamSet(nil)}
	v.set(cfg.Stored, nil)
	return v
}

// set applies settings and pairs of teams. Sets in use stay the same objects if their teams do.
func (v *visibility) set(stored accounts.Settings, pairs []accounts.TeamPair) {
	v.rule = cmp.Or(v.fixed, stored.Visibility, accounts.VisibleEveryone)
	v.pair(pairs)
}

func (v *visibility) pair(pairs []accounts.TeamPair) {
	v.pairs, v.byTeam = map[string][]string{}, map[string]*teamSet{}
	for _, x := range pairs {
		v.pairs[x.Key] = append(v.pairs[x.Key], x.OtherKey)
		v.pairs[x.OtherKey] = append(v.pairs[x.OtherKey], x.Key)
	}
}

// hear applies an update of the accounts, and reports whether people may see other teams than before.
func (v *visibility) hear(u Update) (changed bool) {
	if u.Settings != nil {
		rule := cmp.Or(v.fixed, u.Settings.Visibility, accounts.VisibleEveryone)
		changed, v.rule = rule != v.rule, rule
	}
	if u.TeamPairs != nil {
		v.pair(*u.TeamPairs)
		changed = changed || v.rule == accounts.VisibleTeams
	}
	return changed
}

// of returns the teams that p may see: all of them, or p's own and those paired with it. Administrators see every team.
// People without a team count as one team, which is paired with none. The zero Person is nobody, who sees no team.
func (v *visibility) of(p accounts.Person) *teamSet {
	switch {
	case v.rule != accounts.VisibleTeams, p.Admin:
		return nil
	case p.ID == "":
		return v.nobody
	}
	own := p.TeamKey()
	if s := v.byTeam[own]; s != nil {
		return s
	}
	keys := append([]string{own}, v.pairs[own]...)
	slices.Sort(keys)
	content := contentOf(keys)
	s := v.content[content]
	if s == nil {
		s = newTeamSet(keys)
		v.content[content] = s
	}
	v.byTeam[own] = s
	return s
}

// trim forgets teams that nobody is in, and sets that neither a team nor a list has.
func (v *visibility) trim(people map[string]int, all map[Query]*list) {
	used := map[*teamSet]bool{}
	for q := range all {
		used[q.teams] = true
	}
	for key, s := range v.byTeam {
		if used[s] = used[s] || people[key] > 0; people[key] == 0 {
			delete(v.byTeam, key)
		}
	}
	for content, s := range v.content {
		if !used[s] {
			delete(v.content, content)
		}
	}
}

// noTeam is the key of the people without a team.
var noTeam = accounts.TeamKey("")
