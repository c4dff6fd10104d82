// Package hooks delivers webhooks: it tells the receivers that people chose who is here.
//
// It subscribes to package live, and sees each person with the eyes of the hook's owner. What each receiver was told
// last is stored in package accounts. A receiver is told when that differs from what is true, so there's no queue of
// changes: nothing outdated is sent, and nothing is missed across restarts. Of several servers, one delivers: the one
// that holds the lease.
//
// The package keeps no history, logs no addresses of receivers, and connects only to public addresses and to those that
// the operator allows.
package hooks

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	mathrand "math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"rollcall/accounts"
	"rollcall/live"
)

const (
	leaseLife = 30 * time.Second
	gather    = 100 * time.Millisecond // changes that come close together are looked at together
	checkSure = time.Second            // while it isn't known who is offline
	stopTime  = 3 * time.Second        // for deliveries that are on their way when a server stops
	storeTime = 2 * time.Second        // to store how they ended
)

// Config is what a Deliverer needs. Accounts, Board, Sender and Log must be given.
type Config struct {
	Accounts *accounts.Store
	Board    *live.Board
	Sender   *Sender
	Log      *slog.Logger
	Lease    time.Duration // how long another server waits before it takes over from one that crashed; 0: 30 s
}

// Deliverer delivers webhooks. Run does the work. All other methods may be called from any goroutine.
type Deliverer struct {
	cfg      Config
	log      *slog.Logger
	id       string // of this server, in the lease
	observer *live.Observer
	wake     chan struct{}
	workers  sync.WaitGroup

	accepted, failed atomic.Uint64

	mu      sync.Mutex
	machine *machine  // guarded by mu
	until   time.Time // guarded by mu: when the lease ends; zero: another server holds it, or nobody does
	reload  bool      // guarded by mu: the hooks may have changed
	holdOff time.Time // guarded by mu: no delivery begins before that, because the accounts couldn't be written
}

// Stats are numbers for metrics.
type Stats struct {
	Delivering bool   // this server holds the lease
	Waiting    int    // people about whom some receiver hasn't been told the latest
	Accepted   uint64 // deliveries
	Failed     uint64 // deliveries
}

// New returns a Deliverer. Call it before the Board runs.
func New(cfg Config) *Deliverer {
	if cfg.Lease <= 0 {
		cfg.Lease = leaseLife
	}
	return &Deliverer{
		cfg: cfg, log: cfg.Log, id: rand.Text(), observer: cfg.Board.Observe(), wake: make(chan struct{}, 1),
		machine: newMachine(mathrand.Float64, newEventID), reload: true,
	}
}

func newEventID() string { return "msg_" + rand.Text() }

// Stats returns the numbers of now.
func (d *Deliverer) Stats() Stats {
	d.mu.Lock()
	defer d.mu.Unlock()
	return Stats{!d.until.IsZero(), d.machine.waiting(), d.accepted.Load(), d.failed.Load()}
}

// Run delivers until ctx ends. Deliveries that are on their way then have a moment to end.
func (d *Deliverer) Run(ctx context.Context) {
	ctx = accounts.As(ctx, accounts.System)
	sending, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	d.loop(ctx, sending)
	timer := time.AfterFunc(stopTime, cut)
	d.workers.Wait()
	timer.Stop()
	d.letGo(ctx)
}

// loop begins deliveries until ctx ends. They go on until sending ends.
func (d *Deliverer) loop(ctx, sending context.Context) {
	renew := time.NewTicker(d.cfg.Lease / 3)
	defer renew.Stop()
	timer := time.NewTimer(0)
	defer timer.Stop()
	everyone := true
	for {
		select {
		case <-ctx.Done():
			return
		case <-renew.C:
			d.takeLease(ctx)
		case <-d.observer.Ready():
			pause(ctx, gather)
		case <-d.wake:
		case <-timer.C:
		}
		var wait time.Duration
		wait, everyone = d.advance(ctx, sending, everyone)
		timer.Reset(wait)
	}
}

// advance takes in what has changed and begins what is due. It returns how long to wait at most. everyone says that
// everybody has to be looked at, which waits until it's known who is offline.
func (d *Deliverer) advance(ctx, sending context.Context, everyone bool) (time.Duration, bool) {
	const long = time.Hour
	news := d.observer.Take()
	everyone = everyone || news.Everyone
	d.mu.Lock()
	d.reload = d.reload || news.Hooks || news.Everyone || d.machine.owned(news.Accounts)
	reload := d.reload
	d.mu.Unlock()
	if reload {
		if err := d.useHooks(ctx); err != nil {
			d.warn(ctx, "read webhooks", err)
			return checkSure, true
		}
	}
	if !d.holds() {
		return long, true
	}
	if !d.cfg.Board.Sure() {
		return checkSure, true
	}
	if err := d.see(ctx, news.People, everyone); err != nil {
		d.warn(ctx, "read people", err)
		return checkSure, true
	}
	return d.begin(sending, long), false
}

