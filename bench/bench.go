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

// bench is one run. Used by one goroutine.
type bench struct {
	options
	progress io.Writer
	report   *report

	own  *server  // nil: measuring somebody else's
	base *url.URL // of the server, as it runs now
	proc process

	observer *person
	changers []*person // they make changes, and stand first on the board
	people   []*person // they connect and watch
}

// prepare starts what is needed and signs everybody in. Nothing of it is measured.
func prepare(ctx context.Context, o options, progress io.Writer) (_ *bench, err error) {
	b := &bench{options: o, progress: progress, report: newReport()}
	b.observer = people("observer", 1, 0)[0]
	b.changers = people("changer", o.changers(), 0)
	b.people = people("user", b.crowded(), o.changers())
	if o.addr != "" {
		if b.base, err = parseTarget(ctx, o.addr); err != nil {
			return nil, err
		}
		b.proc = process{o.pid}
	} else if b.own, err = newServer(o.server); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.close())
		}
	}()
	if b.own != nil {
		if err := b.populate(ctx); err != nil {
			return nil, err
		}
	}
	if err := b.fresh(ctx); err != nil {
		return nil, err
	}
	d := newDoor(b.base, b.own == nil)
	defer d.close()
	all := b.signing()
	b.tell("signing %d people in", len(all))
	return b, d.letIn(ctx, all, func(done, of int) { b.tell("%d of %d are in", done, of) })
}

// crowded is how many people the largest scenario needs.
func (b *bench) crowded() int {
	n := 0
	if b.does("idle", "connect") {
		n = b.users
	}
	if b.does("lone", "burst") {
		n = max(n, b.watchers)
	}
	return max(n, b.clients)
}

// signing is everybody who needs a session.
func (b *bench) signing() []*person {
	all := append([]*person{b.observer}, b.people...)
	if b.does("lone", "burst") {
		all = append(all, b.changers...)
	}
	return all
}

// populate adds everybody to the database of our own server, all with one password, because a hash takes 20 ms.
func (b *bench) populate(ctx context.Context) error {
	all := append([]*person{b.observer}, append(b.changers, b.people...)...)
	password := passwordOf("all")
	for _, p := range all {
		p.password = password
	}
	return b.own.add(ctx, all, sharedHash(password))
}

// fresh makes sure that the next scenario does not measure what the one before left: our own server is started anew.
func (b *bench) fresh(ctx context.Context) error {
	if b.own == nil {
		return nil
	}
	if err := b.own.restart(ctx); err != nil {
		return err
	}
	b.base, b.proc = b.own.base, process{b.own.cmd.Process.Pid}
	return nil
}

// measure does the scenarios.
func (b *bench) measure(ctx context.Context) error {
	if b.own != nil {
		b.tell("starting the server")
		if err := b.fresh(ctx); err != nil {
			return err
		}
		b.report.add("server", "start-up", ms(b.own.startup), "ms", "≤ 300")
		if info, err := os.Stat(b.own.binary); err == nil {
			b.report.add("server", "binary", float64(info.Size())/1e6, "MB", "≤ 25")
		}
	}
	for _, group := range []struct {
		scenarios []string
		measure   func(context.Context) error
	}{
		{[]string{"idle", "connect"}, b.arrive},
		{[]string{"lone", "burst"}, b.change},
		{[]string{"page"}, b.load},
	} {
		if !b.does(group.scenarios...) {
			continue
		}
		if err := b.fresh(ctx); err != nil {
			return err
		}
		if err := group.measure(ctx); err != nil {
			return fmt.Errorf("%s: %w", group.scenarios[0], err)
		}
	}
	return nil
}

// close ends what was started.
func (b *bench) close() error {
	if b.own == nil {
		return nil
	}
	return b.own.close()
}

func (b *bench) tell(format string, args ...any) {
	fmt.Fprintf(b.progress, "bench: "+format+"\n", args...)
}

// spent is the processor time of the server since before, NaN when nobody can tell; before comes from b.proc.cpu.
func (b *bench) spent(before time.Duration) time.Duration {
	now, err := b.proc.cpu()
	if err != nil {
		return unknown
	}
	return now - before
}

// unknown is the spent of a server that nobody can look at.
const unknown = time.Duration(math.MinInt64)

// per divides a spent time, in units of unit; NaN if it is unknown.
func per(spent time.Duration, n float64, unit time.Duration) float64 {
	if spent == unknown || n == 0 {
		return math.NaN()
	}
	return float64(spent) / float64(unit) / n
}

// pause waits, and returns early only with the reason why the run ends.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
