package live

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"
	"time"

	"rollcall/accounts"
)

const (
	StreamLife      = 10 * time.Minute // how long streams can resume after the last one of their selection ended
	spareSelections = 1000             // selections without streams to keep for that
)

// selectionKey identifies what a stream shows: to whom, and which people.
type selectionKey struct {
	audience Audience
	visible  string // mark of the teams that may be seen; "" for all
	team     string // key of the only team; "" for all
	users    string // usernames, sorted and joined; "" for everyone
	scopes   string // of the token that reads
}

// selection is the people whom a stream shows. Streams that show the same share one. Guarded by Board.mu.
type selection struct {
	selectionKey
	teams *teamSet
	names map[string]bool // usernames; nil for everyone
	mark  uint64          // identifies the selection in cursors

	last    uint64 // seq of the last change that it showed
	floor   uint64 // older cursors don't count: its seq when it was read, or of a tombstone that was forgotten
	streams map[*Stream]struct{}
	used    time.Time // when its last stream ended
	over    bool      // it was reset; its streams end

	reading chan struct{} // capacity 1; held while its people are read
	ready   bool          // they were read
	cached  *snapshot     // as of the last change; nil if not made yet
}

// snapshot is all rows of a selection. Streams that begin at the same moment share it.
type snapshot struct {
	last uint64 // of the selection
	rows []*Entry
}

func newSelection(key selectionKey, teams *teamSet) *selection {
	s := &selection{selectionKey: key, teams: teams, streams: map[*Stream]struct{}{}, reading: make(chan struct{}, 1)}
	if key.users != "" {
		s.names = map[string]bool{}
		for _, name := range strings.Split(key.users, "\x00") {
			s.names[name] = true
		}
	}
	text := strings.Join([]string{string(rune('0' + key.audience)), key.visible, key.team, key.scopes, key.users}, "\x01")
	sum := sha256.Sum256([]byte(text))
	s.mark = binary.BigEndian.Uint64(sum[:8])
	return s
}

// shows reports whether the selection shows somebody of a team.
func (s *selection) shows(team, username string) bool {
	return (s.team == "" || s.team == team) && s.teams.has(team) && (s.names == nil || s.names[username])
}

// has reports whether the selection shows this person, as of the last flush.
func (j *journals) has(s *selection, id string) bool {
	m := j.roster.members[id]
	return m != nil && m.marks != nil && s.showsMark(&m.marks[s.audience])
}

func (s *selection) showsMark(k *mark) bool {
	return k.shown != nil && s.shows(k.team, k.shown.Row.Username)
}

// count returns how many streams are open, and how many people are held for them.
func (j *journals) count() (streams, people int) {
	for _, s := range j.selections {
		streams += len(s.streams)
	}
	head := &j.of[Full].marks
	for k := head.next; k != head; k = k.next {
		people++
	}
	return streams, people
}

// rows returns what the selection shows.
func (j *journals) rows(s *selection) []*Entry {
	if c := s.cached; c != nil && c.last == s.last {
		return c.rows
	}
	var rows []*Entry
	head := &j.of[s.audience].marks
	for k := head.next; k != head; k = k.next {
		if s.showsMark(k) {
			rows = append(rows, k.shown)
		}
	}
	slices.SortFunc(rows, func(a, b *Entry) int { return cmp.Compare(a.Row.ID, b.Row.ID) })
	s.cached = &snapshot{s.last, rows}
	return rows
}

// sweep forgets selections that nobody has read for a while.
func (j *journals) sweep(now time.Time) {
	var spare []*selection
	for _, s := range j.selections {
		s.cached = nil
		if len(s.streams) == 0 {
			spare = append(spare, s)
		}
	}
	slices.SortFunc(spare, func(a, b *selection) int { return b.used.Compare(a.used) })
	dropped := false
	for i, s := range spare {
		if i >= spareSelections || now.Sub(s.used) > StreamLife {
			delete(j.selections, s.selectionKey)
			j.cover.drop(s)
			dropped = true
		}
	}
	if dropped {
		j.releaseUncovered()
	}
}

// begin makes s ready. Cursors from before don't count, because nobody recorded what changed until now.
func (j *journals) begin(s *selection) {
	j.flush()
	o := &j.of[s.audience]
	o.seq++
	s.ready, s.floor, s.last = true, o.seq, o.seq
	j.cover.read.add(s, +1)
}

// meet takes people who were just read, unless the board knows better.
func (j *journals) meet(b *Board, people []accounts.Person) {
	b.update(func() {
		for _, p := range people {
			m := b.roster.members[p.ID]
			if m == nil && !j.cover.met[p.ID] && j.cover.has(p) {
				m = b.roster.meet(p)
			}
			j.take(m)
		}
	})
}
