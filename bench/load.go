package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
)

// loadPages measures page: several people repeatedly load the first page of everyone on a full board, each over one
// connection.
func loadPages(ctx context.Context, b *bench) error {
	if err := fill(ctx, b, b.accounts); err != nil {
		return err
	}
	cl := newClient(b.bases[0], false)
	defer cl.close()
	html, err := cl.board(ctx, b.people[0]) // warms up the server
	if err != nil {
		return err
	}
	all, ok := scanCount(html, "n-all")
	if !ok {
		return fmt.Errorf("the board doesn't show how many people there are")
	}
	rows := 0
	scanRows(html, func(_, _, _ []byte) { rows++ })
	b.tell("loading the board of %d accounts for %v", all, b.page)
	cpu, _ := b.procs.cpu()
	began := time.Now()
	took, size, err := reloadPages(ctx, b, cl)
	if err != nil {
		return err
	}
	spent, elapsed := b.procs.spent(cpu), time.Since(began)
	s, n := spreadOf(took), float64(len(took))
	b.report.add("page", "accounts", float64(all), "", "")
	b.report.add("page", "rows on it", float64(rows), "", "")
	b.report.add("page", "compressed size", float64(size)/n/1024, "KiB", "")
	b.report.add("page", "pages", n/elapsed.Seconds(), "/s", "")
	b.report.add("page", "time, p50", s.p50, "ms", "")
	b.report.add("page", "time, p95", s.p95, "ms", "≤ 50 at 5,000")
	b.report.add("page", "time, p99", s.p99, "ms", "")
	b.report.add("page", "server CPU per page", per(spent, n, time.Microsecond), "µs", "")
	return nil
}

// fill adds accounts until the board of our own server has the given number.
func fill(ctx context.Context, b *bench, accounts int) error {
	there := 1 + len(b.changers) + len(b.people)
	if b.own == nil || accounts <= max(there, b.filled) {
		return nil
	}
	extra := people("x", accounts-there, there)
	for i, p := range extra { // makes the order of names differ from the order of teams
		p.display = fmt.Sprintf("Bench X %05d", i*7919%maxAccounts)
	}
	extra = extra[max(0, b.filled-there):]
	b.filled = accounts
	b.tell("adding %d accounts", len(extra))
	if err := b.own[0].add(ctx, extra, sharedHash(passwordOf("all"))); err != nil {
		return err
	}
	return b.restart(ctx)
}

// reloadPages loads pages for the duration of -page. size is the total size of the responses as sent.
func reloadPages(ctx context.Context, b *bench, cl *client) (took []time.Duration, size int64, err error) {
	g, ctx := errgroup.WithContext(ctx)
	times, sizes := make([][]time.Duration, b.clients), make([]int64, b.clients)
	end := time.Now().Add(b.page)
	for i := range b.clients {
		g.Go(func() error {
			for time.Now().Before(end) {
				began := time.Now()
				n, err := loadPage(ctx, b, cl, b.people[i])
				if err != nil {
					return err
				}
				times[i], sizes[i] = append(times[i], time.Since(began)), sizes[i]+n
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, 0, err
	}
	for i := range times {
		took, size = append(took, times[i]...), size+sizes[i]
	}
	return took, size, nil
}

// loadPage loads the page as a browser would, but doesn't decompress it.
func loadPage(ctx context.Context, b *bench, cl *client, p *person) (int64, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, everyone(cl.base).String(), nil)
	if err != nil {
		return 0, err
	}
	r.Header.Set("Cookie", p.cookie)
	r.Header.Set("Accept-Encoding", "gzip")
	answer, err := cl.http.Do(r)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("GET / returned %d", answer.StatusCode)
	}
	return io.Copy(io.Discard, answer.Body)
}
