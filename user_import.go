package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"

	"rollcall/accounts"
)

// maxImport bounds one import, people.
const maxImport = 100_000

type userImportCmd struct {
	File   string `arg:"" help:"CSV with a header line: username, password, display_name, team; - is standard input. An argon2id hash ($$argon2id$$...) may stand in the place of a password."`
	Create bool   `help:"Make a new database when there is none."`

	in *os.File // File, where it was opened before root was given up
}

// become opens the file, which perhaps root alone may read, and gives root up.
func (c *userImportCmd) become(p place) (err error) {
	if c.File != "-" {
		if c.in, err = openAsRoot(c.File, p); err != nil {
			return err
		}
	}
	return p.enter()
}

// Run adds all the people of the file or none.
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
	err = store.Import(ctx, people)
	var bad *accounts.ImportError
	if errors.As(err, &bad) {
		return fmt.Errorf("%s: line %d: %s: %w; nobody was added", name, lines[bad.Index], people[bad.Index].Username, plain(bad.Err))
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(con.stdout, "People added: %d.\n", len(people))
	return err
}

// columns are those a file may have, in any order; the first two are needed.
var columns = []string{"username", "password", "display_name", "team"}

// readPeople reads the CSV; lines holds the line each person stands on. Errors name the line.
func readPeople(in io.Reader) (people []accounts.NewUser, lines []int, err error) {
	rows, header, err := openCSV(in)
	if err != nil {
		return nil, nil, err
	}
	for {
		record, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		var syntax *csv.ParseError
		if errors.As(err, &syntax) && errors.Is(syntax.Err, csv.ErrFieldCount) {
			return nil, nil, fmt.Errorf("line %d: %w (one that holds commas, a hash for example, goes in double quotes)", syntax.Line, syntax.Err)
		}
		if syntax != nil {
			return nil, nil, fmt.Errorf("line %d: %w", syntax.Line, syntax.Err)
		}
		if err != nil {
			return nil, nil, err
		}
		line, _ := rows.FieldPos(0)
		person, err := readPerson(header, record)
		if err != nil {
			return nil, nil, fmt.Errorf("line %d: %w", line, err)
		}
		if len(people) == maxImport {
			return nil, nil, fmt.Errorf("line %d: more than %d people; split the file", line, maxImport)
		}
		people, lines = append(people, person), append(lines, line)
	}
	if len(people) == 0 {
		return nil, nil, errors.New("there is nobody in it below the header line")
	}
	return people, lines, nil
}

// openCSV reads the header line, after the mark that spreadsheets put before it.
func openCSV(in io.Reader) (*csv.Reader, []string, error) {
	buffered := bufio.NewReader(in)
	if mark, _ := buffered.Peek(3); string(mark) == "\ufeff" {
		buffered.Discard(3)
	}
	rows := csv.NewReader(buffered)
	header, err := rows.Read()
	if errors.Is(err, io.EOF) {
		return nil, nil, errors.New("it is empty")
	}
	if err != nil {
		return nil, nil, err
	}
	for i, name := range header {
		header[i] = strings.ToLower(strings.TrimSpace(name))
		if !slices.Contains(columns, header[i]) || slices.Contains(header[:i], header[i]) {
			return nil, nil, fmt.Errorf("line 1: column %q; the header line is %s", name, strings.Join(columns, ","))
		}
	}
	if !slices.Contains(header, "username") || !slices.Contains(header, "password") {
		return nil, nil, errors.New("line 1: username and password are needed in the header line")
	}
	return rows, header, nil
}

// otherHash is how hashes of other programs begin. Taken for a password, one would be the password.
var otherHash = regexp.MustCompile(`^\$(2[abxy]?|1|5|6|y|argon2[id]|pbkdf2[a-z0-9-]*|scrypt)\$`)

func readPerson(header, record []string) (accounts.NewUser, error) {
	var p accounts.NewUser
	for i, name := range header {
		value := record[i]
		switch name {
		case "username":
			p.Username = strings.TrimSpace(value)
		case "display_name":
			p.DisplayName = value
		case "team":
			p.Team = value
		case "password":
			switch {
			case strings.HasPrefix(value, "$argon2id$"):
				p.PasswordHash = value
			case otherHash.MatchString(value):
				return p, errors.New("the password is a hash of another kind; only $argon2id$ hashes can be taken over")
			default:
				p.Password = value
			}
		}
	}
	return p, nil
}
