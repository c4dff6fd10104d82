package handlers

import (
	"context"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"rollcall/accounts"
	"rollcall/ui"
)

const (
	pageRows   = 200 // people on a page
	sparePages = 64  // pages that nobody watches and that are kept all the same: somebody just loaded them
)

// page is one stretch of the board under one filter, shared by all sockets that show it: what changes on it is
// rendered and put into a frame once, however many watch. Guarded by board.mu.
type page struct {
	query      boardQuery
	key        string
	from       accounts.Person // the place of query.after or query.before
	search     accounts.Search // of query.search
	cards      []*card
	prev, next string // cursors of the pages before and behind; "" for none
	version    uint64
	used       time.Time // last loaded or left

	watchers map[*socket]struct{} // tabs that can be seen
	hidden   map[*socket]struct{} // tabs that cannot: no rows for them

	readAt     uint64        // board.generation when the list was read
	staleAt    uint64        // the generation of the last change that may bear on the list
	staleSince time.Time     // since when the list waits to be read again
	reread     time.Time     // when its list was last read because it may have changed
	cost       time.Duration // how long that took, or an earlier reading

	dirty     map[*card]bool         // rows that changed since the last flush; true: in nothing but last seen
	relist    bool                   // the list itself did
	repage    bool                   // what leads to other pages did
	one       bool                   // onePage, as last sent
	counts    ui.Counts              // as last sent
	teams     map[string]teamNumbers // of each team on the page, as last sent
	allCounts bool                   // somebody was shown other counts than those
	arrived   int                    // people who came, and stand on other pages before or behind this one
	announced int                    // arrived, as last sent

	snapshot [sights][]byte // the frame that brings any tab to this version; nil: to be made
}

func newPage(q boardQuery) (*page, error) {
	p := &page{
		query: q, key: q.encode(),
		watchers: map[*socket]struct{}{}, hidden: map[*socket]struct{}{},
		dirty: map[*card]bool{}, teams: map[string]teamNumbers{},
	}
	if q.search != "" {
		p.search = accounts.NewSearch(q.search)
	}
	start := q.after + q.before
	if start == "" {
		return p, nil
	}
	from, err := accounts.ParseCursor(start)
	p.from = from
	return p, err
}

// renew gives p a version that no page of this process ever had. It stands in pages, so it must not count what happens:
// that is also done by people who cannot be seen.
func (p *page) renew() {
	p.version, p.snapshot = rand.Uint64()|1, [sights][]byte{} // 0: none yet
}

func (p *page) stale() bool { return p.staleAt > p.readAt }

// staleLocked notes that the list of p may have changed, also for a reading of it that is under way.
func (b *board) staleLocked(p *page) {
	if !p.stale() {
		p.staleSince = time.Now()
	}
	b.generation++
	p.staleAt = b.generation
	b.wantReadLocked(p)
}

// wantReadLocked wakes the loop that reads p again, if somebody can see p.
func (b *board) wantReadLocked(p *page) {
	switch {
	case len(p.watchers) == 0:
	case p.costly():
		signal(b.costlyWanted)
	default:
		signal(b.readWanted)
	}
}

