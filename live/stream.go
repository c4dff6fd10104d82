package live

import (
	"context"
	"slices"
	"strings"
	"time"

	"rollcall/accounts"
)

// StreamWant says what a stream shows.
type StreamWant struct {
	Eyes   accounts.Person // who reads it; zero for nobody
	Team   string          // in any spelling; "" for all teams
	Users  []string        // usernames as in accounts.Person; none for everyone
	Scopes string          // of the token that reads; "" without one
	Since  string          // cursor up to which the reader has everything; "" for none
}

// EventKind says what an Event is.
type EventKind string

// The kinds of events.
const (
	EventSnapshot EventKind = "snapshot" // everyone whom the stream shows
	EventChange   EventKind = "change"   // one row that is new or changed
	EventGone     EventKind = "gone"     // a person whom the stream doesn't show anymore
	EventCurrent  EventKind = "current"  // a stream that resumed has everything
	EventStale    EventKind = "stale"    // from now on, what the reader has may be outdated
	EventLive     EventKind = "live"     // it's right again
)

// Event is one event of a stream. Rows and entries are shared: don't change them.
type Event struct {
	Kind         EventKind
	Cursor       string    // place from which a stream can resume; "" if there's none
	Rows         []*Entry  // of a snapshot
	Row          *Entry    // of a change
	ID, Username string    // of a person who is gone
	At           time.Time // of a snapshot; of stale, since when
}

// maxEvents is how many events one call of Take returns at most.
const maxEvents = 64

// Stream follows the rows of a selection. It has no queue: it knows up to which change its reader has everything, and
// takes the newest rows after it. So a slow reader skips rows that have changed again, and costs nothing.
type Stream struct {
	board *Board
	want  StreamWant
	wake  func()

	// Guarded by Board.mu.
	at      *selection
	since   uint64 // seq of the last change that it took
	phase   streamPhase
	stale   bool // as last told
	started bool
	roused  bool // in journals.woken
}

type streamPhase uint8

const (
	beginning streamPhase = iota // gets a snapshot, or resumes
	resuming                     // takes what changed since its cursor
	following
)

func openStream(ctx context.Context, b *Board, want StreamWant) (*Stream, error) {
	s := &Stream{board: b, want: want}
	if err := b.CatchUp(ctx); err != nil {
		return nil, err
	}
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	if err := s.Settle(ctx); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

// enter puts s into its selection. It reads who reads s again, because they may have changed since they were asked for.
func (s *Stream) enter(ctx context.Context) error {
	b, id := s.board, s.want.Eyes.ID
	for try := 1; ; try++ {
		b.mu.Lock()
		applied := b.roster.applied
		b.mu.Unlock()
		people, err := b.accounts.PeopleByID(ctx, []string{id})
		if err != nil {
			return err
		}
		again := false
		b.update(func() {
			if again = b.roster.applied != applied && try < rereads; again {
				return
			}
			if len(people) > 0 {
				s.want.Eyes = people[0]
			}
			b.journals.byPerson[id] = append(b.journals.byPerson[id], s)
			b.journals.join(s)
		})
		if !again {
			return nil
		}
	}
}

// Settle reads what s lacks before it can show anything. Call it again whenever Take asks for it.
func (s *Stream) Settle(ctx context.Context) error {
	s.board.mu.Lock()
	at := s.at
	s.board.mu.Unlock()
	if at == nil {
		return nil
	}
	return readSelection(ctx, s.board, at)
}

// key returns what s shows now.
func (j *journals) key(s *Stream) (selectionKey, *teamSet) {
	visible := j.visible(s.want.Eyes)
	key := selectionKey{audience: Reticent, scopes: s.want.Scopes}
	if s.want.Eyes.ID != "" {
		key.audience = AudienceOf(s.want.Eyes)
	}
	if visible != nil {
		key.visible = visible.mark
	}
	if s.want.Team != "" {
		key.team = accounts.TeamKey(s.want.Team)
	}
	names := slices.Clone(s.want.Users)
	slices.Sort(names)
	key.users = strings.Join(slices.Compact(names), "\x00")
	return key, visible
}

// visible returns the teams that p may see.
func (j *journals) visible(p accounts.Person) *teamSet {
	if !j.rules.visible {
		return nil
	}
	return j.teamsOf(p)
}

// join puts s into its selection, which it makes if needed.
func (j *journals) join(s *Stream) {
	key, teams := j.key(s)
	at := j.selections[key]
	if at == nil {
		at = newSelection(key, teams)
		j.selections[key] = at
		j.cover.reach.add(at, +1)
	}
	at.streams[s] = struct{}{}
	s.at, s.phase = at, beginning
}

func (j *journals) leave(s *Stream) {
	if s.at != nil {
		delete(s.at.streams, s)
		s.at.used = time.Now()
		s.at = nil
	}
}

// Start registers the stream for changes. It calls wake whenever there may be something to Take: without a lock, from
// any goroutine, and maybe from several at once. wake must not block.
func (s *Stream) Start(wake func()) {
	s.board.update(func() {
		s.wake, s.started = wake, true
		s.rouse()
	})
}

// Stop ends the stream. It may be called more than once, and without Start.
func (s *Stream) Stop() {
	s.board.update(func() {
		j, id := s.board.journals, s.want.Eyes.ID
		j.leave(s)
		s.started = false
		left := slices.DeleteFunc(j.byPerson[id], func(o *Stream) bool { return o == s })
		if len(left) > 0 {
			j.byPerson[id] = left
		} else {
			delete(j.byPerson, id)
		}
	})
}

// rouse has the reader of s woken after the lock is released.
func (s *Stream) rouse() {
	if s.started && !s.roused {
		s.roused = true
		j := s.board.journals
		j.woken = append(j.woken, s)
	}
}

// takeWoken returns the streams to wake, and clears the list.
func (j *journals) takeWoken() []*Stream {
	woken := j.woken
	j.woken = nil
	for _, s := range woken {
		s.roused = false
	}
	return woken
}

// readdress applies what p may see now to p's streams. Those that show other people then get a snapshot.
func (j *journals) readdress(p accounts.Person) {
	for _, s := range j.byPerson[p.ID] {
		s.want.Eyes = p
		j.readjust(s)
	}
}

func (j *journals) readjust(s *Stream) {
	if s.at == nil {
		return
	}
	if key, _ := j.key(s); key != s.at.selectionKey {
		j.leave(s)
		j.join(s)
		s.want.Since = ""
		s.rouse()
	}
}

// readjustAll is readjust for everyone.
func (j *journals) readjustAll() {
	for _, streams := range j.byPerson {
		for _, s := range streams {
			j.readjust(s)
		}
	}
}
