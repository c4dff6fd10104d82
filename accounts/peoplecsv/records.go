package peoplecsv

import (
	"bufio"
	"encoding/csv"
	"errors"
	"io"
	"strings"
)

// records reads a file one record at a time, within the limits. Package encoding/csv alone would keep the rest of the
// file in memory after a double quote without a partner, and then report a single error.
type records struct {
	in    *bufio.Reader
	one   *bufio.Reader // of the text of one record
	comma rune          // 0: the first line decides
	ahead []string      // lines that were read and then not used
	line  int           // number of the last line that was used
}

func newRecords(in io.Reader) *records {
	return &records{in: bufio.NewReader(in), one: bufio.NewReader(nil)}
}

// next returns the fields of the next record and the number of its first line. Errors: *Problem if the record can't be
// used, io.EOF, and those of the reader.
func (r *records) next() (line int, fields []string, err error) {
	text, whole, err := r.take()
	if err != nil {
		return r.line, nil, err
	}
	r.line++
	line = r.line
	if r.comma == 0 {
		text = strings.TrimPrefix(text, "\ufeff")
		r.comma = separator(text)
	}
	if whole {
		text, whole, err = r.complete(text)
	}
	if err != nil {
		return line, nil, err
	}
	if !whole {
		return line, nil, &Problem{Line: line, Code: LineTooLong, Limit: MaxLine}
	}
	fields, err = r.split(text)
	if _, bad := errors.AsType[*csv.ParseError](err); bad {
		err = &Problem{Line: line, Code: BadQuotes}
	}
	return line, fields, err
}

// split returns the fields of a record, or nil for an empty line.
func (r *records) split(text string) ([]string, error) {
	r.one.Reset(strings.NewReader(text))
	rows := csv.NewReader(r.one)
	rows.Comma = r.comma
	fields, err := rows.Read()
	switch {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil: // the fields before the wrong one don't count
		return nil, err
	}
	return fields, nil
}

// complete adds to a line those on which its last field goes on. If the field doesn't end within the limits, the lines
// after the first one are records of their own, so that one wrong quote hides nobody.
func (r *records) complete(text string) (all string, whole bool, err error) {
	quoted := inQuotes(text, r.comma, false)
	var more []string
	size := len(text)
	for quoted {
		line, ends, err := r.take()
		if err != nil && !errors.Is(err, io.EOF) {
			return "", false, err
		}
		if err == nil {
			more = append(more, line)
			size += len(line)
		}
		if err != nil || !ends || size > MaxLine || len(more) == maxLines {
			r.ahead = append(more, r.ahead...)
			return "", false, &Problem{Line: r.line, Code: OpenQuotes}
		}
		quoted = inQuotes(line, r.comma, true)
	}
	r.line += len(more)
	return text + strings.Join(more, ""), true, nil
}

// inQuotes reports whether a field in quotes goes on after a line. quoted says the same of the line before.
func inQuotes(line string, comma rune, quoted bool) bool {
	begins := !quoted // of a field
	for i := 0; i < len(line); i++ {
		switch {
		case line[i] != '"':
			begins = !quoted && line[i] == byte(comma)
		case begins:
			quoted, begins = true, false
		case quoted && strings.HasPrefix(line[i+1:], `"`):
			i++
		default:
			quoted = false
		}
	}
	return quoted
}

// take returns the next line with its end. Of a line of more than MaxLine bytes, it returns only that many, and whole
// is false.
func (r *records) take() (line string, whole bool, err error) {
	if len(r.ahead) > 0 {
		line, r.ahead = r.ahead[0], r.ahead[1:]
		return line, len(line) <= MaxLine, nil
	}
	var text []byte
	for {
		part, err := r.in.ReadSlice('\n')
		if room := MaxLine + 1 - len(text); room > 0 {
			text = append(text, part[:min(room, len(part))]...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && len(text) > 0, err == nil:
			return string(text), len(text) <= MaxLine, nil
		default:
			return "", false, err
		}
	}
}
