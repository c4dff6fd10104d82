package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"time"

	"golang.org/x/sync/errgroup"
)

// lookups are the ways in which people look for each other on a large board. Their URLs are random, so that requests
// don't hit a page that was just cached.
var lookups = []struct {
	name  string
	query func(b *bench) url.Values
}{
	{"first page", func(*bench) url.Values { return nil }},
	{"later page", nil}, // uses an address from links
	{"search, one word", func(b *bench) url.Values {
		return url.Values{"q": {[]string{"bench", "x", "b", "u", number(b, 1), number(b, 2), number(b, 4)}[rand.IntN(7)]}}
	}},
	{"search, two words", func(b *bench) url.Values {
		return url.Values{"q": {[]string{"bench ", "x "}[rand.IntN(2)] + number(b, 1+rand.IntN(5))}}
	}},
	{"team", func(b *bench) url.Values {
		return url.Values{"team": {fmt.Sprintf("Team %04d", rand.IntN(max(1, b.accounts/teamSize)))}}
	}},
	{"by state", func(*bench) url.Values {
		return url.Values{"show": {[]string{"online", "away", "dnd", "offline"}[rand.IntN(4)]}}
	}},
	{"by state and search", func(b *bench) url.Values {
		return url.Values{"show": {[]string{"online", "offline"}[rand.IntN(2)]}, "q": {number(b, 1+rand.IntN(5))}}
	}},
}

// number returns the first digits of a random account's number.
func number(b *bench, digits int) string {
	return fmt.Sprintf("%05d", rand.IntN(max(1, b.accounts)))[:digits]
}

// browse measures lookups on a large board that many people have open.
func browse(ctx context.Context, b *bench) error {
	if err := fill(ctx, b, b.accounts); err != nil {
		return err
	}
	cl, c := newClient(b.bases[0], false), newCrowd(b.bases[0])
	defer cl.close()
	defer c.close()
	links, err := cl.links(ctx, b.people[0], 100)
	if err != nil {
		return err
	}
	b.tell("connecting %d people", b.users)
	if _, err := c.dialAll(ctx, b.people[:b.users], b.dialers, "", "bench", nil); err != nil {
		return errors.Join(err, c.check())
	}
	b.report.add("browse", "accounts", float64(b.accounts), "", "")
	b.report.add("browse", "people connected", float64(b.users), "", "")
	for _, l := range lookups {
		address := func() string {
			if l.query == nil {
				return links[rand.IntN(len(links))]
			}
			return cl.base.String() + "/?" + l.query(b).Encode()
		}
		took, err := timeEach(ctx, b, func(ctx context.Context, client int) error {
			_, err := cl.page(ctx, b.people[client], address())
			return err
		})
		if err != nil {
			return fmt.Errorf("%s: %w", l.name, err)
		}
		s := spreadOf(took)
		b.report.add("browse", l.name+", p50", s.p50, "ms", "")
		b.report.add("browse", l.name+", p95", s.p95, "ms", "≤ 100 at 100,000")
	}
	rss, err := b.procs.rss()
	if err != nil {
		return err
	}
	b.report.add("browse", "RSS of the server", float64(rss)/1e6, "MB", "≤ 200 at 100,000 and 1,000")
	return c.check()
}

// timeEach has all clients call load over and over for a quarter of -page, and returns how long each call took.
func timeEach(
	ctx context.Context, b *bench, load func(ctx context.Context, client int) error,
) (took []time.Duration, err error) {
	g, ctx := errgroup.WithContext(ctx)
	times := make([][]time.Duration, b.clients)
	end := time.Now().Add(b.page / 4)
	for i := range b.clients {
		g.Go(func() error {
			for time.Now().Before(end) {
				began := time.Now()
				if err := load(ctx, i); err != nil {
					return err
				}
				times[i] = append(times[i], time.Since(began))
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	for _, t := range times {
		took = append(took, t...)
	}
	return took, nil
}

// links returns the addresses of up to n pages after the first.
func (cl *client) links(ctx context.Context, p *person, n int) (links []string, err error) {
	first := true
	err = cl.allPages(ctx, p, func(at string, _ []byte) bool {
		if !first {
			links = append(links, at)
		}
		first = false
		return len(links) < n
	})
	if err == nil && len(links) == 0 {
		err = errors.New("the board has one page: browse needs more than 200 accounts")
	}
	return links, err
}
