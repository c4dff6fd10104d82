package accounts

import "context"

// ActiveHook is a hook with its owner, whose account is enabled.
type ActiveHook struct {
	Hook
	Owner Person
}

type activeHookRow struct {
	hookRow
	owner Person
	seen  int64
}

func (r *activeHookRow) dest() []any {
	p := &r.owner
	return append(r.hookRow.dest(), &p.ID, &p.Username, &p.DisplayName, &p.Team, &p.sortKey, &r.seen, &p.ShowLastSeen, &p.Zone,
		&p.Admin)
}

// ActiveHooks returns the hooks to which changes are delivered.
func (s *Store) ActiveHooks(ctx context.Context) ([]ActiveHook, error) {
	hooks, err := activeHooks(ctx, s.r, s.nowMilli(), sqlActiveHooks, MaxAllHooks)
	return hooks, wrap("list webhooks", err)
}

// HooksAbout returns the active hooks that are about p, also of owners who may not see p.
func (s *Store) HooksAbout(ctx context.Context, p Person) ([]ActiveHook, error) {
	hooks, err := activeHooks(ctx, s.r, s.nowMilli(), sqlHooksAboutOwner, p.TeamKey(), p.ID, MaxAllHooks)
	return hooks, wrap("list webhooks about a person", err)
}

func activeHooks(ctx context.Context, from reader, now int64, text string, args ...any) ([]ActiveHook, error) {
	rows, err := from.query(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	found, err := collect(rows, (*activeHookRow).dest)
	hooks := make([]ActiveHook, len(found))
	for i := range found {
		r := &found[i]
		r.owner.LastSeen = at(r.seen)
		hooks[i] = ActiveHook{r.finish(now), r.owner}
	}
	return hooks, err
}
