package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

const (
	deepPages = 50                     // random pages that million visits
	joinEvery = 250 * time.Millisecond // between accounts that are made while people look others up
)

// million measures a server on a board of very many accounts, in a Postgres: how fast it starts, how long lookups take
// while people have the board open, and how much memory it needs for that.
func million(ctx context.Context, b *bench) error {
	if err := multiply(ctx, b, b.million, "million"); err != nil {
		return err
	}
	if err := b.own[0].command(ctx, "user", "admin", b.observer.name); err != nil {
		return err
	}
	if err := timeStart(ctx, b); err != nil {
		return err
	}
	cl, c := newClient(b.bases[0], false), newCrowd(b.bases[0])
	defer cl.close()
	defer c.close()
	b.tell("connecting %d people", b.users)
	began := time.Now()
	if _, err := c.dialAll(ctx, b.people[:b.users], b.dialers, "", "bench", nil); err != nil {
		return errors.Join(err, c.check())
	}
	b.report.add("million", "people connected", float64(b.users), "", "")
	b.report.add("million", "all connected", time.Since(began).Seconds(), "s", "")
	reportRSS(b, "RSS, people connected", "")
	if err := lookUp(ctx, b, cl); err != nil {
		return err
	}
	api, err := newAPIClient(ctx, cl, b.people[:apiTokens])
	if err != nil {
		return err
	}
	if err := api.measure(ctx, b, "million", "", randomName(3)); err != nil {
		return err
	}
	reportRSS(b, "RSS at the end", "≤ 400 at 1,000,000 and 1,000")
	reportPeak(b)
	return c.check()
}

// timeStart restarts the server, and measures how long it takes until it's ready, and until it has shown the first
// page, for which it counts everyone.
func timeStart(ctx context.Context, b *bench) error {
	b.tell("starting the server")
	if err := b.restart(ctx); err != nil {
		return err
	}
	cl := newClient(b.bases[0], false)
	defer cl.close()
	s := b.own[0]
	html, err := cl.page(ctx, b.observer, cl.base.String()+"/")
	if err != nil {
		return err
	}
	showed := time.Since(s.began)
	all, ok := scanCount(html, "n-all")
	if !ok {
		return errors.New("the board doesn't show how many people there are")
	}
	b.report.add("million", "accounts", float64(all), "", "")
	b.report.add("million", "start until ready", s.startup.Seconds(), "s", "")
	b.report.add("million", "start until the first page is shown", showed.Seconds(), "s", "≤ 5 at 1,000,000")
	reportRSS(b, "RSS after the start", "")
	return nil
}

// reportRSS reports the server's resident memory.
func reportRSS(b *bench, name, wanted string) {
	if rss, err := b.procs.rss(); err == nil {
		b.report.add("million", name, float64(rss)/1e6, "MB", wanted)
	}
}

// reportPeak reports the server's highest resident memory.
func reportPeak(b *bench) {
	if peak, err := b.procs.peak(); err == nil {
		b.report.add("million", "RSS, highest", float64(peak)/1e6, "MB", "")
	}
}

// largeLookups are the ways in which people look for others on a board of many accounts with the names of multiply.
// deep are addresses of pages. Lookups without a limit aren't what people open the board for.
var largeLookups = []struct {
	name, wanted string
	query        func(b *bench) url.Values // nil: an address of deep
}{
	{"who is here", atMillion, func(*bench) url.Values { return nil }},
	{"search, a name", atMillion, func(*bench) url.Values { return url.Values{"q": {randomName(2 + rand.IntN(2))}} }},
	{"search, the beginning of a name", atMillion, func(*bench) url.Values {
		return url.Values{"q": {randomName(2)[:1+rand.IntN(4)]}}
	}},
	{"search, two words", atMillion, func(*bench) url.Values {
		return url.Values{"q": {randomName(2) + " " + randomName(3)[:1+rand.IntN(6)]}}
	}},
	{"search, who is here", atMillion, func(*bench) url.Values {
		return url.Values{"q": {"bench " + strconv.Itoa(rand.IntN(10))}, "show": {"here"}}
	}},
	{"a team", "", func(b *bench) url.Values {
		return url.Values{"team": {fmt.Sprintf("Team %05d", rand.IntN(1+b.million/teamSize))}}
	}},
	{"everyone, first page", "", func(*bench) url.Values { return url.Values{"show": {"everyone"}} }},
	{"everyone, any page", "", nil},
	{"offline", "", func(*bench) url.Values { return url.Values{"show": {"offline"}} }},
}

