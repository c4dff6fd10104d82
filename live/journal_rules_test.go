package live

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// run plays a history, and returns what is wrong in the end.
func (s *simulation) run() string {
	for range simSteps {
		if s.step(); s.wrong != "" {
			return s.wrong
		}
	}
	for _, p := range s.replicas {
		s.warmed(p)
		s.hear(p)
		p.roster.journals.flush()
	}
	for _, x := range s.readers {
		for range 3 { // a reader that was behind connects again
			if s.take(x, false); x.stream == nil {
				s.connect(x, s.replicas[s.r.IntN(2)])
			}
		}
		if wrong := s.check(x); wrong != "" {
			return wrong
		}
	}
	return s.wrong
}

// check compares the rows of a reader with the truth.
func (s *simulation) check(x *simReader) string {
	want := 0
	for i, p := range s.truth {
		key := simKeys[p.team]
		if !p.listed || !x.teams.has(key) || x.want.Team != "" && x.want.Team != fmt.Sprint("Team ", p.team) ||
			len(x.want.Users) > 0 && !slices.Contains(x.want.Users, fmt.Sprint("user", i)) {
			continue
		}
		want++
		person, view := p.facts(i)
		row := NewRow(person, view, AudienceOf(x.eyes), simNow)
		if got, has := x.rows[person.ID]; !has || got != row {
			return fmt.Sprintf("%s has %+v (%t), want %+v", x.eyes.ID, got, has, row)
		}
	}
	if len(x.rows) != want {
		return fmt.Sprintf("%s has %d people, want %d: %v", x.eyes.ID, len(x.rows), want, x.rows)
	}
	return ""
}

// told returns what the first reader was told. Cursors are numbered, because only which of them are equal matters.
func (s *simulation) told() []string {
	names := map[string]string{}
	var lines []string
	for _, line := range s.readers[0].log {
		kind, rest, _ := strings.Cut(line, " ")
		cursor, rest, _ := strings.Cut(rest, " ")
		if cursor != "" && names[cursor] == "" {
			names[cursor] = fmt.Sprint("cursor", len(names))
		}
		lines = append(lines, kind+" "+names[cursor]+" "+rest)
	}
	return lines
}

// simulateStreams plays a history, also without what the first reader may not see, and returns what went wrong.
func simulateStreams(seed uint64, rules simRules) string {
	s := newSimulation(seed, rules, false)
	if wrong := s.run(); wrong != "" {
		return wrong
	}
	without := newSimulation(seed, rules, true)
	if wrong := without.run(); wrong != "" {
		return wrong
	}
	a, b := s.told(), without.told()
	if !slices.Equal(a, b) {
		return fmt.Sprintf("the first reader can tell what it may not see:\n%q\n%q", a, b)
	}
	return ""
}

// histories returns how many histories to play: a thousand, or as many as ROLLCALL_HISTORIES says. All 20,000 take less
// than a minute: ROLLCALL_HISTORIES=20000 go test ./live -run StreamHistories
func histories() int {
	if n, err := strconv.Atoi(os.Getenv("ROLLCALL_HISTORIES")); err == nil && n > 0 {
		return n
	}
	return 1000
}

func TestStreamHistories(t *testing.T) {
	t.Parallel()
	first := rand.Uint64()
	for i := range histories() {
		if wrong := simulateStreams(first+uint64(i), allSimRules); wrong != "" {
			t.Fatalf("seed %d: %s", first+uint64(i), wrong)
		}
	}
}

// TestEveryJournalRuleIsNeeded switches off one rule at a time, and expects a history that goes wrong.
func TestEveryJournalRuleIsNeeded(t *testing.T) {
	t.Parallel()
	for name, off := range map[string]func(*simRules){
		"epoch":      func(r *simRules) { r.epoch = false },
		"selection":  func(r *simRules) { r.selection = false },
		"floor":      func(r *simRules) { r.floor = false },
		"tombstones": func(r *simRules) { r.tombstones = false },
		"ascending":  func(r *simRules) { r.ascending = false },
		"closing":    func(r *simRules) { r.closing = false },
		"atomic":     func(r *simRules) { r.atomic = false },
		"audiences":  func(r *simRules) { r.audiences = false },
		"compare":    func(r *simRules) { r.compare = false },
		"visible":    func(r *simRules) { r.visible = false },
		"hold":       func(r *simRules) { r.hold = false },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			with := allSimRules
			off(&with)
			for seed := range uint64(10000) {
				if wrong := simulateStreams(seed, with); wrong != "" {
					t.Logf("seed %d: %.200s", seed, wrong)
					return
				}
			}
			t.Errorf("without the rule %s, all histories end right, so the simulation doesn't test it", name)
		})
	}
}
