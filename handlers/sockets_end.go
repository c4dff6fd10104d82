package handlers

import (
	"context"
	"time"

	"rollcall/live"
)

const (
	forgetEvery = time.Minute // between checks for expired sessions

	// A proxy's header comes with requests only. A page that makes none reconnects after this time, to be checked
	// again.
	recheckEvery = time.Hour

	// A replica that can't read the accounts doesn't learn of sessions that end elsewhere.
	confirmWait  = 20 * time.Second // without a read of the accounts, until connections are closed
	confirmEvery = time.Second
)

// run closes the sockets of sessions that have expired or couldn't be confirmed. It runs until ctx ends.
func (s *sockets) run(ctx context.Context) {
	sweep, confirm := time.NewTicker(forgetEvery), time.NewTicker(confirmEvery)
	defer sweep.Stop()
	defer confirm.Stop()
	var unconfirmed confirmation
	for {
		select {
		case <-ctx.Done():
			return
		case <-sweep.C:
			s.sweep(time.Now())
		case <-confirm.C:
			if unconfirmed.late(s.board.CaughtUp()) {
				s.board.WarmAgain() // until the accounts can be read and people have reconnected
				s.closeUnconfirmed(time.Now())
			}
		case <-s.changed.Ready():
			s.endDisabled(s.changed.Take())
		}
	}
}

// confirmation counts ticks without a read of the accounts. It doesn't measure time, because a process that was
// suspended hasn't failed to read.
type confirmation struct {
	read  uint64 // number of reads at the last tick
	ticks int    // of confirmEvery since the last read
}

// late reports whether the accounts couldn't be read for confirmWait.
func (c *confirmation) late(read uint64) bool {
	if read != c.read {
		c.read, c.ticks = read, 0
		return false
	}
	c.ticks++
	return c.ticks >= int(confirmWait/confirmEvery)
}

// closeUnconfirmed closes connections whose session wasn't confirmed in time.
func (s *sockets) closeUnconfirmed(now time.Time) {
	s.mu.Lock()
	closed := 0
	for _, x := range s.open {
		if now.Sub(x.asked.at) >= confirmWait && !x.closing.Load() {
			x.close(closeRestart, "")
			closed++
		}
	}
	s.mu.Unlock()
	if closed > 0 {
		s.log.Warn("sessions could not be confirmed; live connections were closed", "connections", closed, "waited",
			confirmWait)
	}
}

// endDisabled ends the sockets of users who are disabled. Another replica may announce that while this one can't read
// the accounts.
func (s *sockets) endDisabled(users []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, u := range users {
		if len(s.byUser[u]) > 0 && !s.presence.View(u).Listed {
			for _, x := range s.byUser[u] {
				x.endLocked(endedDisabled)
			}
		}
	}
}

// applyUpdate ends the sockets of sessions and share links that ended, and of people who were deleted.
func (s *sockets) applyUpdate(u live.Update) {
	if u.Lists {
		s.lists.changed()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range u.Deleted {
		for _, x := range s.byUser[id] {
			x.endLocked(endedDeleted)
		}
	}
	for _, id := range u.Sessions {
		s.endSessionLocked(id)
	}
	for _, id := range u.Shares {
		s.endShareLocked(id)
	}
	if u.Reset { // some sessions may have ended unnoticed: let all pages reconnect
		for _, x := range s.open {
			x.close(closeRestart, "")
		}
	}
}

// endShareLocked closes the wall boards of a share link. Their pages load again, and then show what's true.
func (s *sockets) endShareLocked(id string) {
	for _, x := range s.byShare[id] {
		x.endLocked(endedShare)
	}
}

// endSessionLocked closes the sockets of a session, including those that are being opened.
func (s *sockets) endSessionLocked(id string) {
	s.ended[id] = time.Now()
	s.closeSessionLocked(id)
}

// endProxied closes the sockets of a session because the proxy names somebody else by now, or nobody. The session
// counts again when the proxy names its person again.
func (s *sockets) endProxied(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closeSessionLocked(id)
}

func (s *sockets) closeSessionLocked(id string) {
	for _, x := range s.bySession[id] {
		why := endedSession
		if !s.presence.View(x.person).Listed {
			why = endedDisabled
		}
		x.endLocked(why)
		s.presence.End(x.person, id)
	}
	if was, ok := s.recent[id]; ok { // a page was closed or reloaded just now
		s.presence.End(was.user, id)
	}
}

// sweep ends the sockets of expired sessions, has those reconnect whose proxy has to be asked again, and forgets
// sessions that ended a while ago.
func (s *sockets) sweep(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range s.open {
		switch {
		case x.expired(now):
			x.endLocked(endedSession)
		case x.proxied && now.Sub(x.asked.at) >= recheckEvery:
			x.close(closeRestart, "")
		}
	}
	for id, at := range s.ended {
		if now.Sub(at) > forgetEvery {
			delete(s.ended, id)
		}
	}
	for id, was := range s.recent {
		if now.Sub(was.at) > forgetEvery {
			delete(s.recent, id)
		}
	}
}
