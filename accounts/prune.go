package accounts

import (
	"context"
	"errors"
)

// Prune deletes what has expired: links, tokens, shares, what was spent, emails that wait, claims, deliveries of
// webhooks and their previous secrets, lines of the audit log, and requests to join that nobody approved. Servers call
// it every hour.
func (s *Store) Prune(ctx context.Context) error {
	err := s.write(ctx, func(ctx context.Context, t *transaction) error {
		old, err := t.strings(ctx, sqlOldWaiting, t.now-waitingAge.Milliseconds())
		if err != nil {
			return err
		}
		for _, id := range old {
			if err := deleteUser(ctx, t, id); err != nil {
				return err
			}
		}
		for _, text := range []string{sqlOldLinks, sqlOldSpent, sqlOldMails, sqlOldClaims} {
			if _, err := t.exec(ctx, text, t.now); err != nil {
				return err
			}
		}
		if err := errors.Join(pruneTokens(ctx, t), pruneShares(ctx, t)); err != nil {
			return err
		}
		for text, before := range map[string]int64{sqlOldDelivery: t.now - DeliveryAge.Milliseconds(), sqlOldHookSecrets: t.now} {
			if _, err := t.exec(ctx, text, before); err != nil {
				return err
			}
		}
		return pruneAudit(ctx, t)
	})
	return wrap("prune", err)
}
