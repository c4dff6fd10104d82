package handlers

import (
	"context"
	"slices"
	"strconv"
	"time"

	"rollcall/accounts"
	"rollcall/ui"
)

const (
	pageRows   = 200 // people on a page
	maxWalk    = 10  // stretches of the board that a filter by state reads at most to fill a page
	sparePages = 64  // pages that nobody watches and that are kept all the same: somebody just loaded them
)

// page is one stretch of the board under one filter, shared by all sockets that show it: what changes on it is
// rendered and put into a frame once, however many watch. Guarded by board.mu.
type page struct {
	query   boardQuery
	key     string
	from    accounts.Person // the place of query.after
	cards   []*card
	more    bool // people follow; behind query.before: people precede
	version uint64
	used    time.Time // last loaded or left

	watchers map[*socket]struct{} // tabs that can be seen
	hidden   map[*socket]struct{} // tabs that cannot: no rows for them

	readAt  uint64 // board.generation when the list was read
	staleAt uint64 // the generation of the last change that may bear on the list

	dirty     map[*card]struct{} // rows that changed since the last flush
	relist    bool               // the list itself did
	counts    ui.Counts          // as last sent
	teams     map[string][2]int  // here and people of each team on the page, as last sent
	allCounts bool               // somebody was shown other counts than those

	snapshot   []byte // the frame that brings any tab to version snapshotOf
	snapshotOf uint64
}

func newPage(q boardQuery) (*page, error) {
	p := &page{
		query: q, key: q.encode(),
		watchers: map[*socket]struct{}{}, hidden: map[*socket]struct{}{},
		dirty: map[*card]struct{}{}, teams: map[string][2]int{},
	}
	if q.after == "" {
		return p, nil
	}
	from, err := accounts.ParseCursor(q.after)
	p.from = from
	return p, err
}

// renewLocked gives p a version that no page of this process ever had.
func (b *board) renewLocked(p *page) {
	b.version++
	p.version = b.version
}

func (p *page) stale() bool { return p.staleAt > p.readAt }

// staleLocked notes that the list of p may have changed, also for a reading of it that is under way.
func (b *board) staleLocked(p *page) {
	b.generation++
	p.staleAt = b.generation
	b.wantFlush()
}

// load returns the page of q with its list as new as the accounts are now. The caller locks b.mu to look inside.
func (b *board) load(ctx context.Context, q boardQuery) (*page, error) {
	if err := b.catchUp(ctx); err != nil {
		return nil, err
	}
	b.refreshTally(ctx)
	b.mu.Lock()
	p := b.pages[q.encode()]
	fresh := p != nil && !p.stale()
	if fresh {
		p.used = time.Now()
	}
	b.mu.Unlock()
	if fresh {
		return p, nil
	}
	return b.reload(ctx, q)
}

// reload reads who is on the page of q.
func (b *board) reload(ctx context.Context, q boardQuery) (*page, error) {
	b.mu.Lock()
	generation := b.generation
	b.mu.Unlock()
	people, more, err := b.read(ctx, q)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.pages[q.encode()]
	if p == nil {
		if p, err = newPage(q); err != nil {
			return nil, err
		}
		p.staleAt = b.generation // what changed while we read may bear on it
		b.trimLocked()
		b.pages[p.key] = p
	}
	p.used = time.Now()
	if p.readAt > generation {
		return p, nil // somebody read later than we did, and was quicker
	}
	p.readAt = generation
	b.installLocked(p, people, more)
	return p, nil
}

