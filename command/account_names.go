package command

import (
	"context"
	"errors"

	"rollcall/accounts"
)

// accountNames finds the usernames of the people in lists and in the audit log, which hold only IDs.
type accountNames struct {
	store *accounts.Store
	known map[string]string // by ID
}

func newAccountNames(store *accounts.Store) *accountNames {
	return &accountNames{store, map[string]string{}}
}

// of returns how tables name an actor or a target of the audit log: by the username, with the ID if the account was
// deleted, or as it is.
func (n *accountNames) of(ctx context.Context, stored string) (string, error) {
	id := accounts.UserOf(stored)
	if id == "" {
		return stored, nil
	}
	if name, ok := n.known[id]; ok {
		return name, nil
	}
	user, err := n.store.UserByID(ctx, id)
	name := user.Username
	if errors.Is(err, accounts.ErrNotFound) {
		name, err = "deleted:"+id, nil
	}
	if err == nil {
		n.known[id] = name
	}
	return name, err
}
