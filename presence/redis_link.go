package presence

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"
)

const (
	storeTTL   = 60 * time.Second // of the mark that says which accounts store the replicas share
	cleanerTTL = 20 * time.Second // for one replica to clean up after others
	scanCount  = 1000             // keys a step of SCAN looks at
)

// redisLink is the noticeboard in Redis. Beside the one tracked connection, which all of the protocol uses, it has a
// plain client for everything else.
type redisLink struct {
	option  rueidis.ClientOption
	cfg     RedisConfig
	self    string
	to      *syncer
	nudged  chan struct{}  // capacity 1
	plain   rueidis.Client // after opening
	opening sync.WaitGroup

	presence, replica, rev, store, cleaner string // keys, or their beginnings

	current atomic.Uint64 // counts connections: announcements of a replaced one are not ours
	dials   atomic.Uint64 // of the tracked connection

	plainConn droppable

	mu      sync.Mutex
	tracked rueidis.Client // guarded by mu; nil before the first connect
}

func newRedisLink(option rueidis.ClientOption, cfg RedisConfig, self string, to *syncer) *redisLink {
	l := &redisLink{option: option, cfg: cfg, self: self, to: to, nudged: make(chan struct{}, 1)}
	l.presence, l.replica = cfg.Prefix+"presence:", cfg.Prefix+"replica:"
	l.rev, l.store, l.cleaner = cfg.Prefix+"rev", cfg.Prefix+"store", cfg.Prefix+"cleaner"
	plain := option
	plain.DisableCache = true
	plain.DialCtxFn = l.plainConn.dialer(option.DialCtxFn)
	l.opening.Go(func() { l.plain, _ = rueidis.NewClient(plain) }) // usable even while the server is away
	return l
}

// connect opens the tracked connection, in the place of the one there was.
func (l *redisLink) connect(context.Context) error {
	generation := l.current.Add(1)
	option := l.option
	option.ClientTrackingOptions = []string{"BCAST", "PREFIX", l.presence, "PREFIX", l.replica, "PREFIX", l.rev}
	dial := dialer(option.DialCtxFn)
	option.DialCtxFn = func(ctx context.Context, address string, d *net.Dialer, c *tls.Config) (net.Conn, error) {
		conn, err := dial(ctx, address, d, c)
		if err == nil && l.dials.Add(1) > 1 {
			l.plainConn.drop() // the address may lead to another server now
		}
		return conn, err
	}
	option.OnInvalidations = func(keys []rueidis.RedisMessage) {
		if l.current.Load() == generation {
			l.announced(keys)
		}
	}
	client, err := rueidis.NewClient(option)
	if client == nil {
		return err
	}
	l.mu.Lock()
	old := l.tracked
	l.tracked = client
	l.mu.Unlock()
	if old != nil {
		old.Close()
	}
	return err
}

// announced sorts what changed. nil means that announcements were lost: the connection broke, or all keys are gone. It
// runs on the connection's reading goroutine and only marks.
func (l *redisLink) announced(keys []rueidis.RedisMessage) {
	if keys == nil {
		l.ring()
		l.to.invalidated(nil, nil, true)
		return
	}
	names := make([]string, len(keys))
	for i := range keys {
		names[i], _ = keys[i].ToString()
	}
	users, replicas, rev := l.sort(names)
	if rev {
		l.ring()
	}
	if len(users)+len(replicas) > 0 {
		l.to.invalidated(users, replicas, false)
	}
}

// sort tells which users and replicas keys belong to, and whether the bell is among them. It skips all other keys.
func (l *redisLink) sort(keys []string) (users, replicas []string, rev bool) {
	for _, key := range keys {
		if user, ok := strings.CutPrefix(key, l.presence); ok {
			users = append(users, user)
		} else if id, ok := strings.CutPrefix(key, l.replica); ok && isReplicaID(id) {
			replicas = append(replicas, id)
		} else if key == l.rev {
			rev = true
		}
	}
	return users, replicas, rev
}

func (l *redisLink) ring() {
	select {
	case l.nudged <- struct{}{}:
	default:
	}
}

var errNotConnected = errors.New("not connected to Redis")

func (l *redisLink) client() rueidis.Client {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tracked
}

// do sends commands in one batch and returns their answers, or the first error that is not a missing key.
func (l *redisLink) do(ctx context.Context, commands ...rueidis.Completed) ([]rueidis.RedisResult, error) {
	c := l.client()
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

// readOnly makes err an errReadOnly if it says that the server takes no writes, because it became a replica of another.
func readOnly(err error) error {
	if r, ok := rueidis.IsRedisErr(err); ok && strings.HasPrefix(r.Error(), "READONLY") {
		return fmt.Errorf("%w: %w", errReadOnly, err)
	}
	return err
}

func (l *redisLink) build() rueidis.Builder { return l.client().B() }

// probe finds out at the start whether this server lets us do all we need, and whether its noticeboard is ours. It
// returns only errors that waiting doesn't mend.
func (l *redisLink) probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, roundWait)
	defer cancel()
	if err := l.needs(ctx); err != nil {
		return lasting(err)
	}
	var other *StoreError
	if err := l.owner(ctx, false); errors.As(err, &other) {
		return other
	} else if err != nil && !errors.Is(err, errUnowned) {
		return permanent(err)
	}
	return nil
}

