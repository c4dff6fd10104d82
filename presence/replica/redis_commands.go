package replica

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/redis/rueidis"
)

const (
	ownerTTL   = 60 * time.Second // of the mark that says whose accounts the replicas share
	cleanerTTL = 20 * time.Second // how long one replica has to clean up after others
	scanCount  = 1000             // keys per step of SCAN

	maxFields = 256 // fields to read from one user's hash; replicas, including dead ones, write fewer
	maxEntry  = 256 // bytes in an entry; replicas write shorter ones

	// The key that says a removal has done its work once it's announced. Its end is announced too, so it comes soon:
	// the user is rarely back by then.
	removalTTL = 100 * time.Millisecond
)

func (r *redisStore) owner(ctx context.Context, contest bool) error {
	b := r.build()
	answers, err := r.do(ctx,
		b.Getex().Key(r.keys.owner).Build(), // without an option, it changes nothing
		b.Pttl().Key(r.keys.owner).Build())
	if err != nil {
		return err
	}
	left, _ := answers[1].AsInt64() // negative if the mark never ends
	err = r.sameAccounts(answers[0])
	switch {
	case rueidis.IsRedisNil(err):
		return errUnowned
	case err != nil && contest && (left < 0 || left > leaseTTL.Milliseconds()):
		expire := b.Pexpire().Key(r.keys.owner).Milliseconds(leaseTTL.Milliseconds()).Build()
		if _, err := r.do(ctx, expire); err != nil {
			return err
		}
	}
	return err
}

func (r *redisStore) adopt(ctx context.Context) error {
	b := r.build()
	answers, err := r.do(ctx,
		b.Set().Key(r.keys.owner).Value(r.cfg.Accounts).Nx().Px(ownerTTL).Build(),
		b.Getex().Key(r.keys.owner).Px(ownerTTL).Build())
	if err != nil {
		return err
	}
	return r.sameAccounts(answers[1])
}

func (r *redisStore) sameAccounts(answer rueidis.RedisResult) error {
	theirs, err := answer.ToString()
	if err != nil || theirs == r.cfg.Accounts {
		return err
	}
	return &AccountsError{Ours: r.cfg.Accounts, Theirs: theirs}
}

func (r *redisStore) beat(ctx context.Context, info leaseInfo, only bool) (bool, error) {
	b := r.build()
	set := b.Set().Key(r.keys.replica + r.self).Value(encodeLease(info))
	var renew rueidis.Completed
	if only {
		renew = set.Xx().Get().Px(leaseTTL).Build()
	} else {
		renew = set.Get().Px(leaseTTL).Build()
	}
	answers, err := r.do(ctx, renew, b.Getex().Key(r.keys.owner).Px(ownerTTL).Build())
	if err != nil {
		return false, err
	}
	if err := r.sameAccounts(answers[1]); rueidis.IsRedisNil(err) {
		err = r.adopt(ctx)
		if err != nil {
			return false, err
		}
	} else if err != nil {
		return false, err
	}
	return !rueidis.IsRedisNil(answers[0].Error()), nil
}

// survey takes more steps the more keys a server has, so each step has its own deadline.
func (r *redisStore) survey(ctx context.Context, found func(users, replicas []string)) error {
	if r.cluster == nil {
		return r.scan(ctx, r.client(), found)
	}
	nodes := r.cluster.up()
	for _, node := range nodes {
		if err := r.scan(ctx, node, found); err != nil {
			return fmt.Errorf("%w: %w", errPartly, err)
		}
	}
	return r.whole()
}

func (r *redisStore) scan(ctx context.Context, c client, found func(users, replicas []string)) error {
	if c == nil {
		return errNotConnected
	}
	pattern := globEscape(r.cfg.Prefix) + "*"
	for cursor := uint64(0); ; {
		some, err := step(ctx, func(ctx context.Context) (rueidis.ScanEntry, error) {
			return c.Do(ctx, c.B().Scan().Cursor(cursor).Match(pattern).Count(scanCount).Build()).AsScanEntry()
		})
		if err != nil {
			return err
		}
		if users, replicas, _ := r.keys.sort(some.Elements); len(users)+len(replicas) > 0 {
			found(users, replicas)
		}
		if cursor = some.Cursor; cursor == 0 {
			return nil
		}
	}
}

