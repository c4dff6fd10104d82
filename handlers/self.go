package handlers

import (
	"bytes"
	"fmt"
	"time"

	"rollcall/accounts"
	"rollcall/presence"
	"rollcall/ui"
)

// me is what p is told of themself.
func (b *board) me(p accounts.Person) ui.Me {
	self := b.presence.Self(p.ID)
	return ui.Me{
		Name:  p.DisplayName,
		State: string(self.View.State), Why: explainStatus(self.Why), Next: nextOf(self), Devices: self.Devices,
		Invisible: self.Why.Rule == presence.ByInvisible, MayHide: b.server.cfg.Invisible,
	}
}

// ownRowLocked is the row of p that everybody gets, to the byte, or is about to get.
func (b *board) ownRowLocked(p accounts.Person) []byte {
	now := &card{person: p, view: b.presence.View(p.ID)}
	if c := b.cards[p.ID]; c != nil {
		if c.view == now.view {
			return b.renderLocked(c, full)
		}
		now.person = c.person
	}
	return b.renderLocked(now, full)
}

// self is what p is told of themself, with the row that others get.
func (b *board) self(p accounts.Person) (ui.Me, []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.me(p), b.ownRowLocked(p)
}

// tellSelfLocked sends what only its own person may know, when it is news to s. It is no part of the frames of pages:
// what an invisible person does must not move those, not even in time.
func (b *board) tellSelfLocked(s *socket) {
	if s.hidden {
		return
	}
	me, row := b.me(s.person), b.ownRowLocked(s.person)
	if s.me == me && bytes.Equal(s.row, row) {
		return
	}
	f := b.ui.NewFrame()
	f.Me(s.me, me, s.row, row)
	s.me, s.row = me, row
	s.write(f.Bytes())
}

// explainStatus says in a few words why somebody is shown as they are, for them alone.
func explainStatus(why presence.Why) string {
	switch why.Rule {
	case presence.ByInvisible:
		return "you are invisible"
	case presence.ByNoConnection:
		return "no device of yours is connected"
	case presence.ByWord:
		return "you set it"
	case presence.ByClaim:
		return "set by " + why.Claim
	case presence.ByInput:
		return "you are active"
	case presence.ByIdleness:
		if minutes := int(why.Idle / time.Minute); minutes > 0 {
			return fmt.Sprintf("no input for %d min", minutes)
		}
		return "no input"
	default:
		return ""
	}
}

// nextOf says what will change a status, for its person alone.
func nextOf(self presence.Self) ui.Next {
	next := ui.Next{TextEnds: self.View.Until}
	switch why := self.Why; why.Rule {
	case presence.ByInvisible:
		next.Before = "until you show yourself"
	case presence.ByNoConnection:
		next.Before = "back as soon as you open the board"
	case presence.ByWord, presence.ByClaim:
		if why.Until.IsZero() {
			next.Before = "until you change it"
			break
		}
		next.Before, next.At, next.After = "ends", why.Until, ", then your activity decides"
	case presence.ByInput:
		next.Before = awayAfter(why.Idle)
	case presence.ByIdleness:
		next.Before = "online with your next input"
	}
	if next.TextEnds.Equal(next.At) || self.View.Text == "" && self.View.Emoji == "" {
		next.TextEnds = time.Time{}
	}
	return next
}

func awayAfter(idle time.Duration) string {
	switch {
	case idle < 0:
		return "offline when your last device leaves"
	case idle < time.Minute:
		return fmt.Sprintf("away after %d s without input", int(idle/time.Second))
	}
	return fmt.Sprintf("away after %d min without input", int(idle/time.Minute))
}