func (l *redisLink) owner(ctx context.Context, contest bool) error {
	b := l.build()
	answers, err := l.do(ctx,
		b.Getex().Key(l.store).Build(), // without an option it changes nothing
		b.Pttl().Key(l.store).Build())
	if err != nil {
		return err
	}
	left, _ := answers[1].AsInt64() // negative: it does not end
	err = l.sameStore(answers[0])
	switch {
	case rueidis.IsRedisNil(err):
		return errUnowned
	case err != nil && contest && (left < 0 || left > LeaseTTL.Milliseconds()):
		if _, err := l.do(ctx, b.Pexpire().Key(l.store).Milliseconds(LeaseTTL.Milliseconds()).Build()); err != nil {
			return err
		}
	}
	return err
}

func (l *redisLink) claim(ctx context.Context) error {
	b := l.build()
	answers, err := l.do(ctx,
		b.Set().Key(l.store).Value(l.cfg.Store).Nx().Px(storeTTL).Build(),
		b.Getex().Key(l.store).Px(storeTTL).Build())
	if err != nil {
		return err
	}
	return l.sameStore(answers[1])
}

func (l *redisLink) sameStore(answer rueidis.RedisResult) error {
	theirs, err := answer.ToString()
	if err != nil || theirs == l.cfg.Store {
		return err
	}
	return &StoreError{Ours: l.cfg.Store, Theirs: theirs}
}

func (l *redisLink) beat(ctx context.Context, says health) (bool, error) {
	b := l.build()
	answers, err := l.do(ctx,
		b.Set().Key(l.replica+l.self).Value(encodeHealth(says)).Get().Px(LeaseTTL).Build(),
		b.Getex().Key(l.store).Px(storeTTL).Build())
	if err != nil {
		return false, err
	}
	if err := l.sameStore(answers[1]); rueidis.IsRedisNil(err) {
		err = l.claim(ctx)
		if err != nil {
			return false, err
		}
	} else if err != nil {
		return false, err
	}
	return !rueidis.IsRedisNil(answers[0].Error()), nil
}

// survey takes a number of steps that grows with all keys of the server, so each step has its own time limit.
func (l *redisLink) survey(ctx context.Context, found func(users, replicas []string)) error {
	for cursor := uint64(0); ; {
		answers, err := step(ctx, func(ctx context.Context) ([]rueidis.RedisResult, error) {
			return l.do(ctx, l.build().Scan().Cursor(cursor).Match(globEscape(l.cfg.Prefix)+"*").Count(scanCount).Build())
		})
		if err != nil {
			return err
		}
		some, err := answers[0].AsScanEntry()
		if err != nil {
			return err
		}
		if users, replicas, _ := l.sort(some.Elements); len(users)+len(replicas) > 0 {
			found(users, replicas)
		}
		if cursor = some.Cursor; cursor == 0 {
			return nil
		}
	}
}

func (l *redisLink) write(ctx context.Context, entries []entry) error {
	commands := make([]rueidis.Completed, len(entries))
	for i, e := range entries {
		key := l.presence + e.user
		if e.value == "" {
			commands[i] = l.build().Hdel().Key(key).Field(l.self).Build()
		} else {
			commands[i] = l.build().Hset().Key(key).FieldValue().FieldValue(l.self, e.value).Build()
		}
	}
	_, err := l.do(ctx, commands...)
	if isForeign(err) {
		return nil // reading it, which is due by now, makes room, and the audit writes again
	}
	return err
}

func (l *redisLink) leases(ctx context.Context, replicas []string) ([]time.Duration, error) {
	commands := make([]rueidis.Completed, len(replicas))
	for i, id := range replicas {
		commands[i] = l.build().Pttl().Key(l.replica + id).Build()
	}
	answers, err := l.do(ctx, commands...)
	if err != nil {
		return nil, err
	}
	left := make([]time.Duration, len(replicas))
	for i, a := range answers {
		n, err := a.AsInt64()
		if err != nil {
			return nil, err
		}
		left[i] = time.Duration(max(n, 0)) * time.Millisecond
	}
	return left, nil
}

func (l *redisLink) clean(ctx context.Context, gone map[string][]string) error {
	answers, err := l.do(ctx, l.build().Set().Key(l.cleaner).Value(l.self).Nx().Px(cleanerTTL).Build())
	if err != nil {
		return err
	}
	if rueidis.IsRedisNil(answers[0].Error()) {
		return nil // another replica is at it
	}
	for id, users := range gone {
		for len(users) > 0 {
			n := min(len(users), batchEntries)
			commands := make([]rueidis.Completed, n)
			for i, u := range users[:n] {
				commands[i] = l.build().Hdel().Key(l.presence + u).Field(id).Build()
			}
			if _, err := l.do(ctx, commands...); err != nil {
				return err
			}
			users = users[n:]
		}
	}
	return nil
}

func (l *redisLink) nudge(ctx context.Context, rev int64) error {
	err := readOnly(l.plain.Do(ctx, l.plain.B().Set().Key(l.rev).Value(formatRev(rev)).Build()).Error())
	if errors.Is(err, errReadOnly) {
		l.plainConn.drop()
	}
	return err
}

func (l *redisLink) renew(ctx context.Context) error {
	if err := l.connect(ctx); err != nil {
		return fmt.Errorf("reconnect: %w", err)
	}
	return nil
}

func (l *redisLink) close() {
	l.current.Add(1)
	if c := l.client(); c != nil {
		c.Close()
	}
	l.opening.Wait()
	l.plain.Close()
}

// globEscape takes the meaning from what SCAN would take for a pattern.
func globEscape(s string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`).Replace(s)
}
