package command

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"strings"

	"rollcall/accounts"
	"rollcall/accounts/peoplecsv"
	"rollcall/command/process"
	"rollcall/handlers"
)

// maxImport is how many people one import can add.
const maxImport = 100_000

type userImportCmd struct {
	publicFlag

	File   string `arg:"" help:"CSV with a header line: username, password, display_name, team, email; - is standard input. Instead of a password, it can hold an argon2id hash ($$argon2id$$...)."`
	Links  bool   `help:"Accept people without a password, and print a link for each of them to choose one, as CSV. A link works once, within 24 hours."`
	Check  bool   `help:"Add nobody, and print everything that is wrong with the list."`
	Create bool   `help:"Create the database if there is none."`

	in *os.File // File, if it was opened before root was given up
}

// dropRoot opens the file, which perhaps only root can read, and gives up root.
func (c *userImportCmd) dropRoot(db process.Path) (err error) {
	if c.File != "-" {
		if c.in, err = db.Open(c.File); err != nil {
			return err
		}
	}
	return db.Enter()
}

// Run adds all people in the file, or none.
func (c *userImportCmd) Run(ctx context.Context, con *console, group *userCmd) error {
	in, name := con.stdin, "standard input"
	if c.File != "-" {
		f, err := c.in, error(nil)
		if f == nil {
			f, err = os.Open(c.File)
		}
		if err != nil {
			return err
		}
		defer f.Close()
		in, name = f, c.File
	}
	if c.Check {
		return c.check(ctx, con, group, in, name)
	}
	public, err := c.public(con.env)
	if err != nil {
		return err
	}
	people, lines, err := readPeople(in, c.Links)
	if err != nil {
		return fmt.Errorf("%s: %w; nobody was added", name, err)
	}
	store, err := group.openToAdd(ctx, con, c.Create)
	if err != nil {
		return err
	}
	defer store.Close()
	imported, err := store.Import(ctx, people)
	var bad *accounts.ImportError
	if errors.As(err, &bad) {
		return fmt.Errorf("%s: line %d: %s: %w; nobody was added",
			name, lines[bad.Index], people[bad.Index].Username, plain(bad.Err))
	}
	if err != nil {
		return err
	}
	if c.Links {
		return printLinks(con.stdout, public, people, imported)
	}
	_, err = fmt.Fprintf(con.stdout, "People added: %d.\n", len(people))
	return err
}

// printLinks prints the username and the link of everyone without a password. There's no other way to see the links.
func printLinks(w io.Writer, public *url.URL, people []accounts.NewUser, imported []accounts.Imported) error {
	base := ""
	if public != nil {
		base = public.String()
	}
	rows := csv.NewWriter(w)
	if err := rows.Write([]string{"username", "link"}); err != nil {
		return err
	}
	for i, p := range imported {
		if p.ResetLink == "" {
			continue
		}
		if err := rows.Write([]string{people[i].Username, base + "/reset/" + p.ResetLink}); err != nil {
			return err
		}
	}
	rows.Flush()
	return rows.Error()
}

// readPeople reads a list in which everybody has a password or a hash, or with links, some have none. lines has the
// line number of each person. The error names the first bad line.
func readPeople(in io.Reader, links bool) (people []accounts.NewUser, lines []int, err error) {
	list, err := peoplecsv.Read(in, maxImport)
	if err != nil {
		return nil, nil, err
	}
	if len(list.Problems) > 0 {
		p := list.Problems[0]
		message := strings.TrimSuffix(handlers.ListMessage(p), ".")
		if p.Line == 0 {
			return nil, nil, errors.New(message)
		}
		return nil, nil, fmt.Errorf("line %d: %s", p.Line, message)
	}
	if links {
		for i, p := range list.People {
			list.People[i].NoPassword = p.Password+p.PasswordHash == ""
		}
		return list.People, list.Lines, nil
	}
	if !slices.Contains(list.Columns, "password") {
		return nil, nil, errors.New("line 1: the header line needs username and password; " +
			"to print links with which people choose one, add --links")
	}
	return list.People, list.Lines, nil
}
