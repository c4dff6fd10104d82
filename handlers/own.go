package handlers

import (
	"fmt"
	"time"

	"rollcall/live"
	"rollcall/presence"
	"rollcall/ui"
)

// me returns what a person sees about themself.
func (s *Server) me(own live.Own) ui.Me {
	self, row := own.Self, own.Entry.Row
	me := ui.Me{
		UID: row.ID, Name: row.Name,
		State: string(row.State), Why: explainStatus(self.Why), Next: nextOf(self), Devices: self.Devices,
		Invisible: self.Why.Rule == presence.ByInvisible, MayHide: s.inForce().Invisible == "on",
		Claims: claimsOf(self),
	}
	if self.Why.Rule == presence.ByClaim {
		me.By = ui.SetBy{Key: self.Why.Claim, Until: self.Why.Until}
	}
	if set := self.Status; set != nil {
		me.Set = ui.SetStatus{State: string(set.State), Text: set.Text, Emoji: set.Emoji, Until: set.Until}
	}
	return me
}

// explainStatus tells a person why they have their state. It goes on after "because". It's "" if a claim decides, which
// ui.Me.By tells.
func explainStatus(why presence.Why) string {
	switch why.Rule {
	case presence.ByInvisible, presence.ByStatus:
		return "you chose it"
	case presence.ByNoConnection:
		return "none of your devices is connected"
	case presence.ByInput:
		return "you're active"
	case presence.ByIdleness:
		if minutes := int(why.Idle / time.Minute); minutes > 0 {
			return fmt.Sprintf("there was no input for %d min", minutes)
		}
		return "there was no input"
	default:
		return ""
	}
}

// nextOf tells a person what will change their state.
func nextOf(self presence.Self) ui.Next {
	next := ui.Next{TextEnds: self.View.Until}
	switch why := self.Why; why.Rule {
	case presence.ByInvisible:
		next.Before = "It stays until you change it."
	case presence.ByNoConnection:
		next.Before = "You're back as soon as you open the board."
	case presence.ByStatus:
		if why.Until.IsZero() {
			next.Before = "It stays until you change it."
			break
		}
		next.Before, next.At, next.After = "Ends", why.Until, ", then automatic."
	case presence.ByClaim:
		if why.Until.IsZero() {
			next.Before = "It stays until the app ends it."
		}
	case presence.ByInput:
		next.Before, next.State, next.After = awayAfter(why.Idle)
	case presence.ByIdleness:
		next.Before, next.State, next.After = "You turn", ui.Online, " with your next input."
	}
	if next.TextEnds.Equal(next.At) || self.View.Text == "" && self.View.Emoji == "" ||
		self.Why.Rule == presence.ByClaim && next.TextEnds.Equal(self.Why.Until) {
		next.TextEnds = time.Time{}
	}
	return next
}

func awayAfter(idle time.Duration) (before, state, after string) {
	switch {
	case idle < 0:
		return "You turn", ui.Offline, " when your last device leaves."
	case idle < time.Minute:
		return "You turn", ui.Away, fmt.Sprintf(" after %d s without input.", int(idle/time.Second))
	}
	return "You turn", ui.Away, fmt.Sprintf(" after %d min without input.", int(idle/time.Minute))
}
