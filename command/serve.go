package command

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"rollcall/command/process"
)

// Time limits for stopping. Together they're less than ten seconds, after which a supervisor kills the process.
const (
	drainSockets   = 3 * time.Second        // to close live connections
	finishRequests = 5 * time.Second        // then, to answer open requests
	unusedConns    = 500 * time.Millisecond // meanwhile, for connections without a request so far
	finishWebhooks = 7 * time.Second        // meanwhile, for webhooks that are on their way
	stopLoops      = 1 * time.Second        // then, for the last writes, and what the first two have left over
)

// serveCmd serves the board.
type serveCmd struct {
	settings `embed:""`
}

func (c *serveCmd) dropRoot(db process.Path) error { return db.EnterWithNetwork() }

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
	diagnostics, err := listenDiagnostics(&c.settings)
	if err != nil {
		return err
	}
	defer diagnostics.close()
	log := c.logger(con.stderr)
	a, err := openApp(ctx, c.settings, con.files, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.close()) }()
	c.warn(con.env, log)
	a.announce(con, l.Addr())
	diagnostics.serve(a.server.Metrics(), log)
	return a.serve(ctx, a.server.LimitConnections(l))
}

// listen listens on the address in flag. The most common errors say what to do.
func listen(flag, addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s: %w: stop the program that listens there, or choose another address with %s",
			addr, syscall.EADDRINUSE, flag)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("%s: %w: choose a port above 1023 with %s", addr, syscall.EACCES, flag)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	return l, nil
}

// serve serves on l until ctx ends or a part fails. Then it stops in this order: live connections, so that their pages
// connect to another replica; requests; and the background loops, which make the last writes for both.
func (a *app) serve(ctx context.Context, l net.Listener) error {
	loops, endLoops := context.WithCancel(context.WithoutCancel(ctx))
	defer endLoops()
	web, fresh := a.server.HTTPServer(), newUnused()
	web.ConnState = fresh.track

	parts, failed := errgroup.WithContext(ctx)
	parts.Go(func() error { return a.server.Run(loops) })
	delivered := make(chan struct{})
	parts.Go(func() error { // begins nothing new as soon as the server stops, before people are disconnected
		defer close(delivered)
		a.hooks.Run(failed)
		return nil
	})
	if a.mailer != nil {
		parts.Go(func() error { a.mailer.Run(loops); return nil })
	}
	parts.Go(func() error {
		if err := web.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve: %w", err)
		}
		return nil
	})
	<-failed.Done()
	a.log.Info("stopping")
	end := time.Now().Add(drainSockets + finishRequests + stopLoops)
	finish := time.After(finishWebhooks)
	a.drain(web, fresh)
	select {
	case <-delivered:
	case <-finish:
	}
	endLoops()
	return wait(parts, time.Until(end))
}

// drain closes live connections, lets requests finish, and cuts off those that take too long.
func (a *app) drain(web *http.Server, fresh *unused) {
	// The context of serve has ended, so these contexts don't derive from it.
	ctx, cancel := context.WithTimeout(context.Background(), drainSockets)
	defer cancel()
	a.server.Drain(ctx)

	ctx, cancel = context.WithTimeout(context.Background(), finishRequests)
	defer cancel()
	defer time.AfterFunc(unusedConns, fresh.close).Stop()
	if err := web.Shutdown(ctx); err != nil {
		a.log.Warn("some requests were cut off", "limit", finishRequests, "err", err)
		web.Close()
	}
}

// wait is group.Wait with a time limit.
func wait(group *errgroup.Group, limit time.Duration) error {
	done := make(chan error, 1)
	go func() { done <- group.Wait() }()
	select {
	case err := <-done:
		return err
	case <-time.After(limit):
		return errors.New("the background loops didn't stop in time")
	}
}

// announce prints the address of the server and, if the board is empty, what to do next. With a JSON log, it logs them
// instead.
func (a *app) announce(con *console, addr net.Addr) {
	at := "http://" + reachable(addr.String()) + a.settings.base()
	if a.settings.Public != nil {
		at = a.settings.Public.String()
	}
	if a.settings.LogFormat == "json" {
		a.log.Info("Rollcall is serving", "url", at, "listening", addr.String(), "version", version())
		if a.empty {
			a.log.Info("the board is empty: open the address and set it up", "setup-code", a.code)
		} else if a.code != "" {
			a.log.Info("the board has no administrator: open the address with /setup at its end", "setup-code", a.code)
		}
		return
	}
	fmt.Fprintf(con.stdout, "Rollcall is at %s\n", at)
	switch {
	case a.empty:
		fmt.Fprintln(con.stdout, "The board is empty: open the address and set it up.")
	case a.code != "":
		fmt.Fprintf(con.stdout, "The board has no administrator: open %s/setup to make one.\n", at)
	}
	if a.code == "" {
		return
	}
	fmt.Fprintln(con.stdout, "Setup code:", a.code)
	fmt.Fprintln(con.stdout, "You can also create the account of an administrator here:",
		a.settings.command(con.env, "user", "add", "NAME", "--admin"))
}

// warn logs settings that are valid but probably unintended.
func (s *settings) warn(env environment, log *slog.Logger) {
	for _, name := range env.unknown(slices.Concat(variables(), s.signOn.variables(), clientVariables())) {
		log.Warn("unknown variable, ignored", "variable", name)
	}
	if s.DatabaseURL != "" && s.RedisURL == "" {
		log.Warn("DATABASE_URL without REDIS_URL: each process shows only the people who are connected to itself, so run one, " +
			"or give all of them the same REDIS_URL")
	}
	if s.IdleAfter > 0 && s.IdleAfter < time.Minute {
		log.Warn("pages report input every 30 s: with idle-after this short, people who are typing are shown as away",
			"idle-after", s.IdleAfter)
	}
	s.warnOfFiles(process.FileLimit(), log)
	if s.Public == nil && !s.local() {
		log.Warn("reachable from other machines over plain http: put TLS in front and set --public-url to its https address",
			"addr", s.Addr)
	}
}

// local reports whether only this machine can reach the address to listen on.
func (s *settings) local() bool {
	host, _, _ := net.SplitHostPort(s.Addr)
	return isLocal(host)
}

// isLocal reports whether host is localhost or a loopback address.
func isLocal(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
