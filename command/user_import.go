package command

import (
	"context"
	"errors"
	"fmt"
	"io"
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
	File   string `arg:"" help:"CSV with a header line: username, password, display_name, team; - is standard input. Instead of a password, it can hold an argon2id hash ($$argon2id$$...)."`
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
	people, lines, err := readPeople(in)
	if err != nil {
		return fmt.Errorf("%s: %w; nobody was added", name, err)
	}
	store, err := group.openToAdd(ctx, con, c.Create)
	if err != nil {
		return err
	}
	defer store.Close()
	_, err = store.Import(ctx, people)
	var bad *accounts.ImportError
	if errors.As(err, &bad) {
		return fmt.Errorf("%s: line %d: %s: %w; nobody was added",
			name, lines[bad.Index], people[bad.Index].Username, plain(bad.Err))
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(con.stdout, "People added: %d.\n", len(people))
	return err
}

// readPeople reads a list in which everybody has a password or a hash. lines has the line number of each person. The
// error names the first bad line.
func readPeople(in io.Reader) (people []accounts.NewUser, lines []int, err error) {
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
	if !slices.Contains(list.Columns, "password") {
		return nil, nil, errors.New("line 1: the header line needs username and password")
	}
	return list.People, list.Lines, nil
}
