package live

import (
	"sync"
	"time"

	"rollcall/accounts"
	"rollcall/presence"
)

// Observer collects what may have changed, for subscribers that watch no list, such as webhooks. It coalesces, so it
// never holds more IDs than there are people. Its reader asks for rows afterwards, and so always sees the newest.
type Observer struct {
	feed *presence.Feed

	mu   sync.Mutex
	news News // guarded by mu; without People
}

// News says what may have changed since the last Take.
type News struct {
	People   []string        // IDs of people whose row may have changed
	Accounts map[string]bool // IDs of those whose account may have changed
	Everyone bool            // any row may have changed, or who may see it
	Hooks    bool            // webhooks may have changed
}

// Observe returns an Observer of what changes from now on. Call it before Run.
func (b *Board) Observe() *Observer {
	o := &Observer{feed: b.presence.Subscribe(), news: News{Accounts: map[string]bool{}}}
	b.Subscribe(o.hear)
	return o
}

func (o *Observer) hear(u Update) {
	o.mu.Lock()
	for _, p := range u.People {
		o.news.Accounts[p.ID] = true
	}
	for _, id := range u.Unlisted {
		o.news.Accounts[id] = true
	}
	o.news.Everyone = o.news.Everyone || u.Reset || u.Settings != nil || u.TeamPairs != nil
	o.news.Hooks = o.news.Hooks || u.Hooks
	marked := make([]string, 0, len(o.news.Accounts)+1)
	for id := range o.news.Accounts {
		marked = append(marked, id)
	}
	o.mu.Unlock()
	for _, id := range append(marked, "") { // "" is nobody, and wakes the reader in any case
		o.feed.Mark(id)
	}
}

// Ready is readable after something has changed since the last Take.
func (o *Observer) Ready() <-chan struct{} { return o.feed.Ready() }

// Take returns what may have changed since the last call.
func (o *Observer) Take() News {
	people := o.feed.Take()
	o.mu.Lock()
	defer o.mu.Unlock()
	news := o.news
	o.news = News{Accounts: map[string]bool{}}
	for _, id := range people {
		if id != "" {
			news.People = append(news.People, id)
		}
	}
	return news
}

// RowFor returns what eyes may know about p now. ok is false if that's nothing: eyes may not see p, or p is disabled.
func (b *Board) RowFor(eyes, p accounts.Person) (row Row, ok bool) {
	view := b.presence.View(p.ID)
	if !view.Listed || !b.Sees(eyes, p) {
		return Row{}, false
	}
	return NewRow(p, view, AudienceOf(eyes), time.Now()), true
}

// Sure reports whether the board knows who is offline: people have had the time to come back after a start, and other
// replicas can be reached.
func (b *Board) Sure() bool {
	b.mu.Lock()
	warming := b.roster.warming || b.roster.unsure()
	b.mu.Unlock()
	peers := b.presence.Peers()
	return !warming && peers.Lost.IsZero() && peers.Conflict == nil
}

// SeesTeam reports whether eyes may know that somebody is in the team with this key. It's as current as the last
// CatchUp.
func (b *Board) SeesTeam(eyes accounts.Person, key string) bool { return b.teamsOf(eyes).has(key) }