const atMillion = "≤ 100 at 1,000,000"

// randomName returns a name of multiply with 2 syllables, which is a first name, or 3, a last name. Common names are as
// likely as they are common.
func randomName(syllables int) string {
	r := rand.Float64()
	if syllables == 2 {
		return nameAt(int(firstNames*r*r), 2)
	}
	return nameAt(int(lastNames*r*r*r), 3)
}

// lookUp measures lookups in the browser, those of administrators, and the first page while accounts are made.
func lookUp(ctx context.Context, b *bench, cl *client) error {
	deep, err := deepAddresses(ctx, b, cl)
	if err != nil {
		return err
	}
	for _, l := range largeLookups {
		address := func() string {
			if l.query == nil {
				return deep[rand.IntN(len(deep))]
			}
			return cl.base.String() + "/?" + l.query(b).Encode()
		}
		if err := timePages(ctx, b, cl, l.name, l.wanted, b.client, address); err != nil {
			return err
		}
	}
	admin := func(int) *person { return b.observer }
	for _, l := range []struct{ name, path string }{
		{"list for administrators", "/admin/people"},
		{"list for administrators, by search", "/admin/people?q=" + randomName(2)},
	} {
		err := timePages(ctx, b, cl, l.name, "", admin, func() string { return cl.base.String() + l.path })
		if err != nil {
			return err
		}
	}
	return whileJoining(ctx, b, cl)
}

// timePages measures loading pages.
func timePages(
	ctx context.Context, b *bench, cl *client, name, wanted string, as func(client int) *person, address func() string,
) error {
	cpu, _ := b.procs.cpu()
	took, err := timeEach(ctx, b, func(ctx context.Context, client int) error {
		_, err := cl.page(ctx, as(client), address())
		return err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	spent, s := b.procs.spent(cpu), spreadOf(took)
	b.report.add("million", name+", p50", s.p50, "ms", "")
	b.report.add("million", name+", p95", s.p95, "ms", wanted)
	b.report.add("million", name+", server CPU per page", per(spent, float64(len(took)), time.Millisecond), "ms", "")
	return nil
}

// deepAddresses returns the addresses of random pages of everyone.
func deepAddresses(ctx context.Context, b *bench, cl *client) (deep []string, err error) {
	var took []time.Duration
	for range deepPages {
		at := everyone(cl.base)
		at.RawQuery += "&page=" + strconv.Itoa(1+rand.IntN(max(1, b.million/pageRows)))
		began := time.Now()
		to, err := redirected(ctx, cl, b.people[0], at.String())
		if err != nil {
			return nil, err
		}
		took, deep = append(took, time.Since(began)), append(deep, to)
	}
	s := spreadOf(took)
	b.report.add("million", "finding a page by its number, p50", s.p50, "ms", "")
	b.report.add("million", "finding a page by its number, p95", s.p95, "ms", "")
	return deep, nil
}

// redirected returns where an address leads.
func redirected(ctx context.Context, cl *client, p *person, at string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return "", err
	}
	r.Header.Set("Cookie", p.cookie)
	answer, err := cl.http.Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	to, err := answer.Location()
	if err != nil {
		return "", fmt.Errorf("GET %s returned %d: %w", r.URL.Path, answer.StatusCode, err)
	}
	return to.String(), nil
}

// whileJoining measures the first page while others sign up, which changes how many people there are.
func whileJoining(ctx context.Context, b *bench, cl *client) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	signUp, joined := newClient(cl.base, true), make(chan error, 1)
	defer signUp.close()
	go func() {
		for i := 0; ; i++ {
			p := people(fmt.Sprintf("joiner%d", i), 1, i)[0]
			if err := signUp.signIn(ctx, p); err != nil && ctx.Err() == nil {
				joined <- err
				return
			}
			if pause(ctx, joinEvery) != nil {
				joined <- nil
				return
			}
		}
	}()
	err := timePages(ctx, b, cl, "who is here, while others sign up", atMillion, b.client,
		func() string { return cl.base.String() + "/" })
	cancel()
	return errors.Join(err, <-joined)
}
