package handlers

import (
	"context"

	"rollcall/accounts"
)

// shownBy counts the share links of others that can show a person.
type shownBy struct {
	Walls int `json:"wall_boards"`
	Lists int `json:"lists_for_other_sites"`
}

// shownBy returns which share links of others can show a user. It doesn't say whose they are: the user may not see
// everybody who sees them.
func (s *Server) shownBy(ctx context.Context, user accounts.User, public bool) (n shownBy, err error) {
	if n.Walls, err = s.countShowing(ctx, user, accounts.WallShare); err == nil && public {
		n.Lists, err = s.countShowing(ctx, user, accounts.EmbedShare)
	}
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
