package handlers

import (
	"rollcall/accounts"
	"rollcall/live"
)

// inForce holds the settings of the board: what flags fix, then what administrators chose, then the defaults.
type inForce struct {
	accounts.Settings
	openByDefault bool // sign-up is open only because it's so by default
}

func (s *Server) inForce() *inForce { return s.chosen.Load() }

// useSettings makes stored settings take effect.
func (s *Server) useSettings(stored accounts.Settings) {
	chosen := s.cfg.Fixed.Or(stored)
	in := &inForce{Settings: chosen.Or(s.cfg.defaults()).Implied()}
	in.openByDefault = chosen.SignUp == "" && in.SignUp == accounts.SignUpOpen
	s.chosen.Store(in)
	s.cfg.UI.SetName(in.BoardName)
}

// defaults returns the settings of a board whose operator and administrators chose none.
func (c *Config) defaults() accounts.Settings {
	d := accounts.Settings{SignUp: accounts.SignUpInvite, Teams: accounts.TeamsOpen,
		Visibility: accounts.VisibleEveryone, Invisible: "on"}
	if c.onlyHere() {
		d.SignUp = accounts.SignUpOpen
	}
	return d
}

// followSettings applies settings that an administrator changed, on any server or by a command.
func (s *Server) followSettings(u live.Update) {
	if u.Settings != nil {
		s.useSettings(*u.Settings)
	}
}

// warnOfTeams logs that members can't choose their team, although a flag or an administrator says that they can.
func (s *Server) warnOfTeams() {
	chosen := s.cfg.Fixed.Or(s.cfg.Stored).Or(s.cfg.defaults()).Teams
	if s.inForce().Teams != chosen && chosen != s.cfg.defaults().Teams {
		s.log.Warn("people see only their own team, so only administrators choose teams", "teams", chosen)
	}
}
