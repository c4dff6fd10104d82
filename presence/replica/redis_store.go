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

	cluster *cluster // nil: one server

	mu      sync.Mutex
	tracked client // guarded by mu; nil before the first connect
}

// client is what the store needs of a Redis client.
type client interface {
	rueidis.CommandClient
	Close()
}

func newRedisStore(at *location, cfg Config, self string, to *syncer) *redisStore {
	r := &redisStore{at: at, cfg: cfg, self: self, keys: keysOf(cfg.Prefix), to: to, stop: func() {}}
	if at.cluster {
		r.cluster = newCluster(at, r.tracking(), listener{
			announced: r.announced, broke: to.wake, back: r.nodeBack, moved: r.slotsMoved,
		})
		r.plain, r.tracked = &clusterClient{cluster: r.cluster, plain: true}, &clusterClient{cluster: r.cluster}
		return r
	}
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
	at := func() string {
		if at := r.primary.Load(); at != nil {
			return *at
		}
		return ""
	}
	r.follows.Go(func() { r.at.sentinels.follow(ctx, at, r.moved) })
}

// moved replaces the connection after the Sentinels made another server the primary.
func (r *redisStore) moved(was, is string) {
	r.cfg.Log.Info("the Sentinels have made another Redis server the primary", "was", was, "is", is)
	r.to.moved()
}

// tracking returns the options of CLIENT TRACKING.
func (r *redisStore) tracking() []string {
	return []string{"BCAST", "PREFIX", r.keys.presence, "PREFIX", r.keys.replica, "PREFIX", r.keys.rev}
}

// connect opens the tracked connections for the first time.
func (r *redisStore) connect(ctx context.Context) error {
	if r.cluster != nil {
		return r.cluster.start(ctx)
	}
	return r.dial()
}

// dial opens the tracked connection to one server, and closes the previous one.
func (r *redisStore) dial() error {
	generation := r.generation.Add(1)
	option := r.at.option
	option.ClientTrackingOptions = r.tracking()
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
		r.missed()
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

// slotsMoved says that keys moved to other nodes of a cluster, as key says.
func (r *redisStore) slotsMoved(key func(string) bool) {
	r.to.moveOwn(func(user string) bool { return key(r.keys.presence + user) })
}

// missed says that announcements may have been missed.
func (r *redisStore) missed() {
	r.bell.Load().ring()
	r.to.announcementsLost()
}

// nodeBack says that a node of a cluster can be used again.
func (r *redisStore) nodeBack() {
	r.bell.Load().ring()
	r.to.partBack()
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

func (r *redisStore) client() client {
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

func (r *redisStore) whole() error {
	if r.cluster == nil {
		return nil
	}
	return r.cluster.whole()
}

func (r *redisStore) build() rueidis.Builder { return r.client().B() }

func (r *redisStore) reconnect(context.Context) error {
	if r.cluster != nil {
		r.cluster.reopen()
		return nil
	}
	if err := r.dial(); err != nil {
		return fmt.Errorf("reconnect: %w", err)
	}
	return nil
}

func (r *redisStore) close() {
	r.stop()
	r.follows.Wait()
	r.generation.Add(1)
	if r.cluster != nil {
		r.cluster.close()
		return
	}
	if c := r.client(); c != nil {
		c.Close()
	}
	r.opening.Wait()
	r.plain.Close()
	if r.at.sentinels != nil {
		r.at.sentinels.asking.Wait()
	}
}
