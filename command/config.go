package command

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"rollcall/accounts"
)

// settings is everything that an operator can choose for a server. A flag wins over its variable, and the variable over
// the default. Call check before anything else.
type settings struct {
	Addr           string   `group:"Listening:" variable:"ROLLCALL_ADDR" default:"127.0.0.1:8080" help:"Host and port to listen on. :8080 means every interface. If not set, PORT is used as :$$PORT."`
	PublicURL      string   `group:"Listening:" variable:"ROLLCALL_PUBLIC_URL" placeholder:"URL" help:"Public address, including any base path. Determines the cookie, the host that Rollcall answers for, and the origins that can connect."`
	MetricsAddr    string   `group:"Listening:" variable:"ROLLCALL_METRICS_ADDR" placeholder:"HOST:PORT" help:"Where to serve /metrics for Prometheus. Off by default."`
	DebugAddr      string   `group:"Listening:" variable:"ROLLCALL_DEBUG_ADDR" placeholder:"HOST:PORT" help:"Where to serve Go profiles (/debug/pprof/), on this machine only. Off by default."`
	TrustedProxies []prefix `group:"Listening:" variable:"ROLLCALL_TRUSTED_PROXIES" placeholder:"CIDR" help:"Comma-separated addresses or ranges of proxies. Their forwarding headers set the client's address, and their X-Request-Id (on Fly, Fly-Request-Id) sets the request's ID."`

	brand `group:"Board:"`

	storage `group:"Storage:"`

	Signup              string `group:"Access:" variable:"ROLLCALL_SIGNUP" enum:",open,invite,approve,domains,off" default:"" help:"Who can create an account. open: anyone who can open the page. invite: people with an invitation. approve: people with an invitation, and anyone else once an administrator approves. domains: people with an invitation, and people with an email address at one of --signup-domains; this needs ROLLCALL_SMTP_URL. off: as invite, but no page says how to get an invitation. If not set, administrators choose; until then, it is open if only this machine can connect, else invite."`
	SignupDomains       string `group:"Access:" variable:"ROLLCALL_SIGNUP_DOMAINS" placeholder:"DOMAIN" help:"With --signup domains: comma-separated domains of email addresses, such as example.org. If not set, administrators choose."`
	Teams               string `group:"Access:" variable:"ROLLCALL_TEAMS" enum:",open,existing,fixed" default:"" help:"open: people choose a team or name a new one. existing: they choose an existing team. fixed: only administrators move them. If not set, administrators choose; until then, it is open."`
	Visibility          string `group:"Access:" variable:"ROLLCALL_VISIBILITY" enum:",everyone,teams" default:"" help:"Whom people see. everyone: everybody. teams: only their own team and teams that an administrator pairs with it. Administrators see everybody. With teams, only administrators choose teams. If not set, administrators choose; until then, it is everyone."`
	RequireSecondFactor bool   `group:"Access:" variable:"ROLLCALL_REQUIRE_SECOND_FACTOR" default:"false" help:"Administrators need a passkey or an authenticator app to change anything. Without one, they can still sign in and set one up."`

	AllowRobots bool `group:"Access:" variable:"ROLLCALL_ALLOW_ROBOTS" default:"false" help:"Let search engines list public pages, such as the sign-in page."`

	mailing

	webhooks

	signOn `group:"Single sign-on:"`

	LimitSignups        int `group:"Limits (0 means no limit, unless noted):" variable:"ROLLCALL_LIMIT_SIGNUPS" default:"60" help:"Sign-ups per address and hour."`
	LimitLogins         int `group:"Limits (0 means no limit, unless noted):" variable:"ROLLCALL_LIMIT_LOGINS" default:"100" help:"Failed sign-ins per address in 15 minutes. The limit on successful ones is 10 times as high."`
	LimitSocketsUser    int `group:"Limits (0 means no limit, unless noted):" variable:"ROLLCALL_LIMIT_SOCKETS_USER" default:"20" help:"Live connections per person."`
	LimitSocketsAddress int `group:"Limits (0 means no limit, unless noted):" variable:"ROLLCALL_LIMIT_SOCKETS_ADDRESS" default:"1000" help:"Live connections per address."`
	LimitSockets        int `group:"Limits (0 means no limit, unless noted):" variable:"ROLLCALL_LIMIT_SOCKETS" default:"0" help:"Live connections in total. 0 means nine tenths of --limit-connections."`
	LimitStreams        int `group:"Limits (0 means no limit, unless noted):" variable:"ROLLCALL_LIMIT_STREAMS" default:"1000" help:"Open streams for programs in total. They also count as live connections."`
	LimitConnections    int `group:"Limits (0 means no limit, unless noted):" variable:"ROLLCALL_LIMIT_CONNECTIONS" default:"0" help:"Open connections in total, including live ones. 0 means 20,000, or fewer if the system's limit on open files is lower, or a tenth more than --limit-sockets if that's higher."`
	LimitActs           int `group:"Limits (0 means no limit, unless noted):" variable:"ROLLCALL_LIMIT_ACTS" default:"60" help:"Changes per person and minute, and as many forms of the administration. Each change can reach everyone's screen."`
	LimitHashes         int `group:"Limits (0 means no limit, unless noted):" variable:"ROLLCALL_LIMIT_HASHES" default:"0" help:"Passwords hashed at once. Each takes 19 MiB and one core. 0 means 2, or 1 on a single core."`

	sharing

	IdleAfter    time.Duration `group:"Presence:" variable:"ROLLCALL_IDLE_AFTER" default:"10m" help:"Time without input until a person is away. 0 means never."`
	Invisible    string        `group:"Presence:" variable:"ROLLCALL_INVISIBLE" enum:",on,off" default:"" help:"on: people can go invisible and appear offline. off: they can't. If not set, administrators choose; until then, it is on."`
	GraceClean   time.Duration `hidden:"" variable:"ROLLCALL_GRACE_CLEAN" default:"5s" help:"How long a person stays after the browser closes their last connection."`
	GraceDropped time.Duration `hidden:"" variable:"ROLLCALL_GRACE_DROPPED" default:"15s" help:"How long a person stays after their last connection drops."`
	Warming      time.Duration `hidden:"" variable:"ROLLCALL_WARMING" default:"10s" help:"After a start, how long people have to come back before anyone is shown as gone."`

	AccessLog string `group:"Log:" variable:"ROLLCALL_ACCESS_LOG" enum:"on,off" default:"on" help:"on: one line per request; for a live connection, when it ends. off: none."`
	LogFormat string `group:"Log:" variable:"ROLLCALL_LOG_FORMAT" enum:"text,json" default:"text" help:"text or json."`
	LogLevel  string `group:"Log:" variable:"ROLLCALL_LOG_LEVEL" enum:"debug,info,warn,error" default:"info" help:"Minimum log level: debug, info, warn, or error."`

	Public *url.URL `kong:"-"` // PublicURL parsed, without a slash at the end; nil: not set and not on Fly
	OnFly  bool     `kong:"-"` // runs on a Fly machine, by FLY_APP_NAME
}

