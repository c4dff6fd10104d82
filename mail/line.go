package mail

import (
	"regexp"
	"strings"
	"unicode"
)

const (
	maxName    = 100 // runes of a name in a message
	maxSubject = 200 // runes
)

// Line is text that an operator chose, such as the name of the board. Messages show it on one line.
type Line string

// String returns the text as messages show it.
func (l Line) String() string { return oneLine(string(l), maxName) }

// Name is text that a person chose, such as a display name. Messages show it on one line, and so that email programs
// don't turn it into a link.
type Name string

// domain matches what email programs turn into a link.
var domain = regexp.MustCompile(`\.(\pL{2})`)

// String returns the text as messages show it.
func (n Name) String() string {
	text := strings.ReplaceAll(oneLine(string(n), maxName), "://", ": //")
	return domain.ReplaceAllString(text, ". $1")
}

// oneLine returns at most limit runes of s on one line. It removes characters that control terminals or reorder text,
// and keeps mail programs from decoding what looks encoded (RFC 2047).
func oneLine(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsSpace(r) && unicode.In(r, unicode.Cc, unicode.Bidi_Control) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	s = strings.Join(strings.Fields(s), " ")
	n := 0
	for i := range s {
		if n++; n > limit {
			s = s[:i]
			break
		}
	}
	return strings.ReplaceAll(s, "=?", "= ?")
}
