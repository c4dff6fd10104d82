package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"rollcall/accounts"
	"rollcall/handlers"
	"rollcall/presence"
	"rollcall/ui"
)

// Bounds of the way out. Together they stay below the ten seconds that a supervisor waits before it kills.
const (
	drainSockets   = 3 * time.Second        // for open sockets to be told and gone
	finishRequests = 5 * time.Second        // for requests to be answered, after that
	unusedConns    = 500 * time.Millisecond // for connections on which nothing has been asked yet
	stopLoops      = 1 * time.Second        // for the last writes
)

// serveCmd serves the board.
type serveCmd struct {
	settings `embed:""`
}

func (c *serveCmd) become(p place) error { return p.enterWithNetwork() }

// Run serves until ctx ends.
func (c *serveCmd) Run(ctx context.Context, con *console) (err error) {
	if err := c.check(con.env); err != nil {
		return err
	}
	l, err := listen("--addr", c.Addr)
	if err != nil {
		return err
	}
	defer l.Close()
	aside, err := c.listenAside()
	if err != nil {
		return err
	}
	defer aside.close()
	log := c.logger(con.stderr)
	h, err := open(ctx, c.settings, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.close()) }()
	c.warn(con.env, log)
	h.announce(con, l.Addr())
	aside.serve(h.server.Metrics(), log)
	return h.serve(ctx, h.server.Door(l))
}

// listen is net.Listen for the address that flag names, with the errors people meet in their own words.
func listen(flag, addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s: %w: stop the program that listens there, or choose another address with %s", addr, syscall.EADDRINUSE, flag)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("%s: %w: choose a port above 1023 with %s", addr, syscall.EACCES, flag)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	return l, nil
}

// house is the opened parts, wired.
type house struct {
	settings settings
	log      *slog.Logger
	empty    bool // there were no accounts at the start
	store    *accounts.Store
	redis    *presence.Redis // nil: this process is alone
	tracker  *presence.Tracker
	server   *handlers.Server
}

// open opens the parts and wires them. The caller closes the house.
func open(ctx context.Context, cfg settings, log *slog.Logger) (*house, error) {
	if err := accounts.Ready(); err != nil {
		return nil, err
	}
	pages, err := ui.New(files(), cfg.base())
	if err != nil {
		return nil, err
	}
	kept := cfg.accounts(log)
	kept.HashWorkers, kept.Server = cfg.LimitHashes, true
	store, err := accounts.Open(ctx, kept)
	if err != nil {
		return nil, err
	}
	h := &house{settings: cfg, log: log, store: store}
	if h.empty, err = nobody(ctx, store); err != nil {
		return nil, errors.Join(err, store.Close())
	}
	some, err := store.AnySession(ctx)
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	web := handlers.Config{
		Accounts: store, UI: pages, Log: log,
		PublicURL:      cfg.Public,
		Loopback:       cfg.local(),
		SignupOpen:     cfg.Signup == "open",
		Teams:          handlers.Teams(cfg.Teams),
		Invisible:      cfg.Invisible == "on",
		Limits:         cfg.limits(fileLimit()),
		AccessLog:      cfg.AccessLog == "on",
		Version:        buildVersion(),
		TrustedProxies: cfg.proxies(),
		OnFly:          cfg.OnFly,
	}
	who := cfg.presence()
	who.Fresh = !some // nobody is signed in, so nobody can come back
	if cfg.RedisURL != "" {
		h.redis, err = presence.OpenRedis(ctx, presence.RedisConfig{
			URL: string(cfg.RedisURL), Prefix: cfg.RedisPrefix, Store: store.ID(), Log: log, Check: handlers.CheckSharedLimiter(cfg.RedisPrefix),
		})
		if err != nil {
			return nil, errors.Join(err, store.Close())
		}
		who.Registry, web.Bell = h.redis, h.redis
		web.Limiters = handlers.SharedLimiters(h.redis.Client(), cfg.RedisPrefix, log)
	}
	h.tracker = presence.NewTracker(who)
	web.Presence = h.tracker
	if h.server, err = handlers.New(web); err != nil {
		return nil, errors.Join(err, h.close())
	}
	return h, nil
}

// nobody reports whether there are no accounts.
func nobody(ctx context.Context, store *accounts.Store) (bool, error) {
	some, err := store.Users(ctx, "", 1)
	return len(some) == 0, err
}

// close closes the parts, the last opened first.
func (h *house) close() error {
	h.tracker.Close()
	if h.redis == nil {
		return h.store.Close()
	}
	return errors.Join(h.redis.Close(), h.store.Close())
}

