package live

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/accounts"
	"rollcall/presence"
)

// listener is a program that reads a stream.
type listener struct {
	s      *Stream
	woken  chan struct{}
	cursor string
}

// listen opens and starts a stream.
func (f *fixture) listen(want StreamWant) *listener {
	f.t.Helper()
	s, err := f.board.OpenStream(f.t.Context(), want)
	f.must(err)
	f.t.Cleanup(s.Stop)
	l := &listener{s: s, woken: make(chan struct{}, 1)}
	s.Start(func() { signal(l.woken) })
	return l
}

// hears returns the events that have come, in short.
func (l *listener) hears(t testing.TB) (heard []string) {
	t.Helper()
	for {
		events, then := l.s.Take()
		for _, e := range events {
			if e.Cursor != "" {
				l.cursor = e.Cursor
			}
			heard = append(heard, brief(e))
		}
		switch then {
		case TookAll:
			return heard
		case Unsettled:
			if err := l.s.Settle(t.Context()); err != nil {
				t.Fatal(err)
			}
		case Behind:
			return append(heard, "behind")
		}
	}
}

func brief(e Event) string {
	one := func(r Row) string { return r.Username + "=" + string(r.State) }
	switch e.Kind {
	case EventSnapshot:
		var rows []string
		for _, r := range e.Rows {
			rows = append(rows, one(r.Row))
		}
		slices.Sort(rows)
		return "snapshot " + strings.Join(rows, " ")
	case EventChange:
		return one(e.Row.Row)
	case EventGone:
		return "gone " + e.Username
	}
	return string(e.Kind)
}

func (l *listener) want(t testing.TB, what string, want ...string) {
	t.Helper()
	if got := l.hears(t); !slices.Equal(got, want) {
		t.Errorf("%s: the stream tells %q, want %q", what, got, want)
	}
}

func TestStream(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ada, bob := f.person("ada"), f.person("bob")
	f.arrive(bob)
	f.step()
	l := f.listen(StreamWant{Eyes: ada})
	l.want(t, "at first", "snapshot ada=offline bob=online")
	there := f.arrive(ada)
	f.person("cleo")
	f.step()
	l.want(t, "ada comes, cleo is new", "ada=online", "cleo=offline")
	there.Leave(presence.SignedOut)
	f.step()
	l.want(t, "ada leaves", "ada=offline")
	f.must(f.store.SetInvisible(acting(t.Context()), ada.ID, true))
	f.arrive(ada)
	f.step()
	l.want(t, "ada comes back, invisible")
	before := l.cursor
	f.must(f.store.Delete(acting(t.Context()), bob.ID))
	f.step()
	l.want(t, "bob is deleted", "gone bob")
	f.listen(StreamWant{Eyes: ada, Since: before}).want(t, "resumed", "gone bob", "current")
	f.listen(StreamWant{Eyes: ada, Since: l.cursor}).want(t, "resumed from the end", "current")
	f.listen(StreamWant{Eyes: ada, Since: l.cursor, Team: "Design"}).want(t, "resumed with another filter", "snapshot ")
	f.listen(StreamWant{Eyes: ada, Since: "nonsense"}).want(t, "made-up cursor", "snapshot ada=offline cleo=offline")
}

// A stream that shows only some people holds only these, and lets go of them after the last one has ended.
func TestStreamsHoldOnlyWhomTheyShow(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.crowd(450, "p")
	ada := f.person("ada")
	f.must(f.store.SetTeam(acting(t.Context()), ada.ID, "Design"))
	f.step()
	one := f.listen(StreamWant{Eyes: ada, Users: []string{"p00007", "nobody"}})
	one.want(t, "one person", "snapshot p00007=offline")
	team := f.listen(StreamWant{Eyes: ada, Team: "design"})
	team.want(t, "a team", "snapshot ada=offline")
	if s := f.board.Stats(); s.Streams != 2 || s.Streamed != 2 {
		t.Errorf("two streams of one person each: %d streams of %d people", s.Streams, s.Streamed)
	}
	all := f.listen(StreamWant{Eyes: ada})
	if got := all.hears(t); len(got) != 1 || strings.Count(got[0], "=") != 451 {
		t.Errorf("the stream of everyone begins with %d events, want a snapshot of 451 people", len(got))
	}
	for _, l := range []*listener{one, team, all} {
		l.s.Stop()
	}
	f.board.update(func() { f.board.journals.sweep(time.Now().Add(StreamLife / 2)) })
	if s := f.board.Stats(); s.Streams != 0 || s.Streamed != 451 {
		t.Errorf("just after the last stream: %d streams of %d people, want 0 of 451", s.Streams, s.Streamed)
	}
	f.board.update(func() { f.board.journals.sweep(time.Now().Add(2 * StreamLife)) })
	if s := f.board.Stats(); s.Streamed != 0 || len(f.board.roster.members) != 0 {
		t.Errorf("a while later: %d people are held, and %d known", s.Streamed, len(f.board.roster.members))
	}
}

// A person who is met during a reading, or leaves during it, is told as they are.
func TestStreamReadsWhileThingsChange(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ada, bob := f.person("ada"), f.person("bob")
	f.step()
	old, err := f.store.PeopleByID(t.Context(), []string{ada.ID, bob.ID})
	f.must(err)
	j := f.board.journals
	s := &Stream{board: f.board, want: StreamWant{Eyes: ada}}
	f.board.update(func() { j.join(s); j.cover.readings++ })
	f.must(f.store.Delete(acting(t.Context()), bob.ID)) // the reading still has him
	f.must(f.store.SetTeam(acting(t.Context()), ada.ID, "Design"))
	f.step()
	j.meet(f.board, old)
	f.board.update(func() { j.cover.readings--; j.begin(s.at) })
	events, _ := s.Take()
	if len(events) != 1 || len(events[0].Rows) != 1 || events[0].Rows[0].Row.Team != "Design" {
		t.Errorf("the stream begins with %+v, want ada in her new team", events)
	}
	s.Stop()
}

