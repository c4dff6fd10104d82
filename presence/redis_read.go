package presence

import (
	"context"
	"strings"

	"github.com/redis/rueidis"
)

const (
	maxFields = 256 // of one user's hash that are read: more than any number of replicas and their remains
	maxEntry  = 256 // bytes of an entry; a longer value isn't from a replica
)

// read asks for at most maxFields fields of each user. HRANDFIELD returns all fields of a smaller hash, costs about as
// much as HGETALL there, and bounds what somebody else's hash can cost.
func (l *redisLink) read(ctx context.Context, users []string) ([]map[string]string, error) {
	c := l.client()
	if c == nil {
		return nil, errNotConnected
	}
	commands := make([]rueidis.Completed, len(users))
	for i, u := range users {
		commands[i] = c.B().Hrandfield().Key(l.presence + u).Count(maxFields).Withvalues().Build()
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
		if !whole && l.to.has(users[i]) { // our own entry couldn't be written there, or found again
			l.cfg.Log.Warn("a Redis key that another program wrote in place of ours is removed: give each program its own prefix", "key", l.presence+users[i])
			foreign = append(foreign, c.B().Unlink().Key(l.presence+users[i]).Build())
		}
		entries[i] = found
	}
	if len(foreign) > 0 {
		_, err := l.do(ctx, foreign...)
		return entries, err
	}
	return entries, nil
}

// entriesOf returns the entries in an answer to HRANDFIELD by replica, and whether they are all there are. Other fields
// aren't from replicas: they are skipped, and nothing ever removes them.
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

// isForeign reports whether err says that a key holds something that no replica writes there.
func isForeign(err error) bool {
	r, ok := rueidis.IsRedisErr(err)
	return ok && strings.HasPrefix(r.Error(), "WRONGTYPE")
}
