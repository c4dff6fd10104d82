package handlers

import (
	"time"

	"github.com/olahol/melody"
)

// A session may end where this replica doesn't hear of it while it can't read the accounts.
const (
	confirmWait  = 20 * time.Second // for the accounts to be read; then connections are closed
	confirmEvery = time.Second
)

// confirmed notes that the accounts were read, so every session that has a connection here goes on.
func (b *board) confirmed() { b.unconfirmed.Store(0) }

// closeUnconfirmed closes connections whose session wasn't confirmed in time. It is called each confirmEvery and counts
// the calls rather than the time: a process that stood still has not failed to read anything.
func (b *board) closeUnconfirmed(now time.Time) {
	if b.unconfirmed.Add(1) < int32(confirmWait/confirmEvery) {
		return
	}
	b.mu.Lock()
	closed := 0
	for _, s := range b.open {
		if now.Sub(s.asked.at) >= confirmWait && !s.closing.Load() {
			s.kick(melody.CloseServiceRestart, "")
			closed++
		}
	}
	b.mu.Unlock()
	if closed > 0 {
		b.log.Warn("sessions could not be confirmed; live connections were closed", "connections", closed, "waited", confirmWait)
	}
}
