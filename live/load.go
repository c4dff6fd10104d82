package live

import (
	"context"
	"time"

	"rollcall/accounts"
)

// Page is a list as it is now, for loading a page.
type Page struct {
	Listing
	Links   Links
	Counts  Counts
	Arrived Arrivals
	Lost    time.Time // since when other replicas can't be reached; zero if they can
	Version string    // for Want.Shown
	Empty   bool      // nobody is on the list, including people who may still come back while warming
	Own     Own
}

// Load returns the list of q for p. q must be a result of Clean.
func (b *Board) Load(ctx context.Context, q Query, p accounts.Person) (Page, error) {
	for {
		q.teams = b.teamsOf(p)
		if err := b.reader.load(ctx, q); err != nil {
			return Page{}, err
		}
		if page, ok := b.page(q, p); ok {
			return page, nil
		}
	}
}

func (b *Board) page(q Query, p accounts.Person) (page Page, ok bool) {
	b.update(func() {
		l := b.lists.all[q]
		if ok = l != nil && q.teams == b.visible.of(p); !ok {
			return // the list was dropped because too many others were loaded, or p may see other teams by now
		}
		b.flushMoves(l)
		to := AudienceOf(p)
		b.roster.locate(l)
		b.roster.shown(l)
		page = Page{
			Listing: *b.roster.listing(l, to), Links: *l.links(), Counts: b.roster.counts(l), Arrived: *b.roster.arrivals(l),
			Lost: b.roster.lost, Version: b.roster.version(l, to), Empty: len(l.members) == 0, Own: b.ownOf(p),
		}
	})
	return page, ok
}

// flushMoves sends the watchers of l who came onto it and who left it. A page that is shown l now already has these
// moves, so they must not be sent to it later.
func (b *Board) flushMoves(l *list) {
	if l.moved() {
		b.roster.flush(l)
	}
}

// Resolve returns the query of the list that answers a request for q. asked says that the request named Show. If
// everyone fits on one page, the answer is the list of everyone, and the page itself filters by state. Otherwise, it's
// the list that the request named, or by default the people who are here or, for a search, everyone it finds. Everyone
// means everyone whom p may see.
func (b *Board) Resolve(ctx context.Context, q Query, asked bool, p accounts.Person) (Query, error) {
	q.teams = b.teamsOf(p)
	everyone := q
	everyone.Show = Everyone
	switch {
	case q.After+q.Before != "" || asked && q.Show == Everyone:
		return q, nil
	case q.Search != "" && !asked:
		return everyone, nil
	}
	whole, err := b.fitsOnPage(ctx, everyone)
	switch {
	case err != nil:
		return q, err
	case whole:
		return everyone, nil
	case !asked:
		q.Show = Here
	}
	return q, nil
}

// fitsOnPage reports whether all people of the list of q, which is of everyone, are on its first page. Without a
// search, totals tell that; they may be older than a commit of just now.
func (b *Board) fitsOnPage(ctx context.Context, q Query) (bool, error) {
	if q.Search == "" {
		if err := b.reader.refreshTotals(ctx); err != nil {
			return false, err
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		switch key := accounts.TeamKey(q.Team); {
		case q.Team != "" && !q.teams.has(key):
			return true, nil // as if nobody were in it
		case q.Team != "":
			return b.roster.tally.people[key] <= PageRows, nil
		case q.teams != nil:
			_, people, _ := b.roster.countIn(q.teams)
			return people <= PageRows, nil
		}
		return b.roster.tally.total <= PageRows, nil
	}
	if err := b.reader.load(ctx, q); err != nil {
		return false, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.lists.all[q]
	return l != nil && l.whole(), nil
}

// PageStart returns the cursor after which page n of the list of q begins, or "" for the first page and for pages that
// don't exist. Only lists whose Links have page numbers have numbered pages. The people are those whom p may see.
func (b *Board) PageStart(ctx context.Context, q Query, n int, p accounts.Person) (string, error) {
	q.teams = b.teamsOf(p)
	f, err := newFilter(q)
	switch {
	case err != nil || n <= 1 || q.Search != "" || q.Show == Offline:
		return "", err
	case q.Show == Everyone:
		return b.everyoneBehind(ctx, &f, (n-1)*PageRows)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.roster.presentBehind(&f, (n-1)*PageRows), nil
}

// everyoneBehind returns the cursor after the first n people of f, or "" if there are fewer.
func (b *Board) everyoneBehind(ctx context.Context, f *filter, n int) (string, error) {
	if err := b.reader.refreshTotals(ctx); err != nil {
		return "", err
	}
	b.mu.Lock()
	key, rest, ok := b.roster.tally.teamAt(f, n)
	b.mu.Unlock()
	if !ok {
		return "", nil
	}
	return b.accounts.CursorBehind(ctx, key, rest)
}

// OpenStream returns a Stream that is ready to start. Call Stop even if it doesn't start. It returns an error if the
// accounts can't be read.
func (b *Board) OpenStream(ctx context.Context, want StreamWant) (*Stream, error) {
	return openStream(ctx, b, want)
}

// Few is what an audience may know of some people now.
type Few struct {
	Rows    []*Entry
	Warming bool      // people are still coming back, so those who are offline may be among them
	Lost    time.Time // since when other replicas can't be reached; zero if they can
}

// Few returns the rows of those of people whom eyes may see. They were read a moment ago.
func (b *Board) Few(ctx context.Context, people []accounts.Person, eyes accounts.Person, to Audience) (Few, error) {
	if err := b.CatchUp(ctx); err != nil {
		return Few{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	few, teams := Few{Warming: b.roster.warming, Lost: b.roster.lost}, b.visible.of(eyes)
	for _, p := range people {
		if b.presence.View(p.ID).Listed && teams.shows(p) {
			few.Rows = append(few.Rows, b.entryOf(p, to))
		}
	}
	return few, nil
}
