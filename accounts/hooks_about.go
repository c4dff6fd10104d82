package accounts

import "context"

// dropHooksAbout stops the hooks about a person whose account is deleted, and drops the messages about them that wait.
func dropHooksAbout(ctx context.Context, t *transaction, userID string) error {
	for _, text := range []string{sqlDropMessagesAbout, sqlForgetAbout} {
		if _, err := t.exec(ctx, text, userID); err != nil {
			return err
		}
	}
	n, err := t.exec(ctx, sqlStopHooksAbout, userID, t.now)
	if err != nil {
		return err
	}
	if n > 0 {
		return changesHooks(ctx, t)
	}
	return ownHooksChanged(ctx, t, userID) // they go with the account
}

// ownHooksChanged records that the hooks of a person have changed, if there are any.
func ownHooksChanged(ctx context.Context, t *transaction, userID string) error {
	n, err := t.count(ctx, sqlCountHooks, userID)
	if err != nil || n == 0 {
		return err
	}
	return changesHooks(ctx, t)
}

// moveTeamHooks lets the hooks about a team follow it to its new name. If it becomes part of another team, their
// receivers aren't told who of that team is here already.
func moveTeamHooks(ctx context.Context, t *transaction, action Action, old, key, name string) error {
	text := sqlMoveTeamHooks
	switch action {
	case TeamDeleted:
		return nil
	case TeamMerged:
		text = sqlMergeTeamHooks
	}
	n, err := t.exec(ctx, text, old, key, name)
	if err != nil || n == 0 {
		return err
	}
	return changesHooks(ctx, t)
}
