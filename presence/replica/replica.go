// Package replica connects several replicas of Rollcall through a store that they share: it implements
// presence.Registry over Redis.
//
// Each replica writes entries only for its own users, and a lease for itself. It reads the entries of the others, and
// ignores those of replicas without a lease. The protocol (syncer) doesn't know Redis. It uses a sharedStore, which is
// Redis in production (redisStore), and in tests a simulation that fails in every way that Redis can.
package replica

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/redis/rueidis"
)

// Config says which store replicas share.
type Config struct {
	URL string // redis://, rediss:// or unix://; servers that allow CLIENT TRACKING, or Sentinels of them
	// Authorities are the issuers that the server's certificate may come from. nil: those of the system.
	Authorities *x509.CertPool

	Prefix   string // of every key; other programs may use the same server, but not the same prefix
	Accounts string // ID of the accounts store, which must be the same for all replicas
	Log      *slog.Logger

	// Check, if set, returns an error if Redis refuses what users of Redis.Client need. Open and Inspect call it.
	Check func(context.Context, rueidis.Client) error

	adoptAfter time.Duration // 0 for the constant
}

// Redis is a presence.Registry over Redis 6.2, Valkey, or newer. It uses server-assisted client-side caching in
// broadcast mode.
type Redis struct {
	*syncer
	store *redisStore
}

// Open connects to Redis. If it can't reach the server now, it returns no error and connects when the server appears.
// It returns an error if waiting doesn't help: an invalid URL, a wrong password, a server that lacks what Rollcall
// needs, or replicas with other accounts on the same server.
func Open(ctx context.Context, cfg Config) (*Redis, error) {
	at, err := locate(cfg)
	if err != nil {
		return nil, err
	}
	id := replicaID()
	s := newSyncer(id, cfg.Log)
	if cfg.adoptAfter > 0 {
		s.owner.adoptAfter = cfg.adoptAfter
	}
	store := newRedisStore(at, cfg, id, s)
	s.store = store
	err = store.connect(ctx)
	store.opening.Wait()
	if err != nil {
		if err := permanent(err); err != nil {
			store.close()
			return nil, err
		}
		if errors.Is(err, errPartly) {
			cfg.Log.Warn("a part of Redis cannot be reached; not ready until it can", "err", err)
		} else {
			cfg.Log.Warn("Redis cannot be reached; serving alone until it appears; if that is not what you expect, check REDIS_URL",
				"err", err)
		}
	} else if err := store.check(ctx); err != nil {
		store.close()
		return nil, err
	}
	store.follow()
	s.start()
	return &Redis{s, store}, nil
}

// Client returns a client for other uses, without cache and tracking. Calls need a context with a deadline.
func (r *Redis) Client() rueidis.Client { return r.store.plain }

// AccountsError says that replicas with different accounts use one Redis with the same prefix. It has the IDs of their
// accounts stores.
type AccountsError struct{ Ours, Theirs string }

func (e *AccountsError) Error() string {
	return fmt.Sprintf("replicas with another accounts store use this Redis: theirs is %s, ours is %s; "+
		"give each its own --redis-prefix, or all the same database", e.Theirs, e.Ours)
}