// warn logs an error of the accounts, unless it's because ctx has ended.
func (d *Deliverer) warn(ctx context.Context, doing string, err error) {
	if ctx.Err() == nil {
		d.log.Warn("webhooks wait, because the accounts can't be used; the next try is soon", "step", doing, "err", err)
	}
}

func pause(ctx context.Context, wait time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(wait):
	}
}

// holds reports whether this server holds the lease, for long enough to deliver something.
func (d *Deliverer) holds() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return time.Until(d.until) > d.margin()
}

// margin is how long a delivery may take at most. None begins when less is left of the lease, so another server that
// takes over can't meet one.
func (d *Deliverer) margin() time.Duration { return min(d.cfg.Sender.timeout, d.cfg.Lease/2) }

// takeLease takes or renews the lease, if there's anything to deliver.
func (d *Deliverer) takeLease(ctx context.Context) {
	d.mu.Lock()
	needed, had := len(d.machine.targets) > 0, !d.until.IsZero()
	d.mu.Unlock()
	if !needed {
		if had {
			d.letGo(ctx)
		}
		return
	}
	asked := time.Now()
	_, held, err := d.cfg.Accounts.TakeLease(ctx, d.id, d.cfg.Lease)
	if err != nil {
		d.warn(ctx, "renew the lease", err)
		return // it goes on until it ends
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case !held && had:
		d.log.Warn("another server delivers webhooks now")
		fallthrough
	case !held:
		d.until = time.Time{}
	default:
		if !had || !asked.Before(d.until) { // somebody else may have delivered meanwhile
			d.log.Info("this server delivers webhooks")
			d.machine.forget()
			d.reload = true
			d.signal()
		}
		d.until = asked.Add(d.cfg.Lease)
	}
}

// letGo ends the lease, so that another server takes over at once.
func (d *Deliverer) letGo(ctx context.Context) {
	d.mu.Lock()
	had := !d.until.IsZero()
	d.until = time.Time{}
	d.mu.Unlock()
	if !had {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTime)
	defer cancel()
	if err := d.cfg.Accounts.DropLease(ctx, d.id); err != nil {
		d.log.Warn("the lease for webhooks can't be ended; another server takes over when it expires", "err", err)
	}
}

// signal makes the loop go on.
func (d *Deliverer) signal() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// useHooks reads the hooks, takes the lease if it's the first one, and stores what is true now as what the receivers of
// new hooks know.
func (d *Deliverer) useHooks(ctx context.Context) error {
	hooks, err := d.cfg.Accounts.ActiveHooks(ctx)
	if err != nil {
		return err
	}
	d.mu.Lock()
	had := !d.until.IsZero()
	fresh, busy := d.machine.use(hooks)
	d.reload = busy
	d.mu.Unlock()
	if !had && len(hooks) > 0 {
		d.takeLease(ctx) // has the hooks loaded again if it succeeds
		return nil
	}
	if !d.holds() || len(fresh) == 0 {
		return nil
	}
	if !d.cfg.Board.Sure() {
		d.askAgain()
		return nil
	}
	states, err := d.statesOf(ctx, fresh, nil)
	if err == nil {
		err = d.loadAll(ctx, fresh, states)
	}
	if err != nil {
		d.askAgain()
	}
	return err
}

// askAgain has the hooks loaded again.
func (d *Deliverer) askAgain() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.machine.forget()
	d.reload = true
}

// loadAll loads what the receivers of hooks were told. For new hooks, that's what is true now.
func (d *Deliverer) loadAll(ctx context.Context, hooks []accounts.ActiveHook, states map[string]map[string]string) error {
	for _, h := range hooks {
		if !h.Ready {
			err := d.cfg.Accounts.SetTold(ctx, d.id, h.Hook, states[h.ID])
			if errors.Is(err, accounts.ErrNotOurs) { // it has changed again, and news of that are on their way
				continue
			}
			if err != nil {
				return err
			}
		}
		told, err := d.cfg.Accounts.Told(ctx, h.ID)
		if err != nil {
			return err
		}
		d.mu.Lock()
		d.machine.load(h.ID, told, states[h.ID], time.Now())
		d.mu.Unlock()
	}
	return nil
}