// load returns the page of q with its list as new as the accounts are now. The caller locks b.mu to look inside.
func (b *board) load(ctx context.Context, q boardQuery) (*page, error) {
	if err := b.catchUp(ctx); err != nil {
		return nil, err
	}
	if err := b.refreshTally(ctx); err != nil {
		return nil, err
	}
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

// rereads is how often a reading that was overtaken by a change of the accounts is repeated at once. Then it is taken
// as it is, and stays marked as stale.
const rereads = 3

// reload reads who is on the page of q.
func (b *board) reload(ctx context.Context, q boardQuery) (*page, error) {
	for try := 1; ; try++ {
		b.mu.Lock()
		generation, applied := b.generation, b.applied
		b.mu.Unlock()
		start := time.Now()
		list, err := b.read(ctx, q)
		if err != nil {
			return nil, err
		}
		took := time.Since(start)
		b.mu.Lock()
		if b.applied != applied && try < rereads {
			b.mu.Unlock()
			continue
		}
		p, err := b.takeInLocked(q, list, generation)
		if err == nil {
			p.cost = took
			if b.applied != applied {
				b.staleLocked(p)
			}
		}
		b.mu.Unlock()
		return p, err
	}
}

// takeInLocked makes list, read at generation, the list of the page of q.
func (b *board) takeInLocked(q boardQuery, list stretch, generation uint64) (*page, error) {
	p := b.pages[q.encode()]
	if p == nil {
		var err error
		if p, err = newPage(q); err != nil {
			return nil, err
		}
		p.staleAt = b.generation // what changed while we read may bear on it
		p.used = time.Now()
		b.pages[p.key] = p
		b.trimLocked(p)
	}
	p.used = time.Now()
	if p.readAt > generation {
		return p, nil // somebody read later than we did, and was quicker
	}
	p.readAt = generation
	b.installLocked(p, list)
	return p, nil
}

// installLocked lists the people of list on p. Cards that were on it and are not any more are let go.
func (b *board) installLocked(p *page, list stretch) {
	cards := make([]*card, len(list.people))
	for i, person := range list.people {
		cards[i] = b.cardLocked(person)
	}
	if p.version > 0 && (p.prev != list.prev || p.next != list.next) {
		p.repage = true
		b.wantFlush()
	}
	p.prev, p.next = list.prev, list.next
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
	was := p.cards
	p.cards = cards
	for _, c := range was {
		if !on[c] {
			b.offLocked(c, p)
		}
	}
	if p.version == 0 {
		p.renew()
		b.sentLocked(p, b.countsLocked(p))
		return
	}
	p.relist = true
	b.wantFlush()
}

// offLocked ends that c is on p.
func (b *board) offLocked(c *card, p *page) {
	c.pages = slices.DeleteFunc(c.pages, func(o *page) bool { return o == p })
	delete(p.dirty, c)
	b.forgetLocked(c)
}

// trimLocked drops pages that nobody watches, those used longest ago first, until no more are kept than may be. keep
// was just made and stays.
func (b *board) trimLocked(keep *page) {
	var spare []*page
	for _, p := range b.pages {
		if p != keep && len(p.watchers)+len(p.hidden) == 0 {
			spare = append(spare, p)
		}
	}
	if len(spare) <= sparePages {
		return
	}
	slices.SortFunc(spare, func(a, b *page) int { return a.used.Compare(b.used) })
	for _, p := range spare[:len(spare)-sparePages] {
		delete(b.pages, p.key)
		for _, c := range p.cards {
			b.offLocked(c, p)
		}
	}
}

// onePage reports whether p holds everybody there is under its search, so that browsers can filter it by state.
func (p *page) onePage() bool { return p.query.state == "" && p.prev == "" && p.next == "" }

// sectionsLocked groups the cards of p by team. While people come back, only those who are here are listed.
func (b *board) sectionsLocked(p *page, to sight) []ui.Section {
	teams := b.teamsLocked(p)
	var sections []ui.Section
	for _, c := range p.cards {
		if b.warming && !c.present {
			continue
		}
		key := c.person.TeamKey()
		if n := len(sections); n == 0 || sections[n-1].Key != key {
			n := teams[key]
			sections = append(sections, ui.Section{Key: key, Name: c.person.Team, Here: n.here, People: n.people})
		}
		s := &sections[len(sections)-1]
		s.Rows = append(s.Rows, b.renderLocked(c, to))
	}
	return sections
}

// snapshotLocked is the frame that makes any tab of a sight that shows p current, made once a version.
func (b *board) snapshotLocked(p *page, to sight) []byte {
	if p.snapshot[to] == nil {
		f := b.ui.NewFrame()
		f.List(b.listLocked(p, to))
		f.Counts(ui.Counts{}, b.countsLocked(p), true)
		b.pagerLocked(f, p)
		f.Arrived(b.arrivals(p))
		f.Warming(b.warming)
		f.Lost(b.lost)
		p.snapshot[to] = f.Bytes()
	}
	b.shownLocked(p)
	return p.snapshot[to]
}

func (b *board) listLocked(p *page, to sight) []byte {
	list, err := b.ui.List(b.sectionsLocked(p, to), p.query.view(), b.warming)
	if err != nil {
		b.log.Error("render list", "err", err)
	}
	return list
}

// pagerLocked puts the links to other pages into f.
func (b *board) pagerLocked(f *ui.Frame, p *page) {
	if err := f.Pager(b.viewLocked(p)); err != nil {
		b.log.Error("render links to pages", "err", err)
	}
}

// repagedLocked puts what leads to other pages into f, and the filter where it works in another way from now on.
func (b *board) repagedLocked(f *ui.Frame, p *page) {
	b.pagerLocked(f, p)
	if p.one == p.onePage() {
		return
	}
	if err := f.Filter(b.viewLocked(p)); err != nil {
		b.log.Error("render the filter", "err", err)
	}
}

// versionLocked names what a freshly loaded page shows to a sight. It holds for this process alone, and says whether
// only the people who are here were on it.
func (b *board) versionLocked(p *page, to sight) string {
	v := b.boot + "-" + strconv.FormatUint(p.version, 36) + to.mark()
	if b.warming {
		v += partialMark
	}
	return v
}

// partialMark ends the version of a page that was loaded while warming.
const partialMark = "-w"
