package handlers

import (
	"context"
	"fmt"
	"net/http"

	"rollcall/accounts"
)

// settingsJSON is the settings in force, and which of them flags fix.
type settingsJSON struct {
	BoardName  string   `json:"board_name"`
	SignUp     string   `json:"signup"`
	Domains    string   `json:"signup_domains"`
	Teams      string   `json:"teams"`
	Visibility string   `json:"visibility"`
	Invisible  string   `json:"invisible"`
	Fixed      []string `json:"fixed"` // by flags of the server
}

func (s *Server) settingsReply() reply {
	in, fixed := s.inForce(), s.cfg.Fixed.Set()
	if fixed == nil {
		fixed = []string{}
	}
	return ok(settingsJSON{s.cfg.UI.Name(), in.SignUp, in.Domains, in.Teams, in.Visibility, in.Invisible, fixed})
}

// apiSettings answers with the settings of the board.
func (s *Server) apiSettings(ctx context.Context, _ *call) (reply, error) {
	if err := s.live.CatchUp(ctx); err != nil {
		return reply{}, notRead(fmt.Errorf("settings: %w", err))
	}
	return s.settingsReply(), nil
}

// settingsPatch changes settings of the board. null is the default of the server.
type settingsPatch struct {
	BoardName  optional[string] `json:"board_name"`
	SignUp     optional[string] `json:"signup"`
	Domains    optional[string] `json:"signup_domains"`
	Teams      optional[string] `json:"teams"`
	Visibility optional[string] `json:"visibility"`
	Invisible  optional[string] `json:"invisible"`
}

// named returns the settings that the patch has, by name.
func (p settingsPatch) named() map[string]string {
	all := map[string]string{}
	for name, o := range map[string]optional[string]{"board_name": p.BoardName, "signup": p.SignUp, "signup_domains": p.Domains,
		"teams": p.Teams, "visibility": p.Visibility, "invisible": p.Invisible} {
		if o.Set {
			all[name] = o.Value
		}
	}
	return all
}

// apiPatchSettings changes settings of the board, unless a flag fixes them.
func (s *Server) apiPatchSettings(ctx context.Context, x *call) (reply, error) {
	in, err := decode[settingsPatch](x.Request)
	if err != nil {
		return reply{}, err
	}
	named := in.named()
	for _, name := range s.cfg.Fixed.Set() {
		if _, changed := named[name]; changed {
			return reply{}, &failure{Status: http.StatusConflict,
				Message: "The flag " + settingFlags[name] + " of the server fixes " + name + "."}
		}
	}
	if in.SignUp.Value == accounts.SignUpDomains {
		if err := s.wantDomains(in.Domains.or(s.inForce().Domains)); err != nil {
			return reply{}, err
		}
	}
	err = s.cfg.Accounts.ChangeSettings(ctx, func(x *accounts.Settings) error {
		for name, value := range map[string]*string{"board_name": &x.BoardName, "signup": &x.SignUp, "signup_domains": &x.Domains,
			"teams": &x.Teams, "visibility": &x.Visibility, "invisible": &x.Invisible} {
			if chosen, changed := named[name]; changed {
				*value = chosen
			}
		}
		return nil
	})
	if err != nil {
		return reply{}, changeFailure(err, "change the settings")
	}
	if err := s.live.CatchUp(ctx); err != nil {
		return reply{}, notRead(fmt.Errorf("settings: %w", err))
	}
	return s.settingsReply(), nil
}
