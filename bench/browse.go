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

// lookups are the ways in which people look for each other on a large board, each with an address that changes from
// one to the next, so that no page is ready because somebody has just loaded it.
var lookups = []struct {
	name  string
	query func(b *bench) url.Values
}{
	{"first page", func(*bench) url.Values { return nil }},
	{"page further on", nil}, // one of those that links lead to
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
		return url.Values{"state": {[]string{"online", "away", "dnd", "offline"}[rand.IntN(4)]}}
	}},
	{"by state, searched", func(b *bench) url.Values {
		return url.Values{"state": {[]string{"online", "offline"}[rand.IntN(2)]}, "q": {number(b, 1+rand.IntN(5))}}
	}},
}

// number is the beginning of one of the numbers in the names of accounts.
func number(b *bench, digits int) string {
	return fmt.Sprintf("%05d", rand.IntN(max(1, b.accounts)))[:digits]
}

// browse measures a large board that many people have open while some look for others on it.
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
		took, err := timePages(ctx, b, cl, address)
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

// timePages loads addresses for a while, with as many people as browse at once.
func timePages(ctx context.Context, b *bench, cl *client, address func() string) (took []time.Duration, err error) {
	g, ctx := errgroup.WithContext(ctx)
	times := make([][]time.Duration, b.clients)
	end := time.Now().Add(b.page / 4)
	for i := range b.clients {
		g.Go(func() error {
			for time.Now().Before(end) {
				began := time.Now()
				if _, err := cl.page(ctx, b.people[i], address()); err != nil {
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

// links are the addresses of up to n pages behind the first.
func (cl *client) links(ctx context.Context, p *person, n int) (links []string, err error) {
	at := cl.base.JoinPath("/")
	for len(links) < n {
		html, err := cl.page(ctx, p, at.String())
		if err != nil {
			return nil, err
		}
		next, found := scanNext(html)
		if !found {
			break
		}
		if at, err = cl.base.Parse(next); err != nil {
			return nil, err
		}
		links = append(links, at.String())
	}
	if len(links) == 0 {
		return nil, errors.New("the board has one page: browse wants more than 200 accounts")
	}
	return links, nil
}
