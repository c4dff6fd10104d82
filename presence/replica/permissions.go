package replica

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/rueidis"
)

// errCluster is the error for a server in cluster mode.
var errCluster = errors.New("this Redis is a node of a cluster: give the addresses of several nodes, " +
	"such as redis://:PASSWORD@NODE:6379?addr=OTHER:6379&addr=THIRD:6379")

// refusedError lists the commands that Redis refuses to run, for this user or for all.
type refusedError struct {
	commands []string
	reason   error
}

func (e *refusedError) Error() string {
	return fmt.Sprintf("%v; Redis refuses: %s", permanent(e.reason), strings.Join(e.commands, ", "))
}

// check returns an error if waiting can't help: if Redis refuses something that Rollcall needs, or if it belongs to
// other accounts.
func (r *redisStore) check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, stepWait)
	defer cancel()
	if err := r.checkPermissions(ctx); err != nil {
		return lasting(err)
	}
	var other *AccountsError
	if err := r.owner(ctx, false); errors.As(err, &other) {
		return other
	} else if err != nil && !errors.Is(err, errUnowned) {
		return permanent(err)
	}
	return nil
}

// checkPermissions returns an error if Redis refuses anything that replicas or the users of the plain client need.
func (r *redisStore) checkPermissions(ctx context.Context) error {
	answers, err := r.do(ctx, r.build().Info().Section("cluster").Build())
	if err != nil {
		return refusal("INFO", err)
	}
	if info, _ := answers[0].ToString(); r.cluster == nil && strings.Contains(info, "cluster_enabled:1") {
		return errCluster
	}
	for _, name := range r.names() {
		if err := r.tryAll(ctx, name); err != nil {
			return err
		}
	}
	if r.cfg.Check == nil {
		return nil
	}
	r.opening.Wait()
	if err := r.cfg.Check(ctx, r.plain); err != nil {
		return refusal("scripts (EVAL, EVALSHA)", err)
	}
	return nil
}

// refusal returns err, with the name of the command if Redis refuses it for good.
func refusal(command string, err error) error {
	if permanent(err) == nil {
		return err
	}
	return &refusedError{[]string{command}, err}
}

// lasting returns err if waiting doesn't help, or else nil.
func lasting(err error) error {
	var refused *refusedError
	if errors.Is(err, errCluster) || errors.As(err, &refused) {
		return err
	}
	return permanent(err)
}

// names returns names for keys, such that each server has those of one.
func (r *redisStore) names() []string {
	if r.cluster != nil {
		return r.cluster.named()
	}
	return []string{rand.Text()}
}

// tryAll sends every command that Rollcall needs, in a form that changes nothing, and returns an error that names the
// refused ones. It only uses keys that don't exist, and one key of its own, which it removes.
func (r *redisStore) tryAll(ctx context.Context, name string) error {
	b, own := r.build(), r.cfg.Prefix+"probe:"+name
	var refused refusedError
	err := r.try(ctx, &refused, b.Set().Key(own).Value("text").Px(5*time.Second).Build())
	commands := []rueidis.Completed{
		b.Get().Key(own).Build(),
		b.Getex().Key(r.keys.owner).Build(),
		b.Pttl().Key(r.keys.replica + name).Build(),
		b.Scan().Cursor(0).Match(globEscape(own)).Count(1).Build(),
		b.Hrandfield().Key(r.keys.presence + name).Count(maxFields).Withvalues().Build(),
		b.Hdel().Key(r.keys.presence + name).Field(name).Build(),
		b.Del().Key(r.cfg.Prefix + "limit:" + name).Build(),
	}
	if err == nil && refused.reason == nil { // these three fail because the key holds text, but show the permissions
		commands = append(commands,
			b.Hset().Key(own).FieldValue().FieldValue(name, "").Build(),
			b.Incr().Key(own).Build(),
			b.Decr().Key(own).Build())
	}
	rest := r.try(ctx, &refused, append(commands, b.Unlink().Key(own).Build())...)
	if refused.reason != nil {
		return &refused
	}
	return cmp.Or(err, rest)
}

// try sends commands, and adds those that Redis refuses to refused. It returns the first other error that kept a
// command from running.
func (r *redisStore) try(ctx context.Context, refused *refusedError, commands ...rueidis.Completed) error {
	names := make([]string, len(commands))
	for i, c := range commands {
		names[i] = c.Commands()[0]
	}
	var first error
	for i, a := range r.client().DoMulti(ctx, commands...) {
		err := a.Error()
		switch {
		case err == nil, rueidis.IsRedisNil(err), isForeign(err), strings.Contains(err.Error(), "not an integer"):
			// Redis ran it.
		case permanent(err) != nil:
			refused.commands, refused.reason = append(refused.commands, names[i]), err
		case first == nil:
			first = err
		}
	}
	return first
}