// check reads the secrets, and returns an error if settings are invalid or contradict each other. The error says what
// to change.
func (s *settings) check(env environment) error {
	if err := s.storage.check(env); err != nil {
		return err
	}
	var err error
	if err := s.sharing.check(env); err != nil {
		return err
	}
	s.OnFly = env["FLY_APP_NAME"] != ""
	s.PublicURL = publicAddress(s.PublicURL, env)
	if s.Public, err = publicURL(s.PublicURL); err != nil {
		return err
	}
	if err := s.brand.check(); err != nil {
		return err
	}
	if err := s.signOn.check(env, s.Public); err != nil {
		return err
	}
	if err := s.mailing.check(env, s.Public); err != nil {
		return err
	}
	return cmp.Or(checkAddr(s.Addr), checkDiagnostics(s), s.checkLimits(), s.checkTimes(), checkDomains(s),
		s.checkVisibility(), s.webhooks.check())
}

// publicURL parses the public address. The result has no slash at the end of its path.
func publicURL(text string) (*url.URL, error) {
	if text == "" {
		return nil, nil
	}
	u, err := url.Parse(text)
	switch {
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		return nil, fmt.Errorf("--public-url %q: write a whole address, like https://board.example.org", text)
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.User != nil:
		return nil, fmt.Errorf("--public-url %q: use only scheme, host, port and path", text)
	}
	base := strings.TrimRight(u.Path, "/")
	if base != "" && path.Clean(base) != base {
		return nil, fmt.Errorf("--public-url %q: remove // and .. from its path", text)
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host, Path: base}, nil
}

