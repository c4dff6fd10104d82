package handlers

import (
	"context"
	"time"

	"rollcall/accounts"
)

// pruneEvery is the time between deletions of what has expired in the accounts. Every replica does it, because it costs
// little and needs no agreement.
const pruneEvery = time.Hour

// keepPruning deletes what has expired, at once and then every hour until ctx ends.
func (s *Server) keepPruning(ctx context.Context) {
	tick := time.NewTicker(pruneEvery)
	defer tick.Stop()
	for {
		if err := s.cfg.Accounts.Prune(accounts.As(ctx, accounts.System)); err != nil && ctx.Err() == nil {
			s.log.Warn("expired links and log lines could not be deleted; the next try is in an hour", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
