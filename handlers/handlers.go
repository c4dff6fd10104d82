// Package handlers answers HTTP requests with pages, JSON and live frames.
//
// It decides who may call which route, from where and how often, and answers every error in one place (errors.go).
// Package ui renders the pages, package accounts knows who may sign in, and package presence knows who is online.
//
// It holds no SQL and no markup, doesn't read flags or the environment, and writes nothing in response to a GET, except
// for the callback of a sign-in at a provider (oidc.go).
package handlers

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"
	"golang.org/x/sync/errgroup"

	"rollcall/accounts"
	"rollcall/identity"
	"rollcall/live"
	"rollcall/mailer"
	"rollcall/presence"
	"rollcall/ui"
)

// Config is what a Server needs. Accounts, Presence, UI and Log must be given.
type Config struct {
	Accounts       *accounts.Store
	Presence       *presence.Tracker
	UI             *ui.UI
	Log            *slog.Logger
	PublicURL      *url.URL          // where browsers reach the board; nil: unknown, plain http at an IP address or local name
	Loopback       bool              // only this machine can connect
	Fixed          accounts.Settings // what the operator chose with flags; administrators can't change it
	Stored         accounts.Settings // what administrators chose, as of the start
	Limits         Limits
	TrustedProxies []netip.Prefix       // peers whose forwarding headers are trusted
	OnFly          bool                 // trust Fly-Client-IP and Fly-Request-Id of a trusted proxy, not X-Forwarded-For
	Limiters       Limiters             // count attempts; zero: in the memory of this process
	Keys           *identity.Keyring    // seal what browsers keep for us during a sign-in; nil: a random key
	SecretKeys     SecretKeys           // seal the secrets of authenticator apps; nil: nobody can set one up
	Mailer         *mailer.Mailer       // sends emails; nil: none are sent
	Providers      []*identity.Provider // at which people sign in; the caller closes them
	Header         *identity.Header     // by which a proxy signs people in; nil: none
	HeaderSignOut  string               // where people sign out of the proxy; "": nowhere
	Hooks          HookTester           // sends tests of webhooks; nil: tests fail
	HookStats      func() HookStats     // nil: no webhooks are delivered
	Bell           live.Bell            // between replicas; nil: there is only one process
	SecondFactor   bool                 // administrators need a passkey or an authenticator app to change anything
	AccessLog      bool                 // log one line per request
	Version        string               // for the metrics
}

// HookTester sends a test to a webhook, and returns how that went and the signature that was sent.
type HookTester interface {
	Test(context.Context, accounts.Hook) (d accounts.Delivery, signature string)
}

// HookStats says what this server has done about webhooks.
type HookStats struct {
	Delivering       bool // it's the one that delivers
	Waiting          int  // people about whom some receiver hasn't been told the latest
	Accepted, Failed uint64
}

// Limits are limits per person, per address or in total. 0 means no limit.
type Limits struct {
	Connections    int // open connections in total, sockets included; see LimitConnections
	Signups        int // accounts created per address and hour
	Logins         int // failed sign-ins per address in 15 minutes
	SocketsUser    int // open sockets per person; a stream is refused if they and the streams are as many
	SocketsAddress int // open sockets and streams per address
	Sockets        int // open sockets and streams in total
	Streams        int // open streams in total
	Acts           int // changes per person and minute; each may be sent to every open page
}

// Server answers every request. Pages get live updates while Run is running.
type Server struct {
	cfg       Config
	log       *slog.Logger
	site      site
	addresses *addresses
	limiters  Limiters
	rules     rules
	touched   uses
	conns     *connLimit
	metrics   *metrics
	providers providers
	live      *live.Board
	sockets   *sockets
	streams   *streams
	beats     *devices
	echo      *echo.Echo
	passkeys  *identity.Passkeys // nil: browsers don't allow them at the public URL
	waiting   *waits
	draining  atomic.Bool
	chosen    atomic.Pointer[inForce] // see inForce

	warned struct { // what has been logged once in this process, so that it isn't logged again
		origin, host atomic.Bool // a foreign one
		header       onceWarned
	}
}

// wantKeys makes a key if there is none. What it seals is worth nothing after a restart.
func (cfg *Config) wantKeys() (err error) {
	if cfg.Keys == nil {
		key := make([]byte, identity.KeySize)
		rand.Read(key) // never fails
		cfg.Keys, err = identity.NewKeyring(key)
	}
	return err
}

