package command

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"rollcall/command/client"
)

// whoCmd prints who is here.
type whoCmd struct {
	Team string `arg:"" optional:"" help:"Only this team."`
	JSON bool   `help:"Print a JSON array."`
}

// Run prints the people who are here, by team.
func (c *whoCmd) Run(ctx context.Context, con *console) error {
	api, err := con.client()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, clientWait)
	defer cancel()
	here, err := api.Here(ctx, c.Team)
	if err != nil {
		return explain(api, err)
	}
	if here.Warming {
		fmt.Fprintln(con.stderr, "The server has just started, so people are still coming back.")
	}
	if c.JSON {
		if here.Users == nil {
			here.Users = []client.User{}
		}
		return printJSON(con.stdout, here.Users)
	}
	return printPeople(con.stdout, here.Users, style{color: con.colors()}, time.Now())
}

// style is how lists look.
type style struct{ color bool }

// paint colors text for a terminal.
func (s style) paint(text, color string) string {
	if !s.color {
		return text
	}
	return "\x1b[" + color + "m" + text + "\x1b[0m"
}

// printPeople prints the number of people, and each of them below their team.
func printPeople(out io.Writer, people []client.User, look style, now time.Time) error {
	var b strings.Builder
	b.WriteString(look.paint(headline(len(people)), "1") + "\n")
	team := ""
	for _, u := range people {
		if u.Team != team {
			team = u.Team
			b.WriteString("\n" + look.paint(printable(team), "2") + "\n")
		}
		words := wordsOf(u.State)
		b.WriteString(look.paint(words.symbol, words.color) + " " + nameOf(u))
		if u.State != "online" || saysOf(u) != "" || !u.Until.IsZero() {
			b.WriteString(" · " + describeUser(u, now))
		}
		b.WriteString("\n")
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// headline says how many people are here.
func headline(n int) string {
	switch n {
	case 0:
		return "Nobody is here."
	case 1:
		return "1 person is here."
	}
	return strconv.Itoa(n) + " people are here."
}
