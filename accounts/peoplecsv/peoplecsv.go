// Package peoplecsv reads and writes lists of people as CSV, for imports and exports.
//
// It checks the file, not the people: package accounts decides which names, teams and passwords are valid. It says what
// is wrong by codes, which callers turn into sentences.
package peoplecsv

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"rollcall/accounts"
)

// columns are the columns that are used. They may be in any order, and only username is needed.
var columns = []string{"username", "password", "display_name", "team", "email"}

// aliases are other names of columns.
var aliases = map[string]string{"name": "display_name", "full_name": "display_name", "user_name": "username",
	"user": "username", "group": "team", "e_mail": "email", "email_address": "email"}

// Code says what is wrong with a line.
type Code string

// The codes.
const (
	Empty          Code = "empty"           // the file has no header line
	NoUsername     Code = "no_username"     // the header line has no column for usernames
	RepeatedColumn Code = "repeated_column" // Detail is its name
	NoPeople       Code = "no_people"       // below the header line
	FieldCount     Code = "field_count"     // a line has more or fewer fields than the header line
	BadQuotes      Code = "bad_quotes"      // a double quote where none may be, or without its partner
	NotUTF8        Code = "not_utf8"
	OtherHash      Code = "other_hash" // the password is another kind of hash than argon2id
	TooMany        Code = "too_many"   // more than Limit people

	OpenQuotes      Code = "open_quotes"       // a double quote begins a field that doesn't end
	LineTooLong     Code = "line_too_long"     // more than Limit bytes, also of a field on several lines
	CellTooLong     Code = "cell_too_long"     // more than Limit bytes
	TooManyColumns  Code = "too_many_columns"  // more than Limit
	TooManyProblems Code = "too_many_problems" // Limit of them, so the rest of the list wasn't read
)

// Limits of a list. What exceeds them is reported and skipped, so that reading a list takes little memory.
const (
	MaxLine     = 16 << 10 // bytes of a line, or of the lines of one person
	MaxCell     = 4 << 10  // bytes of a field
	MaxColumns  = 100
	MaxProblems = 1000
	maxLines    = 20 // of one person, whose fields can have line breaks
)

// Problem is something wrong with a line.
type Problem struct {
	Line     int    // from 1; 0: the whole file
	Username string // as typed, if it's known
	Code     Code
	Detail   string // with RepeatedColumn
	Limit    int    // of what there is too much of
}

// Error is for logs.
func (p Problem) Error() string { return fmt.Sprintf("line %d: %s %s", p.Line, p.Code, p.Detail) }

// List is a file that was read.
type List struct {
	People   []accounts.NewUser // from the lines without a problem
	Lines    []int              // where each of People is
	Problems []Problem
	Columns  []string // that are used
	Ignored  []string // names of columns that aren't used
}

// Read reads a list of at most limit people and finds all problems, up to MaxProblems. Fields may be separated by
// commas, semicolons or tabs, as in the header line. It skips a byte order mark and lines without text. The error is
// that of in.
func Read(in io.Reader, limit int) (List, error) {
	var l List
	rows := newRecords(in)
	header, err := l.header(rows)
	if err != nil || header == nil {
		return l, err
	}
	for {
		line, record, err := rows.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if refused, ok := errors.AsType[*Problem](err); ok {
			l.Problems = append(l.Problems, *refused)
		} else if err != nil {
			return l, err
		}
		if len(l.Problems) >= MaxProblems {
			l.problem(Problem{Line: line, Code: TooManyProblems, Limit: MaxProblems})
			return l, nil
		}
		if strings.TrimSpace(strings.Join(record, "")) == "" {
			continue
		}
		if len(l.People) == limit {
			l.problem(Problem{Line: line, Code: TooMany, Limit: limit})
			break
		}
		l.add(line, header, record)
	}
	if len(l.People)+len(l.Problems) == 0 {
		l.problem(Problem{Code: NoPeople})
	}
	return l, nil
}

func (l *List) problem(p Problem) { l.Problems = append(l.Problems, p) }

