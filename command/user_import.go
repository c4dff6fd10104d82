package command

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
	"rollcall/command/process"
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

// columns are the columns that a file can have, in any order. The first two are required.
var columns = []string{"username", "password", "display_name", "team"}

// readPeople parses the CSV. lines has the line number of each person. Errors name the line.
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
			return nil, nil, fmt.Errorf("line %d: %w (put a field that contains commas, such as a hash, in double quotes)",
				syntax.Line, syntax.Err)
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
		return nil, nil, errors.New("there are no people below the header line")
	}
	return people, lines, nil
}

// openCSV reads the header line, and skips the byte order mark that spreadsheets write.
func openCSV(in io.Reader) (*csv.Reader, []string, error) {
	buffered := bufio.NewReader(in)
	if mark, _ := buffered.Peek(3); string(mark) == "\ufeff" {
		buffered.Discard(3)
	}
	rows := csv.NewReader(buffered)
	header, err := rows.Read()
	if errors.Is(err, io.EOF) {
		return nil, nil, errors.New("the file is empty")
	}
	if err != nil {
		return nil, nil, err
	}
	for i, name := range header {
		header[i] = strings.ToLower(strings.TrimSpace(name))
		if !slices.Contains(columns, header[i]) || slices.Contains(header[:i], header[i]) {
			return nil, nil, fmt.Errorf("line 1: unknown or repeated column %q; use %s", name, strings.Join(columns, ","))
		}
	}
	if !slices.Contains(header, "username") || !slices.Contains(header, "password") {
		return nil, nil, errors.New("line 1: the header line needs username and password")
	}
	return rows, header, nil
}

// otherHash matches the start of other programs' hashes, which must not be taken for passwords.
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
				return p, errors.New("the password is another kind of hash; only $argon2id$ hashes can be imported")
			default:
				p.Password = value
			}
		}
	}
	return p, nil
}
