package command

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"rollcall/accounts"
)

// boardCmd manages the settings that are stored with the accounts. Administrators can change them in the browser, too.
// Servers follow them at once.
type boardCmd struct {
	storage

	Show boardShowCmd `cmd:"" help:"Show the stored settings of the board, and what overrides them."`
	Set  boardSetCmd  `cmd:"" help:"Store settings of the board. Servers use them at once."`
}

// A storedSetting is one field of accounts.Settings.
type storedSetting struct {
	name    string // the name of its flag with _ for -, and of its variable in lower case after ROLLCALL_
	value   *string
	options []string // the values that it can have; nil: a name
	usual   string   // what an empty value means
}

func storedSettings(s *accounts.Settings) []storedSetting {
	return []storedSetting{
		{"board_name", &s.BoardName, nil, "Rollcall"},
		{"signup", &s.SignUp, accounts.SignUpModes, "open if only this machine can connect, else invite"},
		{"signup_domains", &s.Domains, nil, "none"},
		{"teams", &s.Teams, accounts.TeamRules, accounts.TeamsOpen},
		{"visibility", &s.Visibility, accounts.Visibilities, accounts.VisibleEveryone},
		{"invisible", &s.Invisible, []string{"on", "off"}, "on"},
	}
}

func (s *storedSetting) flag() string { return strings.ReplaceAll(s.name, "_", "-") }

func (s *storedSetting) variable() string { return "ROLLCALL_" + strings.ToUpper(s.name) }

type boardShowCmd struct {
	JSON bool `help:"Print a JSON array."`

	BoardName     string `group:"Flags of the server, to see what they override:" variable:"ROLLCALL_BOARD_NAME" placeholder:"NAME" help:"The server's --board-name."`
	Signup        string `group:"Flags of the server, to see what they override:" variable:"ROLLCALL_SIGNUP" placeholder:"MODE" help:"The server's --signup."`
	SignupDomains string `group:"Flags of the server, to see what they override:" variable:"ROLLCALL_SIGNUP_DOMAINS" placeholder:"DOMAINS" help:"The server's --signup-domains."`
	Teams         string `group:"Flags of the server, to see what they override:" variable:"ROLLCALL_TEAMS" placeholder:"RULE" help:"The server's --teams."`
	Visibility    string `group:"Flags of the server, to see what they override:" variable:"ROLLCALL_VISIBILITY" placeholder:"RULE" help:"The server's --visibility."`
	Invisible     string `group:"Flags of the server, to see what they override:" variable:"ROLLCALL_INVISIBLE" placeholder:"on|off" help:"The server's --invisible."`
}

// shownSetting is one setting in board show --json.
type shownSetting struct {
	Name         string `json:"name"`
	Stored       string `json:"stored"`        // "": the default
	OverriddenBy string `json:"overridden_by"` // a flag or a variable, with its value
}

// Run prints what is stored, and what the flags and variables of this command override.
func (c *boardShowCmd) Run(ctx context.Context, con *console, group *boardCmd, command *kong.Context, from sources) error {
	store, err := group.open(ctx, con)
	if err != nil {
		return err
	}
	defer store.Close()
	stored, err := store.Settings(ctx)
	if err != nil {
		return err
	}
	var shown []shownSetting
	rows := [][]string{{"SETTING", "OVERRIDDEN BY", "STORED"}}
	for _, s := range storedSettings(&stored) {
		by := ""
		if value, _ := textOf(command, s.flag()); value != "" {
			by = cmp.Or(from[s.flag()], "--"+s.flag()) + "=" + value
		}
		shown = append(shown, shownSetting{s.name, *s.value, by})
		rows = append(rows, []string{s.name, dash(by), cmp.Or(*s.value, "the default ("+s.usual+")")})
	}
	if c.JSON {
		return printJSON(con.stdout, shown)
	}
	return printTable(con.stdout, rows)
}

type boardSetCmd struct {
	Settings []string `arg:"" name:"name=value" help:"board_name=NAME, signup=open|invite|approve|domains|off, signup_domains=DOMAINS, teams=open|existing|fixed, visibility=everyone|teams, or invisible=on|off. An empty value, as in teams=, restores the default."`
}

// Run stores all the settings, or none.
func (c *boardSetCmd) Run(ctx context.Context, con *console, group *boardCmd) error {
	var probe accounts.Settings
	for _, text := range c.Settings {
		if err := assign(&probe, text); err != nil {
			return err
		}
	}
	store, err := group.open(ctx, con)
	if err != nil {
		return err
	}
	defer store.Close()
	err = store.ChangeSettings(ctx, func(s *accounts.Settings) error {
		for _, text := range c.Settings {
			if err := assign(s, text); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return plain(err)
	}
	for _, text := range c.Settings {
		fmt.Fprintf(con.stdout, "Stored %s.\n", text)
	}
	for _, s := range storedSettings(&probe) {
		value := con.env[s.variable()]
		if value == "" || !slices.ContainsFunc(c.Settings, s.isIn) {
			continue
		}
		fmt.Fprintf(con.stdout, "Here, %s=%s overrides what is stored: unset it to use the stored %s.\n", s.variable(), value,
			s.name)
	}
	return nil
}

// isIn reports whether text is NAME=VALUE for this setting.
func (s *storedSetting) isIn(text string) bool {
	name, _, _ := strings.Cut(text, "=")
	return strings.ReplaceAll(name, "-", "_") == s.name
}

// assign sets what text, NAME=VALUE, says.
func assign(to *accounts.Settings, text string) error {
	name, value, ok := strings.Cut(text, "=")
	if !ok {
		return fmt.Errorf("%q: write NAME=VALUE, as in signup=invite", text)
	}
	var known []string
	for _, s := range storedSettings(to) {
		known = append(known, s.name)
		if !s.isIn(text) {
			continue
		}
		if value != "" && s.options != nil && !slices.Contains(s.options, value) {
			return fmt.Errorf("%s=%s: write %s, or nothing for the default", name, value, alternatives(s.options))
		}
		*s.value = value
		return nil
	}
	return fmt.Errorf("there is no setting %q: use %s", name, alternatives(known))
}

// alternatives joins words with commas and "or".
func alternatives(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}