// New checks cfg and builds the server. Nothing runs and nothing listens yet.
func New(cfg Config) (*Server, error) {
	if cfg.Accounts == nil || cfg.Presence == nil || cfg.UI == nil || cfg.Log == nil {
		return nil, errors.New("handlers: Accounts, Presence, UI and Log must all be given")
	}
	if err := cfg.wantKeys(); err != nil {
		return nil, err
	}
	place, err := newSite(cfg.PublicURL)
	if err != nil {
		return nil, err
	}
	s := &Server{
		cfg:       cfg,
		log:       cfg.Log,
		site:      place,
		addresses: newAddresses(cfg.TrustedProxies, cfg.OnFly, cfg.Log),
		limiters:  cfg.Limiters.orMemory(),
		touched:   uses{shares: newShareUse()},
		rules: rules{
			crossOrigin: http.NewCrossOriginProtection(),
			headers:     securityHeaders(place, cfg.UI.Robots()),
			policies:    map[string]policy{},
		},
		providers: newProviders(cfg.Providers),
		waiting:   newWaits(),
	}
	s.useSettings(cfg.Stored)
	if s.passkeys, err = newPasskeys(cfg); err != nil {
		return nil, err
	}
	s.warnOfTeams()
	if place.origin != "" {
		if err := s.rules.crossOrigin.AddTrustedOrigin(place.origin); err != nil {
			return nil, fmt.Errorf("public URL: %w", err)
		}
	}
	if place.exposed() {
		s.log.Warn("the public URL is http: passwords and sessions cross the network readable; put TLS in front and set --public-url to its https address",
			"public-url", place.origin+place.base)
	}
	s.metrics = newMetrics(s)
	s.conns = newConnLimit(cfg.Limits.Connections, s.metrics.full.Inc)
	s.live = live.New(live.Config{
		Accounts: cfg.Accounts, Presence: cfg.Presence, Log: cfg.Log, Bell: cfg.Bell, Flushed: s.metrics.flushed,
		Fixed: cfg.Fixed, Stored: cfg.Stored,
	})
	s.live.Subscribe(s.followSettings)
	s.sockets = newSockets(cfg, s.live, s.metrics, s.encode, s.originAllowed)
	s.streams = newStreams(s)
	s.beats = newDevices(s.live, cfg.Presence)
	s.echo = s.newEcho()
	s.routes()
	if err := s.documentRoutes(); err != nil {
		return nil, err
	}
	s.metrics.learn(s.echo.Routes(), s.site.base)
	return s, nil
}

// newEcho returns the router. Every request passes the steps listed here, in this order.
func (s *Server) newEcho() *echo.Echo {
	e := echo.New()
	e.HideBanner = true
	e.HidePort = true
	e.Debug = false
	e.Logger.SetOutput(serverLog{s.log})
	e.StdLogger = log.New(serverLog{s.log}, "", 0)
	e.IPExtractor = func(r *http.Request) string { return s.addresses.of(r).String() }
	e.HTTPErrorHandler = s.answer
	e.Pre(
		s.observe,       // request id, headers, access log; answers the errors of all later steps
		s.recoverPanics, // into errors
		s.boundRequests, // long queries, and uploads
	)
	e.Use(s.applyPolicy) // once the route is known
	return e
}

// Board returns the board, for other subscribers.
func (s *Server) Board() *live.Board { return s.live }

// Handler answers every URL of Rollcall.
func (s *Server) Handler() http.Handler { return s.echo }

// Limits of the HTTP server. net/http cuts off requests that exceed them.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 15 * time.Second
	writeTimeout      = 30 * time.Second
	idleTimeout       = 60 * time.Second
	maxHeaderBytes    = 16 << 10
)

// HTTPServer returns a server for Handler with all its limits set. The caller listens, serves and shuts it down. The
// time limits don't apply to a connection after its upgrade to a websocket.
func (s *Server) HTTPServer() *http.Server {
	return &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          log.New(serverLog{s.log}, "", 0),
		// Otherwise net/http answers "OPTIONS *" without our headers.
		DisableGeneralOptionsHandler: true,
	}
}

// serverLog logs the messages of net/http and Echo about connections. Almost all of them are noise caused by clients.
type serverLog struct{ log *slog.Logger }

func (l serverLog) Write(line []byte) (int, error) {
	level := slog.LevelDebug
	if bytes.Contains(line, []byte("panic serving")) {
		level = slog.LevelError
	}
	l.log.Log(context.Background(), level, "http server", "line", string(bytes.TrimSpace(line)))
	return len(line), nil
}

var _ io.Writer = serverLog{}

// Run runs the background work of serving: the loops of the board and of the sockets, and writing the times when
// sessions were used. It returns after ctx has ended and all of it has stopped. It returns earlier only with an error
// that should end the process.
func (s *Server) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { s.live.Run(ctx); return nil })
	g.Go(func() error { s.sockets.run(ctx); return nil })
	g.Go(func() error { s.sockets.keepPinging(ctx); return nil })
	g.Go(func() error { giveBackMemory(ctx, s.sockets.traffic.opened.Load); return nil })
	g.Go(func() error { s.sockets.lists.run(ctx, s.sockets.tellLists); return nil })
	g.Go(func() error { s.streams.run(ctx); return nil })
	g.Go(func() error { s.keepTouching(ctx); return nil })
	g.Go(func() error { s.keepPruning(ctx); return nil })
	if err := g.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("board: %w", err)
	}
	return nil
}

// Drain prepares the server for shutdown: /readyz answers 503, requests that wait for news are answered, new sockets
// and streams are refused, and open ones are closed so that their pages and programs reconnect to another replica. It
// returns when all of them are closed, after 3.5 s, or when ctx ends. Requests are still answered. It can't be undone.
func (s *Server) Drain(ctx context.Context) {
	s.draining.Store(true)
	s.waiting.stop()
	s.streams.drain(ctx)
	s.sockets.drain(ctx)
}
