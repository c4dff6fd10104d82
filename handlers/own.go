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
	self := own.Self
	return ui.Me{
		Name:  own.Entry.Row.Name,
		State: string(self.View.State), Why: explainStatus(self.Why), Next: nextOf(self), Devices: self.Devices,
		Invisible: self.Why.Rule == presence.ByInvisible, MayHide: s.cfg.Invisible,
	}
}

// explainStatus tells a person in a few words why they have their state.
func explainStatus(why presence.Why) string {
	switch why.Rule {
	case presence.ByInvisible:
		return "you are invisible"
	case presence.ByNoConnection:
		return "no device of yours is connected"
	case presence.ByStatus:
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

// nextOf tells a person what will change their status.
func nextOf(self presence.Self) ui.Next {
	next := ui.Next{TextEnds: self.View.Until}
	switch why := self.Why; why.Rule {
	case presence.ByInvisible:
		next.Before = "until you go visible"
	case presence.ByNoConnection:
		next.Before = "back as soon as you open the board"
	case presence.ByStatus, presence.ByClaim:
		if why.Until.IsZero() {
			next.Before = "until you change it"
			break
		}
		next.Before, next.At, next.After = "ends", why.Until, ", then automatic"
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