// installLocked makes people the list of p. Cards that were on it and are not any more are let go.
func (b *board) installLocked(p *page, people []accounts.Person, more bool) {
	cards := make([]*card, len(people))
	for i, person := range people {
		cards[i] = b.cardLocked(person)
	}
	p.more = more
	if slices.Equal(cards, p.cards) && p.version > 0 {
		return
	}
	on := make(map[*card]bool, len(cards))
	for _, c := range cards {
		on[c] = true
		if !slices.Contains(c.pages, p) {
			c.pages = append(c.pages, p)
		}
	}
	for _, c := range p.cards {
		if !on[c] {
			c.pages = slices.DeleteFunc(c.pages, func(o *page) bool { return o == p })
			delete(p.dirty, c)
			b.forgetLocked(c)
		}
	}
	p.cards = cards
	if p.version > 0 {
		p.relist = true
		b.wantFlush()
		return
	}
	b.renewLocked(p)
	p.counts = b.countsLocked()
	b.teamsLocked(p, func(string, int, int) {})
}

// trimLocked makes room for a page by dropping the one that nobody watches and that was used longest ago.
func (b *board) trimLocked() {
	var oldest *page
	spare := 0
	for _, p := range b.pages {
		if len(p.watchers)+len(p.hidden) > 0 {
			continue
		}
		spare++
		if oldest == nil || p.used.Before(oldest.used) {
			oldest = p
		}
	}
	if spare >= sparePages {
		b.dropLocked(oldest)
	}
}

func (b *board) dropLocked(p *page) {
	delete(b.pages, p.key)
	for _, c := range p.cards {
		c.pages = slices.DeleteFunc(c.pages, func(o *page) bool { return o == p })
		b.forgetLocked(c)
	}
}

// read asks for the people of q in board order. Pages without a filter by state are one stretch of the accounts; those
// of present people come from memory; the rest is a bounded walk.
func (b *board) read(ctx context.Context, q boardQuery) ([]accounts.Person, bool, error) {
	switch {
	case q.state == "":
		return b.accounts.People(ctx, q.people(pageRows))
	case q.state != "offline" && q.search == "":
		return b.readPresent(q)
	default:
		return b.walk(ctx, q)
	}
}

// readPresent takes a page out of the sorted people who are here.
func (b *board) readPresent(q boardQuery) ([]accounts.Person, bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var found []accounts.Person
	match := func(c *card) bool {
		return string(c.view.State) == q.state && (q.team == "" || accounts.TeamKey(q.team) == c.person.TeamKey())
	}
	at := func(cursor string) (int, error) {
		key, err := accounts.ParseCursor(cursor)
		i, _ := slices.BinarySearchFunc(b.present, key, func(c *card, k accounts.Person) int {
			return accounts.ComparePeople(c.person, k)
		})
		return i, err
	}
	if q.before != "" {
		end, err := at(q.before)
		if err != nil {
			return nil, false, err
		}
		for i := end - 1; i >= 0 && len(found) < pageRows; i-- {
			if match(b.present[i]) {
				found = append(found, b.present[i].person)
			}
		}
		slices.Reverse(found)
		return found, true, nil
	}
	start := 0
	if q.after != "" {
		i, err := at(q.after)
		if err != nil {
			return nil, false, err
		}
		start = i
	}
	for _, c := range b.present[start:] {
		if !match(c) || c.person.Cursor() == q.after {
			continue
		}
		if len(found) == pageRows {
			return found, true, nil
		}
		found = append(found, c.person)
	}
	return found, false, nil
}

// walk reads the accounts stretch by stretch and keeps those whose state is wanted, until the page is full.
func (b *board) walk(ctx context.Context, q boardQuery) ([]accounts.Person, bool, error) {
	var found []accounts.Person
	stretch := q.people(pageRows)
	for range maxWalk {
		people, more, err := b.accounts.People(ctx, stretch)
		if err != nil {
			return nil, false, err
		}
		if stretch.Before != "" {
			slices.Reverse(people)
		}
		for _, p := range people {
			if v := b.presence.View(p.ID); !v.Listed || string(v.State) != q.state {
				continue
			}
			if len(found) == pageRows {
				return ordered(found, q), true, nil
			}
			found = append(found, p)
		}
		if len(people) == 0 || !more {
			return ordered(found, q), false, nil
		}
		if last := people[len(people)-1].Cursor(); stretch.Before != "" {
			stretch.Before = last
		} else {
			stretch.After = last
		}
	}
	return ordered(found, q), true, nil
}