// serve answers on l until ctx ends or a part fails, then stops in the order of the design: sockets first, so that
// their pages go elsewhere, then requests, then the loops, whose last writes follow from both.
func (h *house) serve(ctx context.Context, l net.Listener) error {
	loops, endLoops := context.WithCancel(context.WithoutCancel(ctx))
	defer endLoops()
	web, fresh := h.server.HTTPServer(), newUnused()
	web.ConnState = fresh.note

	parts, failed := errgroup.WithContext(ctx)
	parts.Go(func() error { return h.server.Run(loops) })
	parts.Go(func() error {
		if err := web.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve: %w", err)
		}
		return nil
	})
	<-failed.Done()
	h.log.Info("stopping")
	h.drain(web, fresh)
	endLoops()
	return wait(parts, stopLoops)
}

// drain lets sockets and requests end, and cuts off what does not.
func (h *house) drain(web *http.Server, fresh *unused) {
	// The contexts are their own: the one that ended is the reason to be here.
	ctx, cancel := context.WithTimeout(context.Background(), drainSockets)
	defer cancel()
	h.server.Drain(ctx)

	ctx, cancel = context.WithTimeout(context.Background(), finishRequests)
	defer cancel()
	defer time.AfterFunc(unusedConns, fresh.close).Stop()
	if err := web.Shutdown(ctx); err != nil {
		h.log.Warn("some requests were cut off", "after", finishRequests, "error", err)
		web.Close()
	}
}

// wait is group.Wait with an end.
func wait(group *errgroup.Group, limit time.Duration) error {
	done := make(chan error, 1)
	go func() { done <- group.Wait() }()
	select {
	case err := <-done:
		return err
	case <-time.After(limit):
		return fmt.Errorf("the background loops did not stop within %v", limit)
	}
}

// announce tells whoever started the server where it is, and a first visitor what to do. A log of JSON lines gets it
// as one of them.
func (h *house) announce(con *console, addr net.Addr) {
	at := "http://" + reachable(addr.String()) + h.settings.base()
	if h.settings.Public != nil {
		at = h.settings.Public.String()
	}
	if h.settings.LogFormat == "json" {
		h.log.Info("Rollcall is there", "url", at, "listening", addr.String(), "version", version())
		return
	}
	fmt.Fprintf(con.stdout, "Rollcall is at %s\n", at)
	switch {
	case h.empty && h.settings.Signup == "open":
		fmt.Fprintln(con.stdout, "Nobody is on the board yet: open the address and sign up.")
	case h.empty:
		fmt.Fprintln(con.stdout, "Nobody can sign in yet. To add a person:", h.settings.command(con.env, "user", "add", "NAME"))
	}
}

// warn logs what is allowed but seldom meant.
func (s *settings) warn(env environment, log *slog.Logger) {
	for _, name := range env.unknown(variables()) {
		log.Warn("this variable is no setting of Rollcall and was ignored", "variable", name)
	}
	if s.DatabaseURL != "" && s.RedisURL == "" {
		log.Warn("DATABASE_URL without REDIS_URL: each process shows only the people who are connected to itself, so run one, or give all of them the same REDIS_URL")
	}
	if s.IdleAfter > 0 && s.IdleAfter < time.Minute {
		log.Warn("pages report input every 30 s: with idle-after this short, people who type are shown away", "idle-after", s.IdleAfter)
	}
	s.warnOfFiles(fileLimit(), log)
	if s.Public == nil && !s.local() {
		log.Warn("reachable from other machines over plain http: put TLS in front and set --public-url to its https address", "addr", s.Addr)
	}
}

// local reports whether only this machine reaches the address to listen on.
func (s *settings) local() bool {
	host, _, _ := net.SplitHostPort(s.Addr)
	return isLocal(host)
}

// isLocal reports whether host is this machine's name or address for itself.
func isLocal(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// presence is the tracker's configuration.
func (s *settings) presence() presence.Config {
	cfg := presence.DefaultConfig()
	cfg.IdleAfter, cfg.GraceClean, cfg.GraceDropped, cfg.Warming = s.IdleAfter, s.GraceClean, s.GraceDropped, s.Warming
	if s.IdleAfter == 0 {
		cfg.IdleAfter = -1
	}
	return cfg
}

func (s *settings) proxies() []netip.Prefix {
	var all []netip.Prefix
	for _, p := range s.TrustedProxies {
		all = append(all, p.Prefix)
	}
	return all
}
