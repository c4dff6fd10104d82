package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"github.com/alecthomas/kong"
	"golang.org/x/sync/errgroup"

	"rollcall/accounts"
	"rollcall/presence"
	"rollcall/ui"
)

// demoCmd serves a board with simulated people who come and go. Everything is in a temporary folder, and the settings
// and the database of a real server aren't used.
type demoCmd struct {
	People int    `variable:"ROLLCALL_DEMO_PEOPLE" default:"60" placeholder:"N" help:"How many people the board has, including you: 1 to 100,000."`
	Addr   string `variable:"ROLLCALL_ADDR" placeholder:"HOST:PORT" help:"Host and port to listen on. Default: 127.0.0.1:8080, or any free port if that one is in use."`
	Seed   uint64 `hidden:"" variable:"ROLLCALL_DEMO_SEED" default:"1" help:"The same seed repeats the same events."`
}

// Run serves until ctx ends, and then removes the temporary folder.
func (c *demoCmd) Run(ctx context.Context, con *console) (err error) {
	if c.People < 1 || c.People > maxPeople {
		return fmt.Errorf("--people %d: write a number from 1 to %d", c.People, maxPeople)
	}
	cfg, err := demoSettings()
	if err != nil {
		return err
	}
	l, err := c.listen(cfg.Addr)
	if err != nil {
		return err
	}
	defer l.Close()
	cfg.Addr = l.Addr().String()
	folder, err := os.MkdirTemp("", "rollcall-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	cfg.DB = filepath.Join(folder, "rollcall.db")

	a, earlier, err := openDemo(ctx, cfg, con)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.close()) }()
	if c.People > 10_000 {
		fmt.Fprintf(con.stdout, "Adding %d people. This takes up to half a minute.\n", c.People)
	}
	password, staff := newPassword(), demoStaff(c.People)
	players, err := invite(ctx, a.store, staff, password)
	if err != nil {
		return err
	}
	hint(con.stdout, l, password, staff)

	cast := newCast(a.store, a.tracker, earlier, players, rand.New(rand.NewPCG(c.Seed, 0)))
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return a.serve(ctx, a.server.LimitConnections(l)) })
	group.Go(func() error { return cast.play(ctx) })
	return group.Wait()
}

// hint prints how to sign in.
func hint(to io.Writer, l net.Listener, password string, staff []accounts.NewUser) {
	fmt.Fprintf(to, "Rollcall is at http://%s\n", reachable(l.Addr().String()))
	fmt.Fprintf(to, "Sign in as %s with the password %s\n", demoLogin, password)
	if len(staff) > 1 {
		fmt.Fprintf(to, "In a second browser, you can sign in as someone else, for example %s. Everyone has the same password.\n",
			staff[1].Username)
	}
	fmt.Fprintln(to, "This is a demo: Ctrl-C ends it and deletes everything.")
}

// openDemo is openApp with the tracker of a demo. The caller closes the app.
func openDemo(ctx context.Context, cfg settings, con *console) (*app, presence.Registry, error) {
	if err := accounts.Ready(); err != nil {
		return nil, nil, err
	}
	pages, err := ui.New(con.files, cfg.base())
	if err != nil {
		return nil, nil, err
	}
	a := &app{settings: cfg, log: cfg.logger(con.stderr)}
	if err := a.openStore(ctx); err != nil {
		return nil, nil, errors.Join(err, a.close())
	}
	var earlier presence.Registry
	a.tracker, earlier = demoTracker(cfg.presence())
	web := cfg.handlers()
	web.Accounts, web.Presence, web.UI, web.Log = a.store, a.tracker, pages, a.log
	if err := a.openServer(web); err != nil {
		return nil, nil, errors.Join(err, a.close())
	}
	return a, earlier, nil
}

// demoSettings returns the defaults with a quieter log, and without the time in which people can come back after a
// start.
func demoSettings() (settings, error) {
	var cfg settings
	parser, err := kong.New(&cfg, kong.Vars{"db": "unused"}, kong.NoDefaultHelp())
	if err != nil {
		return cfg, err
	}
	if _, err := parser.Parse([]string{"--log-level=warn", "--warming=0s"}); err != nil {
		return cfg, err
	}
	return cfg, cfg.check(environment{})
}

// listen listens on any free port if no address is set and the usual port is in use.
func (c *demoCmd) listen(usual string) (net.Listener, error) {
	if c.Addr != "" {
		if err := checkAddr(c.Addr); err != nil {
			return nil, err
		}
		return listen("--addr", c.Addr)
	}
	l, err := listen("--addr", usual)
	if errors.Is(err, syscall.EADDRINUSE) {
		return listen("--addr", "127.0.0.1:0")
	}
	return l, err
}
