package replica

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/redis/rueidis"
)

// dialWait is the deadline for opening a connection, including TLS, and again for its first answers. It's longer than 1
// s, after which a lost packet is sent again. And it's shorter than 2 s, within which the process has to serve even if
// Redis doesn't answer.
const dialWait = 1200 * time.Millisecond

// location says where Redis is: on one server, on the primary that Sentinels name, or on the nodes of a cluster.
type location struct {
	option    rueidis.ClientOption
	sentinels *sentinels // nil: option has the address
	cluster   bool       // option has the addresses of some of the nodes
}

// CheckURL returns the error that Open would return for the URL alone. It contacts no server.
func CheckURL(text string) error {
	_, err := locate(Config{URL: text})
	return err
}

// locate parses the URL, and returns an error if this version doesn't support it.
func locate(cfg Config) (*location, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil { // err contains the password
		return nil, errors.New("the Redis URL cannot be read: write redis://:PASSWORD@HOST:6379, " +
			"with special characters percent-encoded")
	}
	switch q := u.Query(); {
	case strings.Contains(u.Scheme, "sentinel") || q.Has("sentinelMasterId") || q.Has("master_set") && q.Get("master_set") == "":
		return nil, errors.New("the Redis URL is of Sentinel in a form that isn't supported: " +
			"write redis://:PASSWORD@SENTINEL:26379?addr=OTHER:26379&addr=THIRD:26379&master_set=NAME")
	case strings.Contains(u.Scheme, "cluster") || strings.Contains(u.Host, ","):
		return nil, errors.New("the Redis URL is of a cluster in a form that isn't supported: " +
			"write redis://:PASSWORD@NODE:6379?addr=OTHER:6379&addr=THIRD:6379")
	case !slices.Contains([]string{"redis", "rediss", "valkey", "valkeys", "unix"}, u.Scheme):
		return nil, fmt.Errorf("the Redis URL begins with %q: write redis://, rediss:// or unix://", u.Scheme)
	case u.Scheme == "unix" && (q.Has("addr") || q.Has("master_set")):
		return nil, errors.New("the Redis URL names a socket file and other addresses: write redis:// or rediss://")
	}
	option, err := rueidis.ParseURL(cfg.URL)
	if err != nil {
		reason := strings.ReplaceAll(err.Error(), cfg.URL, u.Redacted())
		return nil, fmt.Errorf("the Redis URL cannot be used: %s", reason)
	}
	option.ForceSingleClient = true
	option.PipelineMultiplex = -1 // one connection, because several would announce in different orders
	option.BlockingPipeline = -1  // and no extra one for long batches
	option.DisableRetry = true    // the loop retries with newer data
	option.AlwaysRESP2, option.DisableCache = false, false
	option.ConnWriteTimeout = 2 * time.Second
	option.Dialer = net.Dialer{Timeout: dialWait, KeepAlive: time.Second}
	option.ClientName = "rollcall"
	if option.TLSConfig != nil {
		option.TLSConfig.RootCAs = cfg.Authorities
		option.TLSConfig.ServerName = "" // each server has the name under which it's connected to
	}
	l := &location{option: option}
	l.cluster = len(option.InitAddress) > 1 && option.Sentinel.MasterSet == ""
	switch {
	case l.cluster && option.SelectDB != 0:
		return nil, errors.New("the Redis URL names a database, but a cluster has only one: leave out its number")
	case option.Sentinel.MasterSet != "":
		l.sentinels = sentinelsOf(l.option)
		l.option.Sentinel = rueidis.SentinelOption{}
		l.option.InitAddress = []string{"the primary of " + option.Sentinel.MasterSet} // the dialer doesn't use it
	}
	return l, nil
}

// permanent returns the error to stop the start with, or nil if waiting may help. It returns nil for an unknown host
// name, because the name may not exist until its machine or container runs.
func permanent(err error) error {
	text, _, _ := strings.Cut(err.Error(), "\n") // the client adds a hint in a second line
	var unknown *tls.CertificateVerificationError
	switch {
	case strings.Contains(text, "cluster support disabled"):
		return errors.New("REDIS_URL has several addresses, but this Redis is no cluster: give the address of one server, " +
			"or add master_set if they are of Sentinels")
	case strings.Contains(text, "No such master with that name"):
		return errors.New("the Sentinels know no primary of that name: check master_set in REDIS_URL")
	case errors.As(err, &unknown):
		return fmt.Errorf("Redis: its certificate is not trusted: %w", unknown)
	case containsAny(text, "WRONGPASS", "invalid password", "invalid username-password"):
		return errors.New("Redis refuses the password or user name: check REDIS_URL")
	case strings.Contains(text, "NOAUTH"):
		return errors.New("Redis wants a password: write it into REDIS_URL, redis://:PASSWORD@HOST:6379")
	case containsAny(text, "NOPERM", "executing the script can't run", "ACL failure in script"):
		return fmt.Errorf("Redis doesn't permit this user everything that Rollcall needs (%s): "+
			"docs/replicas.md lists the permissions", text)
	case strings.Contains(text, "DB index is out of range"):
		return errors.New("Redis has no database of that number: check the end of REDIS_URL")
	case errors.Is(err, rueidis.ErrNoCache),
		containsAny(text, "unknown command", "unknown subcommand", "NOPROTO", "CLIENT TRACKING", "RESP"):
		return fmt.Errorf("this Redis lacks what Rollcall needs, above all to announce changes to clients "+
			"(CLIENT TRACKING over RESP3): use Redis 6.2 or newer, or Valkey, run by yourself or by a provider that "+
			"allows it (%s)", text)
	}
	return nil
}

func containsAny(text string, some ...string) bool {
	return slices.ContainsFunc(some, func(part string) bool { return strings.Contains(text, part) })
}