// TestStreamOfVisibleTeams: who may see other teams gets a snapshot of them; people who move to a hidden team are gone.
func TestStreamOfVisibleTeams(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := acting(t.Context())
	ada, bob, cleo := f.person("ada"), f.person("bob"), f.person("cleo")
	for _, p := range []accounts.Person{ada, bob} {
		f.must(f.store.SetTeam(ctx, p.ID, "Design"))
	}
	f.must(f.store.SetTeam(ctx, cleo.ID, "Sales"))
	f.must(f.store.ChangeSettings(ctx, func(x *accounts.Settings) error { x.Visibility = accounts.VisibleTeams; return nil }))
	f.step()
	l := f.listen(StreamWant{Eyes: ada})
	l.want(t, "at first", "snapshot ada=offline bob=offline")
	f.must(f.store.SetTeam(ctx, bob.ID, "Sales"))
	f.step()
	l.want(t, "bob moves away", "gone bob")
	f.arrive(bob)
	f.step()
	l.want(t, "bob does something there")
	f.must(f.store.PairTeams(ctx, "Design", "Sales"))
	f.step()
	l.want(t, "the teams see each other", "snapshot ada=offline bob=online cleo=offline")
	f.must(f.store.SetTeam(ctx, ada.ID, ""))
	f.step()
	l.want(t, "ada moves to no team", "snapshot ada=offline")
}

// People who begin to hide their last seen get a snapshot without that of others.
func TestStreamFollowsTheAudience(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ada := f.person("ada")
	l := f.listen(StreamWant{Eyes: ada})
	l.want(t, "at first", "snapshot ada=offline")
	f.prefer(ada, accounts.Nobody)
	f.step()
	l.want(t, "she hides her last seen", "snapshot ada=offline")
	if l.s.at.audience != Reticent {
		t.Error("her stream is still of the audience that is told when others were last seen")
	}
}

// TestStreamWhileComingBack: while people are coming back, streams are told only that, and then only what has changed.
func TestStreamWhileComingBack(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(_ *Config, p *presence.Config) { p.Warming = time.Hour })
	ada, bob := f.person("ada"), f.person("bob")
	f.step()
	l := f.listen(StreamWant{Eyes: ada})
	l.want(t, "after a start", "stale")
	f.arrive(bob)
	f.step()
	l.want(t, "bob is back")
	f.board.update(f.board.tellAll)
	l.want(t, "everyone has had time to", "snapshot ada=offline bob=online", "live")
	there := f.arrive(ada)
	f.step()
	l.want(t, "ada comes", "ada=online")
	f.board.WarmAgain()
	there.Leave(presence.SignedOut)
	f.step()
	l.want(t, "everyone was disconnected", "stale")
	f.arrive(ada)
	f.step()
	f.board.update(f.board.tellAll)
	l.want(t, "and is back", "live")
}

// A stream that has to be told of more departures than are remembered ends, and begins again with a snapshot.
func TestStreamFallsBehind(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.board.journals.most = 2
	ada := f.person("ada")
	var leaving []accounts.Person
	for i := range 3 {
		leaving = append(leaving, f.person(fmt.Sprint("p", i)))
	}
	l := f.listen(StreamWant{Eyes: ada})
	l.hears(t)
	for _, p := range leaving {
		f.must(f.store.Delete(acting(t.Context()), p.ID))
	}
	f.step()
	l.want(t, "three are gone, and two are remembered", "behind")
	f.listen(StreamWant{Eyes: ada, Since: l.cursor}).want(t, "again", "snapshot ada=offline")
}

// After changes may have been missed, streams end, and no earlier cursor counts.
func TestStreamEndsAtAReset(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ada := f.person("ada")
	l := f.listen(StreamWant{Eyes: ada})
	l.hears(t)
	f.board.hear(Update{Reset: true})
	l.want(t, "a reset", "behind")
	f.listen(StreamWant{Eyes: ada, Since: l.cursor}).want(t, "again", "snapshot ada=offline")
}

// More changes than one call of Take returns arrive in several.
func TestStreamTakesInParts(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ada := f.person("ada")
	l := f.listen(StreamWant{Eyes: ada})
	l.hears(t)
	f.crowd(2*maxEvents+5, "p")
	f.step()
	if events, then := l.s.Take(); len(events) != maxEvents || then != TookSome {
		t.Errorf("Take = %d events, %d, want %d and more", len(events), then, maxEvents)
	}
	if got := l.hears(t); len(got) != maxEvents+5 {
		t.Errorf("then %d events, want %d", len(got), maxEvents+5)
	}
}

// The streams of two people with the same filter and audience share a selection.
func TestStreamsShareSelections(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ada, bob := f.person("ada"), f.person("bob")
	a, b := f.listen(StreamWant{Eyes: ada}), f.listen(StreamWant{Eyes: bob})
	first, _ := a.s.Take()
	second, _ := b.s.Take()
	if a.s.at != b.s.at || &first[0].Rows[0] != &second[0].Rows[0] {
		t.Error("two streams that show the same don't share it")
	}
}
