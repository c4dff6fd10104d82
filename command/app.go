package command

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net/netip"

	"rollcall/accounts"
	"rollcall/command/process"
	"rollcall/handlers"
	"rollcall/hooks"
	"rollcall/identity"
	"rollcall/mailer"
	"rollcall/presence"
	"rollcall/presence/replica"
	"rollcall/ui"
)

// app holds the parts of the program, opened and wired together.
type app struct {
	settings settings
	log      *slog.Logger
	empty    bool   // there were no accounts at the start
	signedIn bool   // someone had a session at the start
	code     string // to set up the board; "": it has an administrator, or no code is needed
	store    *accounts.Store
	redis    *replica.Redis // nil without REDIS_URL
	tracker  *presence.Tracker
	logins   []*identity.Provider // at which people sign in
	mailer   *mailer.Mailer       // nil: no emails are sent
	hooks    *hooks.Deliverer
	server   *handlers.Server
}

// openApp opens the parts and wires them. The caller closes the app.
func openApp(ctx context.Context, cfg settings, files fs.FS, log *slog.Logger) (*app, error) {
	if err := accounts.Ready(); err != nil {
		return nil, err
	}
	pages, err := ui.New(files, cfg.base())
	if err != nil {
		return nil, err
	}
	pages.Configure(ui.Options{Name: cfg.BoardName, Logo: cfg.logo, Robots: cfg.AllowRobots})
	a := &app{settings: cfg, log: log}
	if err := a.open(ctx, pages); err != nil {
		return nil, errors.Join(err, a.close())
	}
	return a, nil
}

func (a *app) open(ctx context.Context, pages *ui.UI) (err error) {
	if err := a.openStore(ctx); err != nil {
		return err
	}
	who, web := a.settings.presence(), a.settings.handlers()
	if web.Keys, err = openKeys(ctx, a); err != nil {
		return err
	}
	if err := a.prepareSetup(ctx, &web); err != nil {
		return err
	}
	if a.settings.RedisURL != "" {
		if err := a.openRedis(ctx); err != nil {
			return err
		}
		who.Registry, web.Bell = a.redis, replica.NewBell(a.redis)
		web.Limiters = handlers.SharedLimiters(a.redis.Client(), a.settings.RedisPrefix, a.log)
	}
	if a.mailer, err = newMailer(a, pages.Name); err != nil {
		return err
	}
	web.Mailer = a.mailer
	who.Fresh = !a.signedIn // nobody can come back
	a.tracker = presence.NewTracker(who)
	if a.logins, err = a.settings.openProviders(); err != nil {
		return err
	}
	web.Providers = a.logins
	if err := warnOfProviders(ctx, a); err != nil {
		return err
	}
	if err := warnOfPasskeys(ctx, a); err != nil {
		return err
	}
	web.Accounts, web.Presence, web.UI, web.Log = a.store, a.tracker, pages, a.log
	return a.openServer(web)
}

// openServer makes the server, and what delivers webhooks.
func (a *app) openServer(web handlers.Config) (err error) {
	sender := a.settings.sender()
	web.Hooks, web.HookStats = sender, func() handlers.HookStats { return handlers.HookStats(a.hooks.Stats()) }
	if a.server, err = handlers.New(web); err != nil {
		return err
	}
	a.hooks = newDeliverer(a, sender)
	return nil
}

// openStore opens the accounts.
func (a *app) openStore(ctx context.Context) (err error) {
	cfg := a.settings.accounts(a.log)
	cfg.HashWorkers, cfg.Server, cfg.SendsMail = a.settings.LimitHashes, true, a.settings.mail != nil
	if a.store, err = accounts.Open(ctx, cfg); err != nil {
		return err
	}
	if a.empty, err = a.store.Empty(ctx); err != nil {
		return err
	}
	a.signedIn, err = a.store.AnySession(ctx)
	return err
}

// prepareSetup reads what administrators chose, and makes a code for somebody who sets up an empty board.
func (a *app) prepareSetup(ctx context.Context, web *handlers.Config) (err error) {
	if web.Stored, err = a.store.Settings(ctx); err != nil {
		return err
	}
	if err := checkSignup(&a.settings, web.Stored); err != nil {
		return err
	}
	admin, err := a.store.AnyAdmin(ctx)
	if err == nil && !admin && web.AsksSetupCode() {
		a.code, err = a.store.MakeSetupCode(accounts.As(ctx, accounts.System))
	}
	return err
}

func (a *app) openRedis(ctx context.Context) (err error) {
	a.redis, err = replica.Open(ctx, a.settings.replicas(a.store.ID(), a.log))
	return err
}

// close closes the open parts in reverse order.
func (a *app) close() (err error) {
	if a.tracker != nil {
		a.tracker.Close()
	}
	for _, p := range a.logins {
		p.Close()
	}
	if a.redis != nil {
		err = a.redis.Close()
	}
	if a.store != nil {
		err = errors.Join(err, a.store.Close())
	}
	return err
}

// handlers returns the configuration of the server, without the parts that it uses.
func (s *settings) handlers() handlers.Config {
	return handlers.Config{
		PublicURL: s.Public,
		Loopback:  s.local(),
		Fixed: accounts.Settings{
			BoardName: s.BoardName, SignUp: s.Signup, Domains: s.SignupDomains, Teams: s.Teams,
			Visibility: s.Visibility, Invisible: s.Invisible,
		},
		Limits:         s.limits(process.FileLimit()),
		AccessLog:      s.AccessLog == "on",
		Version:        buildVersion(),
		TrustedProxies: s.proxies(),
		OnFly:          s.OnFly,
		Header:         s.Header,
		HeaderSignOut:  s.AuthSignoutURL,
		SecretKeys:     s.secretKeys(),
		SecondFactor:   s.RequireSecondFactor,
	}
}

// presence returns the configuration of the tracker.
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
