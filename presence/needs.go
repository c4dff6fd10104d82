package presence

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

// errCluster is for a server whose keys are spread over several.
var errCluster = errors.New("this Redis is a node of a cluster, which is not supported yet: use one server")

// refusedError says which commands Redis refuses, to this user or to everybody.
type refusedError struct {
	commands []string
	reason   error
}

func (e *refusedError) Error() string {
	return fmt.Sprintf("%v; Redis refuses: %s", permanent(e.reason), strings.Join(e.commands, ", "))
}

// needs returns an error if Redis refuses anything that this replica needs, or what the users of the plain client need.
func (l *redisLink) needs(ctx context.Context) error {
	answers, err := l.do(ctx, l.build().Info().Section("cluster").Build())
	if err != nil {
		return refusal("INFO", err)
	}
	if info, _ := answers[0].ToString(); strings.Contains(info, "cluster_enabled:1") {
		return errCluster
	}
	if err := l.tryAll(ctx); err != nil || l.cfg.Check == nil {
		return err
	}
	l.opening.Wait()
	if err := l.cfg.Check(ctx, l.plain); err != nil {
		return refusal("scripts (EVAL, EVALSHA)", err)
	}
	return nil
}

// refusal is err, with the name of the command if it is refused for good.
func refusal(command string, err error) error {
	if permanent(err) == nil {
		return err
	}
	return &refusedError{[]string{command}, err}
}

// lasting returns err if waiting doesn't mend it.
func lasting(err error) error {
	var refused *refusedError
	if errors.Is(err, errCluster) || errors.As(err, &refused) {
		return err
	}
	return permanent(err)
}

// tryAll sends every command that Rollcall needs, in a form that changes nothing, and returns an error that names those
// Redis refuses. It uses one key of its own, which it removes, and keys that don't exist.
func (l *redisLink) tryAll(ctx context.Context) error {
	name := rand.Text()
	b, own := l.build(), l.cfg.Prefix+"probe:"+name
	var refused refusedError
	err := l.try(ctx, &refused, b.Set().Key(own).Value("text").Px(5*time.Second).Build())
	commands := []rueidis.Completed{
		b.Get().Key(own).Build(),
		b.Getex().Key(l.store).Build(),
		b.Pttl().Key(l.replica + name).Build(),
		b.Scan().Cursor(0).Match(globEscape(own)).Count(1).Build(),
		b.Hrandfield().Key(l.presence + name).Count(maxFields).Withvalues().Build(),
		b.Hdel().Key(l.presence + name).Field(name).Build(),
		b.Del().Key(l.cfg.Prefix + "limit:" + name).Build(),
	}
	if err == nil && refused.reason == nil { // these three change nothing, because the key holds a text
		commands = append(commands,
			b.Hset().Key(own).FieldValue().FieldValue(name, "").Build(),
			b.Incr().Key(own).Build(),
			b.Decr().Key(own).Build())
	}
	rest := l.try(ctx, &refused, append(commands, b.Unlink().Key(own).Build())...)
	if refused.reason != nil {
		return &refused
	}
	return cmp.Or(err, rest)
}

// try sends commands and adds to refused those that this Redis or this user doesn't have. It returns the first error
// by which another one was not carried out.
func (l *redisLink) try(ctx context.Context, refused *refusedError, commands ...rueidis.Completed) error {
	names := make([]string, len(commands))
	for i, c := range commands {
		names[i] = c.Commands()[0]
	}
	var first error
	for i, a := range l.client().DoMulti(ctx, commands...) {
		err := a.Error()
		switch {
		case err == nil, rueidis.IsRedisNil(err), isForeign(err), strings.Contains(err.Error(), "not an integer"):
		case permanent(err) != nil:
			refused.commands, refused.reason = append(refused.commands, names[i]), err
		case first == nil:
			first = err
		}
	}
	return first
}
