package command

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"github.com/alecthomas/kong"
	"golang.org/x/sync/errgroup"

	"rollcall/accounts"
)

// demoCmd serves a board with simulated people who come and go. Everything is in a temporary folder, and the settings
// and the database of a real server aren't used.
type demoCmd struct {
	Addr string `variable:"ROLLCALL_ADDR" placeholder:"HOST:PORT" help:"Host and port to listen on. Default: 127.0.0.1:8080, or any free port if that one is in use."`
	Seed uint64 `hidden:"" variable:"ROLLCALL_DEMO_SEED" default:"1" help:"The same seed repeats the same events."`
}

// Run serves until ctx ends, and then removes the temporary folder.
func (c *demoCmd) Run(ctx context.Context, con *console) (err error) {
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

	a, err := openApp(ctx, cfg, con.files, cfg.logger(con.stderr))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.close()) }()
	password := newPassword()
	players, err := invite(ctx, a.store, password)
	if err != nil {
		return err
	}
	fmt.Fprintf(con.stdout, demoHint, reachable(l.Addr().String()), demoLogin, password, players[0].username)

	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return a.serve(ctx, a.server.LimitConnections(l)) })
	group.Go(func() error { return newCast(a.store, a.tracker, players, rand.New(rand.NewPCG(c.Seed, 0))).play(ctx) })
	return group.Wait()
}

// demoHint says how to sign in, with the names filled in.
const demoHint = `Rollcall is at http://%s
Sign in as %s with the password %s
In a second browser, you can sign in as someone else, for example %s. Everyone has the same password.
This is a demo: Ctrl-C ends it and deletes everything.
`

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

// demoLogin is the visitor's username. The cast doesn't play this person.
const demoLogin = "clara"

// demoPeople lists the visitor and the cast.
var demoPeople = []accounts.NewUser{
	{Username: demoLogin, DisplayName: "Clara Nyström", Team: "Design"},
	{Username: "hugo", DisplayName: "Hugo Lefèvre", Team: "Design"},
	{Username: "noa", DisplayName: "נועה לוי", Team: "Design"},
	{Username: "priya", DisplayName: "Priya Raman", Team: "Design"},
	{Username: "gabriel", DisplayName: "Gabriel Araújo", Team: "Design"},
	{Username: "sinead", DisplayName: "Sinéad Ní Bhriain", Team: "Design"},
	{Username: "adaeze", DisplayName: "Adaeze Okafor", Team: "Platform"},
	{Username: "linus", DisplayName: "Linus Bergström", Team: "Platform"},
	{Username: "mei", DisplayName: "田中 芽衣", Team: "Platform"},
	{Username: "ravi", DisplayName: "Ravi Menon", Team: "Platform"},
	{Username: "tomasz", DisplayName: "Tomasz Wiśniewski", Team: "Platform"},
	{Username: "zeynep", DisplayName: "Zeynep Yıldız", Team: "Platform"},
	{Username: "ivan", DisplayName: "Ivan Petrović", Team: "Research"},
	{Username: "hanh", DisplayName: "Nguyễn Thị Hạnh", Team: "Research"},
	{Username: "seoyeon", DisplayName: "김서연", Team: "Research"},
	{Username: "mariajose", DisplayName: "María José Ibáñez", Team: "Research"},
	{Username: "amara", DisplayName: "Amara Diallo", Team: "Research"},
	{Username: "wanjiru", DisplayName: "Wanjirũ Kamau", Team: "Research"},
	{Username: "beatriz", DisplayName: "Beatriz Carvalho-Monteiro", Team: "Support"},
	{Username: "daniel", DisplayName: "Daniel Osei", Team: "Support"},
	{Username: "olena", DisplayName: "Олена Коваль", Team: "Support"},
	{Username: "layla", DisplayName: "ليلى حدّاد", Team: "Support"},
	{Username: "keiko", DisplayName: "Keiko Mori", Team: "Support"},
	{Username: "jonas", DisplayName: "Jonas Weber", Team: "Support"},
}

// invite adds everyone, all with one password, and returns the cast.
func invite(ctx context.Context, store *accounts.Store, password string) ([]*player, error) {
	people := make([]accounts.NewUser, len(demoPeople))
	for i, person := range demoPeople {
		person.Password = password
		people[i] = person
	}
	if err := store.Import(accounts.As(ctx, accounts.System), people); err != nil {
		return nil, fmt.Errorf("fill the demo: %w", err)
	}
	var players []*player
	for _, person := range people {
		if person.Username == demoLogin {
			continue
		}
		user, err := store.UserByName(ctx, person.Username)
		if err != nil {
			return nil, fmt.Errorf("fill the demo: %w", err)
		}
		players = append(players, &player{id: user.ID, username: user.Username})
	}
	return players, nil
}
