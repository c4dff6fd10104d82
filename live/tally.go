package live

import (
	"slices"
	"strings"
	"time"

	"rollcall/accounts"
)

const (
	manyPeople = 100_000 // up to so many people are counted again before a page is loaded, if their number may have changed
	tallyRest  = 4       // how long not to count more people again, in multiples of what counting took
)

// tally is how many people there are. Guarded by Board.mu.
type tally struct {
	total           int
	teams           []accounts.Team // in board order, which is that of their keys
	named           int             // number of teams that have a name
	people          map[string]int  // by team key
	readAt, staleAt uint64          // lists.generation, as with a list
	readUntil       time.Time       // when the last reading ended
	cost            time.Duration   // how long it took
}

func newTally(teams []accounts.Team) tally {
	t := tally{teams: teams, people: make(map[string]int, len(teams))}
	for _, team := range teams {
		t.total += team.People
		t.people[team.Key] = team.People
		if team.Name != "" {
			t.named++
		}
	}
	return t
}

func (t *tally) isStale() bool { return t.staleAt > t.readAt }

// waits reports whether pages wait until everyone is counted again. On a large board, that takes long, and people join
// and leave all the time, so its pages show numbers of a moment ago.
func (t *tally) waits(many int) bool { return t.readAt == 0 || t.total <= many }

// nameOf returns the name of a team, or "" if it has none or isn't counted.
func (t *tally) nameOf(key string) string {
	i, found := slices.BinarySearchFunc(t.teams, key, func(team accounts.Team, key string) int {
		return strings.Compare(team.Key, key)
	})
	if !found {
		return ""
	}
	return t.teams[i].Name
}

// placeOf returns the place of a team's first person among all people of f.
func (t *tally) placeOf(f *filter, key string) (at place) {
	for _, team := range t.teams {
		if f.hasTeam(team.Key) {
			if at.all += team.People; team.Key < key {
				at.before += team.People
			}
		}
	}
	return at
}

// teamAt returns the team of the nth person of f, and which of the team's people that is, both counted from 1. ok is
// false if there are fewer people.
func (t *tally) teamAt(f *filter, n int) (key string, nth int, ok bool) {
	for _, team := range t.teams {
		if !f.hasTeam(team.Key) {
			continue
		}
		if n <= team.People {
			return team.Key, n, true
		}
		n -= team.People
	}
	return "", 0, false
}

// hasTeam reports whether people of a team match the filter's team, and may be seen.
func (f *filter) hasTeam(key string) bool {
	return (f.Team == "" || f.teamKey == key) && f.teams.has(key)
}
