package accounts

import (
	"cmp"
	"context"
	"errors"
	"strings"
)

// Actor says who makes a write: one of the constants below, or ByUser. It's short text, so an audit log can store it
// directly.
//
// A context carries the actor, because all writes of a request have the same one. It can't be forgotten: all writes go
// through Store.write or Store.note, and both refuse a context without an actor unless Config.Actor sets one for the
// whole store.
type Actor string

// Actors that aren't signed in.
const (
	System      Actor = "system"       // a background job
	CommandLine Actor = "command-line" // somebody who can run commands on the database
	Visitor     Actor = "visitor"      // somebody who isn't signed in, such as a person who signs up
)

// ByUser returns the actor for the signed-in person with id.
func ByUser(id string) Actor { return Actor("user:" + id) }

// AtProvider returns the actor for a provider or a proxy with this key.
func AtProvider(key string) Actor { return Actor(providerActor + key) }

const providerActor = "provider:"

// ProviderOf returns the key of the provider that a is, or "".
func ProviderOf(a Actor) string {
	key, ok := strings.CutPrefix(string(a), providerActor)
	if !ok {
		return ""
	}
	return key
}

// ErrNoActor is a bug in the caller: the context of a write has no actor.
var ErrNoActor = errors.New("a write without an actor")

type actorKey struct{}

// As returns a context whose writes are by a.
func As(ctx context.Context, a Actor) context.Context { return context.WithValue(ctx, actorKey{}, a) }

// ActorOf returns the actor of ctx, or "".
func ActorOf(ctx context.Context) Actor {
	a, _ := ctx.Value(actorKey{}).(Actor)
	return a
}

// actor returns the actor of a write, or ErrNoActor.
func (s *Store) actor(ctx context.Context) (Actor, error) {
	a := cmp.Or(ActorOf(ctx), s.usualActor)
	if a == "" {
		return "", ErrNoActor
	}
	return a, nil
}
