package replica

import (
	"context"
	"strings"

	"github.com/redis/rueidis"
)

const (
	maxFields = 256 // read of one user's hash; more than all replicas write, including dead ones
	maxEntry  = 256 // bytes of an entry; replicas write no longer ones
)

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
	for i, a := range c.DoMulti(ctx, commands...) {
		found, whole, err := entriesOf(a)
		if isForeign(err) {
			whole, err = false, nil
		}
		if err != nil {
			return nil, err
		}
		if !whole && r.to.has(users[i]) { // the own entry can't be written there, or may not be found
			r.cfg.Log.Warn(
				"a Redis key that another program wrote in place of ours is removed: give each program its own prefix",
				"key", r.keys.presence+users[i])
			foreign = append(foreign, c.B().Unlink().Key(r.keys.presence+users[i]).Build())
		}
		entries[i] = found
	}
	if len(foreign) > 0 {
		_, err := r.do(ctx, foreign...)
		return entries, err
	}
	return entries, nil
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