// base returns the path under which everything is served: "", or one like "/rollcall".
func (s *settings) base() string {
	if s.Public == nil {
		return ""
	}
	return s.Public.Path
}

// checkVisibility refuses flags that contradict each other: whoever can choose their team can see anybody.
func (s *settings) checkVisibility() error {
	if s.Visibility == accounts.VisibleTeams && s.Teams != "" && s.Teams != accounts.TeamsFixed {
		return fmt.Errorf("--teams %s contradicts --visibility teams: whoever chooses their team could see everybody, so use "+
			"--teams fixed, or leave it out", s.Teams)
	}
	return nil
}

func checkAddr(addr string) error { return checkAddrOf("--addr", addr) }

func checkAddrOf(flag, addr string) error {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("%s %q: write HOST:PORT, or :PORT for every interface", flag, addr)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return fmt.Errorf("%s %q: the port must be a number from 0 (any free one) to 65535", flag, addr)
	}
	return nil
}

func (s *settings) checkLimits() error {
	const none, ours = "no limit", "that Rollcall chooses"
	for _, limit := range []struct {
		flag  string
		value int
		zero  string
	}{
		{"--limit-signups", s.LimitSignups, none},
		{"--limit-logins", s.LimitLogins, none},
		{"--limit-sockets-user", s.LimitSocketsUser, none},
		{"--limit-sockets-address", s.LimitSocketsAddress, none},
		{"--limit-sockets", s.LimitSockets, ours},
		{"--limit-streams", s.LimitStreams, none},
		{"--limit-connections", s.LimitConnections, ours},
		{"--limit-acts", s.LimitActs, none},
		{"--limit-hashes", s.LimitHashes, ours},
	} {
		if limit.value < 0 {
			return fmt.Errorf("%s %d: negative; 0 means %s", limit.flag, limit.value, limit.zero)
		}
	}
	if s.LimitConnections > 0 && s.LimitSockets > s.LimitConnections {
		return fmt.Errorf("--limit-sockets %d is more than --limit-connections %d, which counts them too",
			s.LimitSockets, s.LimitConnections)
	}
	return nil
}

func (s *settings) checkTimes() error {
	switch {
	case s.IdleAfter < 0 || s.GraceClean < 0 || s.GraceDropped < 0 || s.Warming < 0:
		return errors.New("--idle-after, --grace-clean, --grace-dropped and --warming must not be negative")
	case s.GraceClean > s.GraceDropped:
		return fmt.Errorf("--grace-clean %v is longer than --grace-dropped %v: "+
			"closing the page would take longer to show than losing the connection", s.GraceClean, s.GraceDropped)
	}
	return nil
}

// logger returns a logger that writes to w in the chosen format.
func (s *settings) logger(w io.Writer) *slog.Logger {
	var level slog.Level // stays info if the text isn't a level, which the enum rules out
	_ = level.UnmarshalText([]byte(s.LogLevel))
	options := &slog.HandlerOptions{Level: level}
	if s.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// prefix is a range of addresses. A single address is a range of one.
type prefix struct{ netip.Prefix }

// UnmarshalText parses an address or a CIDR range.
func (p *prefix) UnmarshalText(text []byte) error {
	if addr, err := netip.ParseAddr(string(text)); err == nil {
		p.Prefix = netip.PrefixFrom(addr, addr.BitLen())
		return nil
	}
	found, err := netip.ParsePrefix(string(text))
	if err != nil {
		return fmt.Errorf("%q isn't an address or a range like 10.0.0.0/8", text)
	}
	p.Prefix = found.Masked()
	return nil
}