// ordered turns what was found while walking backwards into board order.
func ordered(found []accounts.Person, q boardQuery) []accounts.Person {
	if q.before != "" {
		slices.Reverse(found)
	}
	return found
}

// affects reports whether a person at this place of the board may be on p, or may have just come to be.
func (p *page) affects(person accounts.Person) bool {
	q := &p.query
	switch {
	case q.search != "" || q.state != "" || q.before != "":
		return true
	case q.team != "" && accounts.TeamKey(q.team) != person.TeamKey():
		return false
	case q.after != "" && accounts.ComparePeople(person, p.from) <= 0:
		return false
	default:
		return !p.more || len(p.cards) == 0 || accounts.ComparePeople(person, p.cards[len(p.cards)-1].person) <= 0
	}
}

// sectionsLocked groups the cards of p by team. While warming, only the people who are here are told.
func (b *board) sectionsLocked(p *page, onlyHere bool) []ui.Section {
	var sections []ui.Section
	for _, c := range p.cards {
		if onlyHere && !c.present {
			continue
		}
		key := c.person.TeamKey()
		if n := len(sections); n == 0 || sections[n-1].Key != key {
			sections = append(sections, ui.Section{
				Key: key, Name: c.person.Team, Here: b.here[key], People: b.tally.people[key],
			})
		}
		s := &sections[len(sections)-1]
		s.Rows = append(s.Rows, b.renderLocked(c))
	}
	return sections
}

// teamsLocked calls tell for every team on p whose numbers are not what was sent last, and notes them as sent.
func (b *board) teamsLocked(p *page, tell func(key string, here, people int)) {
	now := map[string][2]int{}
	for _, c := range p.cards {
		key := c.person.TeamKey()
		if _, done := now[key]; done {
			continue
		}
		n := [2]int{b.here[key], b.tally.people[key]}
		if now[key] = n; p.allCounts || p.teams[key] != n {
			tell(key, n[0], n[1])
		}
	}
	p.teams = now
}

func (b *board) countsLocked() ui.Counts {
	c := b.presence.Counts()
	return ui.Counts{People: b.tally.total, Online: c.Online, Away: c.Away, DND: c.DND, Unsure: b.warming}
}

// snapshotLocked is the frame that makes any tab that shows p current, rendered once a version.
func (b *board) snapshotLocked(p *page) []byte {
	if p.snapshot == nil || p.snapshotOf != p.version {
		f := b.ui.NewFrame()
		f.List(b.listLocked(p, false))
		f.Counts(ui.Counts{}, b.countsLocked(), true)
		f.Warming(false)
		f.Lost(b.lost)
		p.snapshot, p.snapshotOf = f.Bytes(), p.version
	}
	b.shownLocked(p)
	return p.snapshot
}

// shownLocked notes that somebody is shown p as it is now, which may be newer than what was sent last. The numbers
// that were shown early are sent to all with the next flush, or one that went back meanwhile would stay wrong.
func (b *board) shownLocked(p *page) {
	if b.unsent.Load() {
		p.allCounts = true
	}
}

func (b *board) listLocked(p *page, onlyHere bool) []byte {
	list, err := b.ui.List(b.sectionsLocked(p, onlyHere), p.query.view(), b.warming)
	if err != nil {
		b.log.Error("render list", "error", err)
	}
	return list
}

// versionLocked names what a freshly loaded page shows. It holds for this process alone, and says whether only the
// people who are here were on it.
func (b *board) versionLocked(p *page) string {
	v := b.boot + "-" + strconv.FormatUint(p.version, 36)
	if b.warming {
		v += partialMark
	}
	return v
}

// partialMark ends the version of a page that was loaded while warming.
const partialMark = "w"
