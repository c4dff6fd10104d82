package live

import (
	"sync"

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
