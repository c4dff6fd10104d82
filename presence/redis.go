package presence

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"
)

// dialWait is for a connection to open, TLS included, and again for its first answers. A server that is away or silent
// costs the start one of them, and the start promises to serve within 2 s. A lost packet is sent again after 1 s.
const dialWait = 1200 * time.Millisecond

// RedisConfig says which noticeboard replicas share.
type RedisConfig struct {
	URL    string // redis://, rediss:// or unix://, one server that allows CLIENT TRACKING
	Prefix string // before every key; the server may be shared, the prefix may not
	Store  string // id of the accounts store, which all replicas of one noticeboard must share
	Log    *slog.Logger

	claimAfter time.Duration // 0: as long as replicas that were here before may need to mark an empty Redis as theirs

	// Check, if set, reports what Redis refuses to those who use Redis.Client. It's called at the start and by Inspect.
	Check func(context.Context, rueidis.Client) error
}

// Redis is a Registry over Redis (server-assisted client-side caching in broadcast mode, Redis 6.2 or Valkey and newer),
// and the bell by which replicas tell each other to look at the accounts.
type Redis struct {
	*syncer
	link *redisLink
}

// OpenRedis joins the noticeboard. A server that cannot be reached now is no error: it is joined when it appears. An
// error is what waiting would not mend: a URL that is none, a wrong password, a server that cannot do what is needed,
// or replicas with another accounts store on the same noticeboard.
func OpenRedis(ctx context.Context, cfg RedisConfig) (*Redis, error) {
	option, err := redisOption(cfg.URL)
	if err != nil {
		return nil, err
	}
	id := replicaID()
	r := &Redis{syncer: newSyncer(id, cfg.Log)}
	if cfg.claimAfter > 0 {
		r.syncer.claimAfter = cfg.claimAfter
	}
	r.link = newRedisLink(option, cfg, id, r.syncer)
	r.syncer.link = r.link
	err = r.link.connect(ctx)
	r.link.opening.Wait()
	if err != nil {
		if err := permanent(err); err != nil {
			r.link.close()
			return nil, err
		}
		cfg.Log.Warn("Redis cannot be reached; serving alone until it appears; if that is not what you expect, check REDIS_URL", "err", err)
	} else if err := r.link.probe(ctx); err != nil {
		r.link.close()
		return nil, err
	}
	r.start()
	return r, nil
}

// CheckRedisURL returns the error that OpenRedis would return for the URL alone, without asking any server.
func CheckRedisURL(text string) error {
	_, err := redisOption(text)
	return err
}

// ID is this replica's id. It is new with every start, so that nothing a former process left is taken for ours.
func (r *Redis) ID() string { return r.self }

// Nudge tells all replicas, this one too, that accounts have changed up to rev. It is only a bell: a lost one is made
// up for by their regular looks.
func (r *Redis) Nudge(ctx context.Context, rev int64) error { return r.link.nudge(ctx, rev) }

// Nudged is readable after somebody rang. Capacity 1.
func (r *Redis) Nudged() <-chan struct{} { return r.link.nudged }

// Client is the connection for other uses. It has no cache and no tracking; calls need a context with a deadline.
func (r *Redis) Client() rueidis.Client { return r.link.plain }

// A replica's id is the host name, for people who read Redis, a hyphen, and random text, so that no id is used twice.
const (
	idHost   = 20 // bytes at most
	idRandom = 10 // bytes
)

func replicaID() string {
	host, _ := os.Hostname()
	host = strings.Map(func(r rune) rune {
		if isHostRune(r) {
			return r
		}
		return -1
	}, host)
	return host[:min(len(host), idHost)] + "-" + rand.Text()[:idRandom]
}

// isReplicaID reports whether text has the shape of a replica's id. Fields and keys that other programs write under our
// prefix don't, so nobody takes them for a replica, shows them, or removes them.
func isReplicaID(text string) bool {
	hyphen := len(text) - idRandom - 1
	if hyphen < 0 || hyphen > idHost || text[hyphen] != '-' {
		return false
	}
	isRandomRune := func(r rune) bool { return r >= 'A' && r <= 'Z' || r >= '2' && r <= '7' } // base32, as of rand.Text
	return strings.IndexFunc(text[:hyphen], func(r rune) bool { return !isHostRune(r) }) < 0 &&
		strings.IndexFunc(text[hyphen+1:], func(r rune) bool { return !isRandomRune(r) }) < 0
}

