package replica

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/redis/rueidis"
)

// keys are the names of the keys in Redis, or how they start.
type keys struct{ presence, replica, rev, owner, cleaner string }

func keysOf(prefix string) keys {
	return keys{
		presence: prefix + "presence:", // + the ID of a user
		replica:  prefix + "replica:",  // + the ID of a replica
		rev:      prefix + "rev",
		owner:    prefix + "store",
		cleaner:  prefix + "cleaner",
	}
}

// redisStore is the sharedStore in Redis. The protocol uses one connection with tracking. The plain client is for
// everything else.
type redisStore struct {
	at   *location
	cfg  Config
	self string
	keys keys
	to   *syncer
	bell atomic.Pointer[Bell] // nil if nobody listens

	stop    context.CancelFunc // ends following
	follows sync.WaitGroup

	opening   sync.WaitGroup
	plain     rueidis.Client // after opening
	plainConn latestConn

	generation atomic.Uint64          // of the tracked connection; announcements of older ones are ignored
	dials      atomic.Uint64          // of tracked connections
	primary    atomic.Pointer[string] // address that the latest tracked connection leads to; nil before the first

	mu      sync.Mutex
	tracked rueidis.Client // guarded by mu; nil before the first connect
}

func newRedisStore(at *location, cfg Config, self string, to *syncer) *redisStore {
	r := &redisStore{at: at, cfg: cfg, self: self, keys: keysOf(cfg.Prefix), to: to, stop: func() {}}
	plain := at.option
	plain.DisableCache = true
	plain.DialCtxFn = at.dialer(r.plainConn.opened)
	r.opening.Go(func() { r.plain, _ = rueidis.NewClient(plain) }) // works later if the server is down now
	return r
}

// follow starts to watch where the server is, if that can change. close ends it.
func (r *redisStore) follow() {
	if r.at.sentinels == nil {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	r.stop = stop
	r.follows.Go(func() { r.followSentinels(ctx) })
}

// connect opens the tracked connection, and closes the previous one.
func (r *redisStore) connect(context.Context) error {
	generation := r.generation.Add(1)
	option := r.at.option
	option.ClientTrackingOptions = []string{
		"BCAST", "PREFIX", r.keys.presence, "PREFIX", r.keys.replica, "PREFIX", r.keys.rev,
	}
	option.DialCtxFn = r.at.dialer(func(address string, _ net.Conn) {
		r.primary.Store(&address)
		if r.dials.Add(1) > 1 {
			r.plainConn.close() // the address may lead to another server now
		}
	})
	option.OnInvalidations = func(keys []rueidis.RedisMessage) {
		if r.generation.Load() == generation {
			r.announced(keys)
		}
	}
	client, err := rueidis.NewClient(option)
	if client == nil {
		return err
	}
	r.mu.Lock()
	old := r.tracked
	r.tracked = client
	r.mu.Unlock()
	if old != nil {
		old.Close()
	}
	return err
}

// announced passes on which keys changed. nil means that announcements were lost, because the connection broke or all
// keys were deleted. It runs on the connection's reading goroutine, so it only marks.
func (r *redisStore) announced(changed []rueidis.RedisMessage) {
	if changed == nil {
		r.bell.Load().ring()
		r.to.announcementsLost()
		return
	}
	names := make([]string, len(changed))
	for i := range changed {
		names[i], _ = changed[i].ToString()
	}
	users, replicas, rev := r.keys.sort(names)
	if rev {
		r.bell.Load().ring()
	}
	if removals := r.keys.removals(names); len(removals) > 0 {
		r.to.removing(removals)
	}
	if len(users)+len(replicas) > 0 {
		r.to.announced(users, replicas)
	}
}

// removal returns the name of the key that says that a replica removes its entry of a user. It begins like a lease,
// because Redis refuses more prefixes in the command that comes before the password is checked.
func (k *keys) removal(r removal) string { return k.replica + r.replica + removes + r.user }

const removes = ":removes:"

// removals returns the removals that keys say by their names. Their values mean nothing.
func (k *keys) removals(names []string) (all []removal) {
	for _, name := range names {
		about, ok := strings.CutPrefix(name, k.replica)
		if id, user, whole := strings.Cut(about, removes); ok && whole && isReplicaID(id) {
			all = append(all, removal{user, id})
		}
	}
	return all
}

// sort returns the users and replicas that keys belong to, and whether rev is among them. It skips all other keys.
func (k *keys) sort(names []string) (users, replicas []string, rev bool) {
	for _, name := range names {
		if user, ok := strings.CutPrefix(name, k.presence); ok {
			users = append(users, user)
		} else if id, ok := strings.CutPrefix(name, k.replica); ok && isReplicaID(id) {
			replicas = append(replicas, id)
		} else if name == k.rev {
			rev = true
		}
	}
	return users, replicas, rev
}

var errNotConnected = errors.New("not connected to Redis")

func (r *redisStore) client() rueidis.Client {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.tracked
}

// do sends commands in one batch and returns their answers, or the first error other than a missing key.
func (r *redisStore) do(ctx context.Context, commands ...rueidis.Completed) ([]rueidis.RedisResult, error) {
	c := r.client()
	if c == nil {
		return nil, errNotConnected
	}
	answers := c.DoMulti(ctx, commands...)
	for _, a := range answers {
		if err := a.Error(); err != nil && !rueidis.IsRedisNil(err) {
			return nil, readOnly(err)
		}
	}
	return answers, nil
}

// readOnly wraps err in errReadOnly if the server accepts no writes because it became a replica of another one.
func readOnly(err error) error {
	if r, ok := rueidis.IsRedisErr(err); ok && strings.HasPrefix(r.Error(), "READONLY") {
		return fmt.Errorf("%w: %w", errReadOnly, err)
	}
	return err
}

func (r *redisStore) build() rueidis.Builder { return r.client().B() }

func (r *redisStore) reconnect(ctx context.Context) error {
	if err := r.connect(ctx); err != nil {
		return fmt.Errorf("reconnect: %w", err)
	}
	return nil
}

func (r *redisStore) close() {
	r.stop()
	r.follows.Wait()
	r.generation.Add(1)
	if c := r.client(); c != nil {
		c.Close()
	}
	r.opening.Wait()
	r.plain.Close()
}
