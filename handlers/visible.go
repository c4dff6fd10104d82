package handlers

import (
	"context"
	"slices"

	"rollcall/accounts"
)

// favorites returns the IDs of the favorites of a user whom they may see.
func (s *Server) favorites(ctx context.Context, user accounts.User) ([]string, error) {
	ids, err := s.cfg.Accounts.Favorites(ctx, user.ID)
	if err != nil || s.live.TeamsMark(user.Person) == "" {
		return ids, err
	}
	seen, err := s.visible(ctx, user.Person, ids)
	return slices.DeleteFunc(ids, func(id string) bool { return seen[id] == "" }), err
}

// visible returns the usernames, by ID, of those enabled people with these IDs whom eyes may see.
func (s *Server) visible(ctx context.Context, eyes accounts.Person, ids []string) (map[string]string, error) {
	if err := s.live.CatchUp(ctx); err != nil {
		return nil, err
	}
	people, err := s.cfg.Accounts.PeopleByID(ctx, ids)
	if err != nil {
		return nil, err
	}
	names := map[string]string{}
	for _, p := range people {
		if s.live.Sees(eyes, p) {
			names[p.ID] = p.Username
		}
	}
	return names, nil
}

// hideFrom removes people whom user may not see from their download. What they stored about them counts again when they
// may see them again.
func (s *Server) hideFrom(ctx context.Context, user accounts.User, x *accounts.Export) error {
	if s.live.TeamsMark(user.Person) == "" {
		return nil
	}
	ids, err := s.cfg.Accounts.Favorites(ctx, user.ID)
	if err != nil {
		return err
	}
	alerts, err := s.cfg.Accounts.AlertsOf(ctx, user.ID)
	if err != nil {
		return err
	}
	for _, a := range alerts {
		ids = append(ids, a.PersonID)
	}
	seen, err := s.visible(ctx, user.Person, ids)
	if err != nil {
		return err
	}
	names := map[string]bool{}
	for _, name := range seen {
		names[name] = true
	}
	x.Favorites = slices.DeleteFunc(x.Favorites, func(name string) bool { return !names[name] })
	x.Alerts = slices.DeleteFunc(x.Alerts, func(a accounts.ExportedAlert) bool { return !names[a.Username] })
	return nil
}