// header reads the header line. It's nil if it can't be used.
func (l *List) header(rows *records) ([]string, error) {
	_, header, err := rows.next()
	refused, bad := errors.AsType[*Problem](err)
	switch {
	case errors.Is(err, io.EOF):
		l.problem(Problem{Code: Empty})
		return nil, nil
	case bad:
		l.problem(*refused)
		return nil, nil
	case err != nil:
		return nil, err
	case len(header) > MaxColumns:
		l.problem(Problem{Line: 1, Code: TooManyColumns, Limit: MaxColumns})
		return nil, nil
	}
	for i, name := range header {
		if broken(name) {
			l.problem(Problem{Line: 1, Code: NotUTF8})
			return nil, nil
		}
		header[i] = column(name)
		switch {
		case header[i] == "" && strings.TrimSpace(name) != "":
			l.Ignored = append(l.Ignored, strings.TrimSpace(name))
		case header[i] == "":
		case slices.Contains(l.Columns, header[i]):
			l.problem(Problem{Line: 1, Code: RepeatedColumn, Detail: strings.TrimSpace(name)})
			return nil, nil
		default:
			l.Columns = append(l.Columns, header[i])
		}
	}
	if !slices.Contains(l.Columns, "username") {
		l.problem(Problem{Line: 1, Code: NoUsername})
		return nil, nil
	}
	return header, nil
}

// broken reports whether text isn't valid UTF-8, or another program has replaced what it couldn't read.
func broken(text string) bool {
	return !utf8.ValidString(text) || strings.ContainsRune(text, utf8.RuneError)
}

// separator returns what separates the fields of the first line.
func separator(line string) rune {
	best, most := ',', 0
	for _, r := range []rune{',', ';', '\t'} {
		if n := strings.Count(line, string(r)); n > most {
			best, most = r, n
		}
	}
	return best
}

// column returns which of columns a name in a header line means, or "".
func column(name string) string {
	name = strings.NewReplacer(" ", "_", "-", "_").Replace(strings.ToLower(strings.TrimSpace(name)))
	if alias := aliases[name]; alias != "" {
		name = alias
	}
	if !slices.Contains(columns, name) {
		return ""
	}
	return name
}

// otherHash matches the start of other programs' hashes, which must not be taken for passwords.
var otherHash = regexp.MustCompile(`^\$(2[abxy]?|1|5|6|y|argon2[id]|pbkdf2[a-z0-9-]*|scrypt)\$`)

// add adds the person of a record.
func (l *List) add(line int, header, record []string) {
	var p accounts.NewUser
	for i, name := range header {
		if i >= len(record) {
			break
		}
		value := record[i]
		switch name {
		case "username":
			p.Username = strings.TrimSpace(value)
		case "display_name":
			p.DisplayName = value
		case "team":
			p.Team = value
		case "email":
			p.Email = value
		case "password":
			p.Password = value
		}
	}
	if strings.HasPrefix(p.Password, "$argon2id$") {
		p.Password, p.PasswordHash = "", p.Password
	}
	bad := Problem{Line: line, Username: p.Username}
	if tooLong(p.Username) {
		bad.Username = ""
	}
	switch {
	case len(record) != len(header):
		bad.Code = FieldCount
	case slices.ContainsFunc(record, tooLong):
		bad.Code, bad.Limit = CellTooLong, MaxCell
	case broken(strings.Join(record, "")):
		bad.Code, bad.Username = NotUTF8, strings.ToValidUTF8(bad.Username, "\uFFFD")
	case otherHash.MatchString(p.Password):
		bad.Code = OtherHash
	default:
		l.People, l.Lines = append(l.People, p), append(l.Lines, line)
		return
	}
	l.problem(bad)
}

func tooLong(cell string) bool { return len(cell) > MaxCell }

// formula matches what spreadsheets can take for the beginning of a formula: at the beginning of a cell, and after what
// some of them take for the end of one.
var formula = regexp.MustCompile(`^[=+\-@＝＋－＠\t\r]|[;\t][ ]*[=+\-@＝＋－＠]`)

// Cell returns text as a cell that spreadsheets take for text, not for a formula.
func Cell(text string) string {
	return formula.ReplaceAllStringFunc(text, func(found string) string {
		if found[0] == ';' || found[0] == '\t' && len(found) > 1 {
			return found[:1] + "'" + found[1:]
		}
		return "'" + found
	})
}

// Write writes rows of cells, with CRLF at the end of each line. It defuses formulas.
func Write(out io.Writer, rows func(yield func(cells []string) error) error) error {
	w := csv.NewWriter(out)
	w.UseCRLF = true
	err := rows(func(cells []string) error {
		safe := make([]string, len(cells))
		for i, text := range cells {
			safe[i] = Cell(text)
		}
		return w.Write(safe)
	})
	w.Flush()
	return errors.Join(err, w.Error())
}

// Copy yields the rows of a file that Write has written. Cells that are defused stay so.
func Copy(in io.Reader, yield func(cells []string) error) error {
	rows := csv.NewReader(in)
	rows.FieldsPerRecord = -1
	for {
		cells, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = yield(cells)
		}
		if err != nil {
			return err
		}
	}
}
