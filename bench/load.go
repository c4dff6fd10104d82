package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
)

// loadPages measures page: several people load the first page of a full board again and again, each over one connection.
func loadPages(ctx context.Context, b *bench) error {
	if err := fill(ctx, b, b.accounts); err != nil {
		return err
	}
	cl := newClient(b.bases[0], false)
	defer cl.close()
	html, err := cl.board(ctx, b.people[0]) // the first one is the server's to get warm with
	if err != nil {
		return err
	}
	all, ok := scanCount(html, "n-all")
	if !ok {
		return fmt.Errorf("the board does not say how many people there are")
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

// fill brings the board of our own server to so many accounts.
func fill(ctx context.Context, b *bench, accounts int) error {
	there := 1 + len(b.changers) + len(b.people)
	if b.own == nil || accounts <= max(there, b.filled) {
		return nil
	}
	b.filled = accounts
	b.tell("adding %d accounts", accounts-there)
	extra := people("x", accounts-there, there)
	for i, p := range extra { // names do not come in the order of teams
		p.display = fmt.Sprintf("Bench X %05d", i*7919%maxAccounts)
	}
	if err := b.own[0].add(ctx, extra, sharedHash(passwordOf("all"))); err != nil {
		return err
	}
	return b.fresh(ctx)
}

// reloadPages loads pages until the time is over. size is of all answers, as they were sent.
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

// loadPage loads the page as a browser does, but for unpacking it.
func loadPage(ctx context.Context, b *bench, cl *client, p *person) (int64, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, cl.base.String()+"/", nil)
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
		return 0, fmt.Errorf("GET / was answered %d", answer.StatusCode)
	}
	return io.Copy(io.Discard, answer.Body)
}
