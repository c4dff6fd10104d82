package command

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"rollcall/command/client"
)

// setCmd sets the status.
type setCmd struct {
	State string `arg:"" enum:"online,away,dnd,auto" help:"online, away, dnd (do not disturb), or auto: what your devices say."`
	Text  string `arg:"" optional:"" help:"What you're doing."`
	Emoji string `placeholder:"EMOJI" help:"One emoji beside the text."`
	For   string `xor:"end" placeholder:"DURATION" help:"How long it lasts, such as 45m, 2h, or 3d."`
	Until string `xor:"end" placeholder:"TIME" help:"When it ends: a time on this machine's clock such as 14:00, or one such as 2026-03-01T14:00:00Z."`
}

// Run sets the status and prints it.
func (c *setCmd) Run(ctx context.Context, con *console) error {
	status := client.Status{State: c.State, Text: c.Text, Emoji: c.Emoji, For: c.For}
	if c.State == "auto" {
		status.State = ""
	}
	if c.State == "auto" && c.Text == "" && c.Emoji == "" {
		return fmt.Errorf("set auto needs a text or an emoji: to clear your status, run rollcall clear")
	}
	now := time.Now()
	if c.Until != "" {
		until, err := nextTime(c.Until, now)
		if err != nil {
			return err
		}
		status.Until = &until
	}
	return con.change(ctx, func(ctx context.Context, api *client.Client) (string, error) {
		set, err := api.SetStatus(ctx, status)
		if err != nil {
			return "", err
		}
		shown := client.User{State: set.State, Text: set.Text, Emoji: set.Emoji}
		if set.Until != nil {
			shown.Until = *set.Until
		}
		return "Status set. " + describeStatus(shown, now), nil
	})
}

// describeStatus is describeUser for a status, whose state can be automatic.
func describeStatus(u client.User, now time.Time) string {
	line := describeUser(u, now)
	if u.State == "" {
		return "Automatic" + line
	}
	return line
}

// nextTime reads a time of day, and returns when it's next that time here; or a whole time.
func nextTime(text string, now time.Time) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	hours, minutes, found := strings.Cut(text, ":")
	h, errH := strconv.ParseUint(hours, 10, 8)
	m, errM := strconv.ParseUint(minutes, 10, 8)
	if !found || errH != nil || errM != nil || len(minutes) != 2 || h > 23 || m > 59 {
		return now, fmt.Errorf("--until %s: write a time such as 14:00, or 2026-03-01T14:00:00Z", text)
	}
	now = now.Local()
	t := time.Date(now.Year(), now.Month(), now.Day(), int(h), int(m), 0, 0, now.Location())
	if !t.After(now) {
		t = time.Date(now.Year(), now.Month(), now.Day()+1, int(h), int(m), 0, 0, now.Location())
	}
	return t, nil
}

// change makes one change on the board, and prints what act returns.
func (con *console) change(ctx context.Context, act func(context.Context, *client.Client) (string, error)) error {
	api, err := con.client()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, clientWait)
	defer cancel()
	said, err := act(ctx, api)
	if err != nil {
		return explain(api, err)
	}
	return printLine(con.stdout, said)
}

// clearCmd clears the status.
type clearCmd struct{}

// Run clears the status.
func (clearCmd) Run(ctx context.Context, con *console) error {
	return con.change(ctx, func(ctx context.Context, api *client.Client) (string, error) {
		return "Status cleared.", api.ClearStatus(ctx)
	})
}

// invisibleCmd makes the person invisible, or visible again.
type invisibleCmd struct {
	State string `arg:"" enum:"on,off" help:"on or off."`
}

// Run says what others see now.
func (c *invisibleCmd) Run(ctx context.Context, con *console) error {
	return con.change(ctx, func(ctx context.Context, api *client.Client) (string, error) {
		if c.State == "on" {
			return "You're invisible: others see you as offline.", api.SetInvisible(ctx, true)
		}
		return "You're visible.", api.SetInvisible(ctx, false)
	})
}
