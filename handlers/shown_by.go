package handlers

import (
	"context"

	"rollcall/accounts"
)

// shownBy counts what can show a person to others besides the board: share links and access tokens of other people.
type shownBy struct {
	Walls       int `json:"wall_boards"`
	Lists       int `json:"lists_for_other_sites"`
	Tokens      int `json:"access_tokens"`
	TokenPeople int `json:"people_with_access_tokens"`
}

// shownBy returns what of others can show a user. It doesn't say whose it is: the user may not see everybody who sees
// them.
func (s *Server) shownBy(ctx context.Context, user accounts.User, public bool) (n shownBy, err error) {
	if n.Walls, err = s.countShowing(ctx, user, accounts.WallShare); err == nil && public {
		n.Lists, err = s.countShowing(ctx, user, accounts.EmbedShare)
	}
	if err != nil {
		return n, err
	}
	readers, err := s.cfg.Accounts.TokenReaders(ctx)
	owners := map[string]bool{}
	for _, owner := range readers {
		if owner.ID != user.ID && s.live.Sees(owner, user.Person) {
			owners[owner.ID] = true
			n.Tokens++
		}
	}
	n.TokenPeople = len(owners)
	return n, err
}

func (s *Server) countShowing(ctx context.Context, user accounts.User, kind accounts.ShareKind) (n int, err error) {
	scopes, err := s.cfg.Accounts.ShareScopes(ctx, kind)
	for _, x := range scopes {
		whole := x.Team == "" || accounts.TeamKey(x.Team) == user.TeamKey()
		if x.Owner.ID != user.ID && whole && s.live.Sees(x.Owner, user.Person) {
			n++
		}
	}
	return n, err
}
