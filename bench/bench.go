package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/url"
	"os"
	"time"
)

// bench is one run. It isn't safe for concurrent use.
type bench struct {
	options
	progress io.Writer
	report   *report

	own   []*server    // servers that this run starts; empty if it measures a running one
	pg    *postgres    // holds the accounts of our own servers; nil if a file does
	redis *redisServer // shared by the replicas; nil if there's one server
	bases []*url.URL   // current base URLs of all servers
	procs processes

	observer *person
	changers []*person // make changes; first on the board
	people   []*person // connect and watch
	filled   int       // number of accounts after fill; 0 before
	copies   int       // accounts that multiply has added
}

// prepare starts the servers and signs everyone in. None of it is measured.
func prepare(ctx context.Context, o options, progress io.Writer) (_ *bench, err error) {
	b := &bench{options: o, progress: progress, report: newReport()}
	b.observer = people("observer", 1, 0)[0]
	b.changers = people("changer", o.changers(), 0)
	b.people = people("user", b.peopleNeeded(), o.changers())
	defer func() {
		if err != nil {
			err = errors.Join(err, b.close())
		}
	}()
	if o.addr != "" {
		base, err := parseTarget(ctx, o.addr)
		if err != nil {
			return nil, err
		}
		b.bases, b.procs = []*url.URL{base}, processes{{o.pid}}
	} else if err := b.createServers(ctx); err != nil {
		return nil, err
	}
	if err := b.restart(ctx); err != nil {
		return nil, err
	}
	cl := newClient(b.bases[0], b.own == nil)
	defer cl.close()
	all := b.needSession()
	b.tell("signing in %d people", len(all))
	return b, cl.signAllIn(ctx, all, func(done, of int) { b.tell("signed in %d of %d", done, of) })
}

// peopleNeeded is how many people the largest scenario needs.
func (b *bench) peopleNeeded() int {
	n := 0
	if b.does("idle", "connect", "browse", "quiet", "million") {
		n = b.users
	}
	if b.does("lone", "burst") {
		n = max(n, b.watchers)
	}
	if b.does("churn") {
		n = max(n, b.churnPeople())
	}
	if b.does("api", "million") {
		n = max(n, apiTokens)
	}
	return max(n, b.clients)
}

// needSession returns everyone who needs a session.
func (b *bench) needSession() []*person {
	all := append([]*person{b.observer}, b.people...)
	if b.does("lone", "burst", "streams") {
		all = append(all, b.changers...)
	}
	return all
}

// createServers prepares our own servers, with everyone in their database. It doesn't start them.
func (b *bench) createServers(ctx context.Context) error {
	if err := makePostgres(b); err != nil {
		return err
	}
	for range b.replicas {
		s, err := newServer(b.server)
		if err != nil {
			return err
		}
		b.own = append(b.own, s)
		if s.db = b.own[0].db; b.pg != nil {
			s.postgres = b.pg.url()
		}
	}
	if b.replicas > 1 {
		var err error
		if b.redis, err = newRedis(ctx); err != nil {
			return err
		}
		for i, s := range b.own {
			s.name, s.redis = "server "+b.name(i), b.redis.url()
		}
	}
	return b.populate(ctx)
}

// name returns the letter of the i-th server.
func (b *bench) name(i int) string { return string(rune('A' + i)) }

// populate adds everyone to the database of our own server, all with one password, because a hash takes 20 ms.
func (b *bench) populate(ctx context.Context) error {
	all := append([]*person{b.observer}, append(b.changers, b.people...)...)
	password := passwordOf("all")
	for _, p := range all {
		p.password = password
	}
	return b.own[0].add(ctx, all, sharedHash(password))
}

// restart restarts our own servers and empties their Redis, so that the next scenario doesn't measure leftovers of the
// previous one.
func (b *bench) restart(ctx context.Context) error {
	if b.own == nil {
		return nil
	}
	for _, s := range b.own {
		if err := s.stop(); err != nil {
			return err
		}
	}
	if b.redis != nil {
		if err := b.redis.empty(ctx); err != nil {
			return err
		}
	}
	b.bases, b.procs = nil, nil
	for _, s := range b.own {
		if err := s.start(ctx); err != nil {
			return err
		}
		b.bases, b.procs = append(b.bases, s.base), append(b.procs, s.process())
	}
	return nil
}

// measure runs the chosen scenarios.
func (b *bench) measure(ctx context.Context) error {
	if b.own != nil {
		b.tell("starting the server")
		if err := b.restart(ctx); err != nil {
			return err
		}
		b.report.add("server", "start-up", ms(b.own[0].startup), "ms", "≤ 300")
		if info, err := os.Stat(b.own[0].binary); err == nil {
			b.report.add("server", "binary", float64(info.Size())/1e6, "MB", "≤ 43.5")
		}
	}
	for _, group := range []struct {
		scenarios []string
		measure   func(context.Context, *bench) error
	}{
		{[]string{"idle", "connect"}, arrive},
		{[]string{"lone", "burst"}, measureChanges},
		{[]string{"page"}, loadPages},
		{[]string{"browse"}, browse},
		{[]string{"churn"}, churn},
		{[]string{"streams"}, measureStreams},
		{[]string{"api"}, measureAPI},
		{[]string{"quiet"}, quiet},
		{[]string{"sync"}, syncReplica},
		{[]string{"million"}, million},
		{[]string{"many"}, many},
	} {
		if !b.does(group.scenarios...) {
			continue
		}
		if err := b.restart(ctx); err != nil {
			return err
		}
		if err := group.measure(ctx, b); err != nil {
			return fmt.Errorf("%s: %w", group.scenarios[0], err)
		}
	}
	return nil
}

// close stops the servers, Redis, and Postgres.
func (b *bench) close() error {
	var errs []error
	for _, s := range b.own {
		errs = append(errs, s.close())
	}
	if b.redis != nil {
		errs = append(errs, b.redis.close())
	}
	if b.pg != nil {
		errs = append(errs, b.pg.close())
	}
	return errors.Join(errs...)
}

func (b *bench) tell(format string, args ...any) {
	fmt.Fprintf(b.progress, "bench: "+format+"\n", args...)
}

// per returns spent/n in the given unit, or NaN if spent is unknown.
func per(spent time.Duration, n float64, unit time.Duration) float64 {
	if spent == unknown || n == 0 {
		return math.NaN()
	}
	return float64(spent) / float64(unit) / n
}

// pause waits for d. If the run ends first, it returns the reason.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// client returns the person as whom a client loads pages.
func (b *bench) client(n int) *person { return b.people[n] }
