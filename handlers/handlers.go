// Package handlers speaks HTTP: requests in, pages, JSON and live frames out.
//
// It decides who may call what, from where and how often, and answers every error in one place (errors.go). What
// people see is made by package ui, who may sign in is known by package accounts, who is here by package presence.
//
// It refuses to hold SQL, to hold markup, to read flags or the environment, and to write anything in answer to a GET.
package handlers

import (
	"bytes"
	"cmp"
	"context"
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
	"rollcall/live"
	"rollcall/presence"
	"rollcall/ui"
)

// Config is what a Server needs. Accounts, Presence, UI and Log must be given.
type Config struct {
	Accounts       *accounts.Store
	Presence       *presence.Tracker
	UI             *ui.UI
	Log            *slog.Logger
	PublicURL      *url.URL // where browsers reach the board; nil: not known, plain http at a host that no stranger can own
	Loopback       bool     // only this machine can connect
	SignupOpen     bool     // anybody who reaches the page may sign up
	Teams          Teams    // who decides which team somebody is in; "": TeamsOpen
	Invisible      bool     // people may become invisible
	Limits         Limits
	TrustedProxies []netip.Prefix // peers whose forwarding headers are believed
	OnFly          bool           // of a trusted peer, Fly-Client-IP and Fly-Request-Id are believed, and no X-Forwarded-For
	Limiters       Limiters       // count attempts; zero: in the memory of this process
	Bell           live.Bell      // between replicas; nil: there is only this one
	AccessLog      bool           // one line a request
	Version        string         // for the metrics
}

// Teams says who decides which team somebody is in.
type Teams string

const (
	TeamsOpen     Teams = "open"     // they themself, and they may name a new one
	TeamsExisting Teams = "existing" // they themself, out of those that exist
	TeamsFixed    Teams = "fixed"    // the person who runs the server
)

// Limits bound what one person, one address or everybody may use. 0 means no limit.
type Limits struct {
	Connections    int // open connections in all, sockets included; see LimitConnections
	Signups        int // accounts made per address and hour
	Logins         int // failed sign-ins per address in 15 minutes
	SocketsUser    int // open sockets per person
	SocketsAddress int // open sockets per address
	Sockets        int // open sockets in all
	Acts           int // changes per person and minute: each may reach everybody's screen
}

// Server answers every request. Run must be running for it to be live.
type Server struct {
	cfg         Config
	log         *slog.Logger
	site        site
	addresses   *addresses
	limiters    Limiters
	crossOrigin *http.CrossOriginProtection
	headers     http.Header // set on every answer; never changed after New
	touches     touches
	conns       *connLimit
	metrics     *metrics
	live        *live.Board
	sockets     *sockets
	echo        *echo.Echo
	policies    map[string]policy // by path of a route; never changed after New
	draining    atomic.Bool

	originWarned atomic.Bool // a foreign origin was named in the log, once in the life of the process
	hostWarned   atomic.Bool // so was a foreign host
}

// New checks cfg and builds the server. Nothing runs and nothing listens yet.
func New(cfg Config) (*Server, error) {
	if cfg.Accounts == nil || cfg.Presence == nil || cfg.UI == nil || cfg.Log == nil {
		return nil, errors.New("handlers: Accounts, Presence, UI and Log must all be given")
	}
	switch cfg.Teams = cmp.Or(cfg.Teams, TeamsOpen); cfg.Teams {
	case TeamsOpen, TeamsExisting, TeamsFixed:
	default:
		return nil, fmt.Errorf("handlers: Teams = %q, want open, existing or fixed", cfg.Teams)
	}
	place, err := newSite(cfg.PublicURL)
	if err != nil {
		return nil, err
	}
	s := &Server{
		cfg:         cfg,
		log:         cfg.Log,
		site:        place,
		addresses:   newAddresses(cfg.TrustedProxies, cfg.OnFly, cfg.Log),
		limiters:    cfg.Limiters.orMemory(),
		crossOrigin: http.NewCrossOriginProtection(),
		headers:     securityHeaders(place),
		policies:    map[string]policy{},
	}
	if place.origin != "" {
		if err := s.crossOrigin.AddTrustedOrigin(place.origin); err != nil {
			return nil, fmt.Errorf("public URL: %w", err)
		}
	}
	if place.exposed() {
		s.log.Warn("the public URL is http: passwords and sessions cross the network readable; put TLS in front and set --public-url to its https address",
			"public-url", place.origin+place.base)
	}
	s.metrics = newMetrics(s)
	s.conns = newConnLimit(cfg.Limits.Connections, s.metrics.away.Inc)
	s.live = live.New(live.Config{
		Accounts: cfg.Accounts, Presence: cfg.Presence, Log: cfg.Log, Bell: cfg.Bell, Flushed: s.metrics.flushed,
	})
	s.sockets = newSockets(cfg, s.live, s.metrics, s.frame, s.originAllowed)
	s.echo = s.newEcho()
	s.routes()
	s.metrics.learn(s.echo.Routes(), s.site.base)
	return s, nil
}

// newEcho puts every request through the same steps before it is routed, in the order of this list.
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
		s.observe,       // request id, headers, access log; errors of all below are answered here
		s.recoverPanics, // into errors
		s.boundRequests, // long queries, and uploads
	)
	e.Use(s.applyPolicy) // once the route is known
	return e
}

// Handler answers every URL of Rollcall.
func (s *Server) Handler() http.Handler { return s.echo }

// Limits of the server itself. A request that does not arrive within them is cut by net/http.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 15 * time.Second
	writeTimeout      = 30 * time.Second
	idleTimeout       = 60 * time.Second
	maxHeaderBytes    = 16 << 10
)

// HTTPServer returns a server for Handler with all its limits set. The caller listens, serves and shuts it down;
// an upgraded socket is outside these times.
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

// serverLog takes what net/http and Echo say about connections. Almost all of it is noise made by clients.
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

// Run does what must be done while serving: the board's loops, and the times sessions were used. It returns after ctx
// has ended and all of it has stopped; before that only with an error that should end the process.
func (s *Server) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { s.live.Run(ctx); return nil })
	g.Go(func() error { s.sockets.run(ctx); return nil })
	g.Go(func() error { s.keepTouching(ctx); return nil })
	if err := g.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("board: %w", err)
	}
	return nil
}

// Drain makes the server leave: /readyz answers 503, sockets are refused, open ones are closed so that their pages
// come back elsewhere. It returns when they have gone, at the latest after 2 s or when ctx ends. Requests go on being
// answered; it cannot be undone.
func (s *Server) Drain(ctx context.Context) {
	s.draining.Store(true)
	s.sockets.drain(ctx)
}