func isHostRune(r rune) bool {
	return r == '-' || r == '.' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}

// redisOption reads the URL, and refuses what this version cannot use.
func redisOption(text string) (rueidis.ClientOption, error) {
	u, err := url.Parse(text)
	if err != nil { // its text holds the password
		return rueidis.ClientOption{}, errors.New("the Redis URL cannot be read: write redis://:PASSWORD@HOST:6379, with special characters percent-encoded")
	}
	switch q := u.Query(); {
	case strings.Contains(u.Scheme, "sentinel") || q.Has("master_set") || q.Has("sentinelMasterId"):
		return rueidis.ClientOption{}, errors.New("the Redis URL is of Sentinel, which is not supported yet: give the address of one server")
	case strings.Contains(u.Scheme, "cluster") || q.Has("addr") || strings.Contains(u.Host, ","):
		return rueidis.ClientOption{}, errors.New("the Redis URL is of a cluster, which is not supported yet: give the address of one server")
	case u.Scheme != "redis" && u.Scheme != "rediss" && u.Scheme != "valkey" && u.Scheme != "valkeys" && u.Scheme != "unix":
		return rueidis.ClientOption{}, fmt.Errorf("the Redis URL begins with %q: write redis://, rediss:// or unix://", u.Scheme)
	}
	option, err := rueidis.ParseURL(text)
	if err != nil {
		return option, fmt.Errorf("the Redis URL cannot be used: %s", strings.ReplaceAll(err.Error(), text, u.Redacted()))
	}
	option.ForceSingleClient = true
	option.PipelineMultiplex = -1 // one connection: several would each have their own order of announcements
	option.BlockingPipeline = -1  // and none more for long batches
	option.DisableRetry = true    // the loop retries, with what is true then
	option.AlwaysRESP2, option.DisableCache = false, false
	option.ConnWriteTimeout = 2 * time.Second
	option.Dialer = net.Dialer{Timeout: dialWait, KeepAlive: time.Second}
	option.ClientName = "rollcall"
	return option, nil
}

// permanent returns the error to end the start with, or nil where waiting may help. A host that has no address is no
// such error: where names are those of machines or containers that run, it may come to have one.
func permanent(err error) error {
	text, _, _ := strings.Cut(err.Error(), "\n") // the client adds a hint of its own
	var unknown *tls.CertificateVerificationError
	switch {
	case errors.As(err, &unknown):
		return fmt.Errorf("Redis: its certificate is not trusted: %w", unknown)
	case strings.Contains(text, "WRONGPASS"), strings.Contains(text, "invalid password"), strings.Contains(text, "invalid username-password"):
		return errors.New("Redis refuses the password or user name: check REDIS_URL")
	case strings.Contains(text, "NOAUTH"):
		return errors.New("Redis wants a password: write it into REDIS_URL, redis://:PASSWORD@HOST:6379")
	case strings.Contains(text, "NOPERM"), strings.Contains(text, "executing the script can't run"), strings.Contains(text, "ACL failure in script"):
		return fmt.Errorf("Redis doesn't permit this user everything that Rollcall needs (%s): docs/replicas.md lists the permissions", text)
	case strings.Contains(text, "DB index is out of range"):
		return errors.New("Redis has no database of that number: check the end of REDIS_URL")
	case errors.Is(err, rueidis.ErrNoCache), strings.Contains(text, "unknown command"), strings.Contains(text, "unknown subcommand"),
		strings.Contains(text, "NOPROTO"), strings.Contains(text, "CLIENT TRACKING"), strings.Contains(text, "RESP"):
		return fmt.Errorf("this Redis lacks what Rollcall needs, above all to announce changes to clients (CLIENT TRACKING over RESP3): use Redis 6.2 or newer, or Valkey, run by yourself or by a provider that allows it (%s)", text)
	}
	return nil
}

// StoreError says that two groups of replicas with different accounts met on one noticeboard.
type StoreError struct{ Ours, Theirs string }

func (e *StoreError) Error() string {
	return fmt.Sprintf("replicas with another accounts store use this Redis: theirs is %s, ours is %s; give each its own --redis-prefix, or all the same database", e.Theirs, e.Ours)
}

func formatRev(rev int64) string { return strconv.FormatInt(rev, 10) }