// write says before each removal that it isn't a loss, in one command: a key is set whose name says so, and all
// replicas are told the names of keys that change. Redis may refuse that and not the removal, for example when it's
// full.
//
// In a cluster, the two keys may be on different nodes, so others may learn of the removal before they learn that it
// isn't a loss. Then they read the entry twice, but rarely wait in between.
func (r *redisStore) write(ctx context.Context, entries []entry) (unsent []entry, err error) {
	c := r.client()
	if c == nil {
		return entries, errNotConnected
	}
	var commands []rueidis.Completed
	of := map[int]entry{} // by index of the command that writes it
	for _, e := range entries {
		key := r.keys.presence + e.user
		if e.value == "" {
			say := c.B().Set().Key(r.keys.removal(removal{e.user, r.self})).Value("").Px(removalTTL).Build()
			commands = append(commands, say)
		}
		of[len(commands)] = e
		if e.value == "" {
			commands = append(commands, c.B().Hdel().Key(key).Field(r.self).Build())
		} else {
			commands = append(commands, c.B().Hset().Key(key).FieldValue().FieldValue(r.self, e.value).Build())
		}
	}
	for i, a := range c.DoMulti(ctx, commands...) {
		// After a foreign key, the next read removes it, and the audit writes the entry again.
		e, writes := of[i]
		if failed := a.Error(); failed != nil && writes && !isForeign(failed) {
			unsent, err = append(unsent, e), readOnly(failed)
		}
	}
	return unsent, err
}

func (r *redisStore) leases(ctx context.Context, replicas []string) ([]time.Duration, error) {
	commands := make([]rueidis.Completed, len(replicas))
	for i, id := range replicas {
		commands[i] = r.build().Pttl().Key(r.keys.replica + id).Build()
	}
	left := make([]time.Duration, len(replicas))
	var failed error
	for i, a := range r.client().DoMulti(ctx, commands...) {
		n, err := a.AsInt64()
		if err != nil {
			left[i], failed = unknownLease, err
			continue
		}
		left[i] = time.Duration(max(n, 0)) * time.Millisecond
	}
	return left, failed
}

func (r *redisStore) clean(ctx context.Context, gone map[string][]string) error {
	answers, err := r.do(ctx, r.build().Set().Key(r.keys.cleaner).Value(r.self).Nx().Px(cleanerTTL).Build())
	if err != nil {
		return err
	}
	if rueidis.IsRedisNil(answers[0].Error()) {
		return nil // another replica cleans up
	}
	for id, users := range gone {
		for len(users) > 0 {
			n := min(len(users), batchEntries)
			commands := make([]rueidis.Completed, n)
			for i, u := range users[:n] {
				commands[i] = r.build().Hdel().Key(r.keys.presence + u).Field(id).Build()
			}
			if _, err := r.do(ctx, commands...); err != nil {
				return err
			}
			users = users[n:]
		}
	}
	return nil
}

// read reads at most maxFields fields of each user. HRANDFIELD returns all fields of a smaller hash at about the cost
// of HGETALL, and limits the cost of a huge hash of another program.
func (r *redisStore) read(ctx context.Context, users []string) ([]map[string]string, error) {
	c := r.client()
	if c == nil {
		return nil, errNotConnected
	}
	commands := make([]rueidis.Completed, len(users))
	for i, u := range users {
		commands[i] = c.B().Hrandfield().Key(r.keys.presence + u).Count(maxFields).Withvalues().Build()
	}
	entries := make([]map[string]string, len(users))
	var foreign []rueidis.Completed
	var failed error
	for i, a := range c.DoMulti(ctx, commands...) {
		found, whole, err := entriesOf(a)
		if isForeign(err) {
			whole, err = false, nil
		}
		if err != nil {
			failed = err
			continue
		}
		if !whole && r.to.has(users[i]) { // this replica can't write its entry, or may not find it
			r.cfg.Log.Warn(
				"a Redis key that another program wrote in place of ours is removed: give each program its own prefix",
				"key", r.keys.presence+users[i])
			foreign = append(foreign, c.B().Unlink().Key(r.keys.presence+users[i]).Build())
		}
		entries[i] = found
	}
	if len(foreign) > 0 {
		_, err := r.do(ctx, foreign...)
		return entries, cmp.Or(failed, err)
	}
	return entries, failed
}

// entriesOf returns the entries in an answer to HRANDFIELD by replica, and whether the answer has all fields of the
// hash. It skips fields of other programs, and nothing ever removes those.
func entriesOf(answer rueidis.RedisResult) (entries map[string]string, whole bool, err error) {
	fields, err := answer.ToArray()
	if err != nil {
		return nil, false, err
	}
	entries = make(map[string]string, min(len(fields), 4))
	for i := range fields {
		pair, err := fields[i].AsStrSlice()
		if err != nil || len(pair) != 2 {
			return nil, false, err
		}
		if isReplicaID(pair[0]) && len(pair[1]) <= maxEntry {
			entries[pair[0]] = pair[1]
		}
	}
	return entries, len(fields) < maxFields, nil
}

// isForeign reports whether err says that a key has a type that no replica writes.
func isForeign(err error) bool {
	r, ok := rueidis.IsRedisErr(err)
	return ok && strings.HasPrefix(r.Error(), "WRONGTYPE")
}

// globEscape escapes the characters that have a meaning in a pattern of SCAN.
func globEscape(s string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`).Replace(s)
}
