package accounts

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

const (
	maxName    = 64  // runes of a display name or team
	maxTeamKey = 128 // runes of a folded team name, which can be longer than the name
	maxMarks   = 6   // marks on one letter: enough for any script, too few to overlap other lines
)

const (
	zwnj = '\u200C'
	zwj  = '\u200D'
)

// blanks are the letters, marks and symbols that are invisible: Unicode names them blanks, nulls, fillers or object
// replacements. TestBlanksAreThoseOfUnicode derives the same table from those names.
var blanks = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x115F, Hi: 0x1160, Stride: 1}, {Lo: 0x2800, Hi: 0x2800, Stride: 1}, {Lo: 0x3164, Hi: 0x3164, Stride: 1},
		{Lo: 0xFFA0, Hi: 0xFFA0, Stride: 1}, {Lo: 0xFFFC, Hi: 0xFFFC, Stride: 1},
	},
	R32: []unicode.Range32{
		{Lo: 0x13441, Hi: 0x13442, Stride: 1}, {Lo: 0x16FE4, Hi: 0x16FE4, Stride: 1}, {Lo: 0x1D159, Hi: 0x1D159, Stride: 1},
	},
}

// cleanDisplayName returns a display name in the form in which it's stored; "" stays "".
func cleanDisplayName(name string) (string, error) { return cleanLine("display_name", name, maxName) }

// cleanTeam returns a team name and its key; "" is no team.
func cleanTeam(team string) (name, key string, err error) {
	name, err = cleanLine("team", team, maxName)
	if err != nil {
		return "", "", err
	}
	key = teamKey(name)
	if name != "" && key == noTeam {
		return "", "", wrongField("team", NoLetters)
	}
	if utf8.RuneCountInString(key) > maxTeamKey {
		return "", "", wrongField("team", TooLong)
	}
	return name, key, nil
}

// cleanLine returns one line of text of at most limit runes in the form in which it's stored and shown: composed (NFC),
// trimmed, and with single spaces. It refuses characters that are invisible or reorder the text around them.
func cleanLine(field, s string, limit int) (string, error) {
	if len(s) > 64*limit { // too long in any case
		return "", tooLong(field, limit)
	}
	if broken(s) {
		return "", wrongField(field, NotUTF8)
	}
	s = norm.NFC.String(strings.TrimSpace(s))
	if strings.ContainsFunc(s, unseen) || !joinersInPlace([]rune(s)) {
		return "", wrongField(field, Unprintable)
	}
	if stackedMarks(s) {
		return "", wrongField(field, StackedMarks)
	}
	s = strings.Join(strings.Fields(s), " ")
	if utf8.RuneCountInString(s) > limit {
		return "", tooLong(field, limit)
	}
	return s, nil
}

// broken reports whether s isn't valid UTF-8, or has characters that some program couldn't read and replaced with
// U+FFFD. The person who typed the text knows what was there.
func broken(s string) bool { return !utf8.ValidString(s) || strings.ContainsRune(s, utf8.RuneError) }

func tooLong(field string, limit int) error {
	return &FieldError{Field: field, Code: TooLong, Limit: limit}
}

// unseen reports whether r is refused everywhere: control characters, line and paragraph separators, characters that
// reorder text, private-use characters and noncharacters, and other invisible characters. joinersInPlace decides about
// joiners, variation selectors and tags.
func unseen(r rune) bool {
	switch {
	case r == zwj || r == zwnj || unicode.Is(unicode.Variation_Selector, r) || tagFirst <= r && r <= tagEnd:
		return false
	case r&0xFFFE == 0xFFFE, 0xFDD0 <= r && r <= 0xFDEF:
		return true
	case unicode.In(r, blanks, unicode.Other_Default_Ignorable_Code_Point),
		unicode.In(r, unicode.Cc, unicode.Co, unicode.Cs, unicode.Zl, unicode.Zp):
		return true
	}
	return unicode.Is(unicode.Cf, r) && !unicode.Is(unicode.Prepended_Concatenation_Mark, r)
}

// joinersInPlace reports whether invisible characters appear only where writing needs them: joiners inside words of
// scripts that join and inside emoji, variation selectors after the character that they vary, and tags in flags.
func joinersInPlace(rs []rune) bool {
	for i, r := range rs {
		var before, after rune
		if i > 0 {
			before = rs[i-1]
		}
		if i+1 < len(rs) {
			after = rs[i+1]
		}
		switch {
		case r == zwj || r == zwnj:
			if !joins(r, before, after) {
				return false
			}
		case unicode.Is(unicode.Variation_Selector, r):
			if !unicode.In(before, unicode.Letter, unicode.Symbol, unicode.Number, unicode.Punct) {
				return false
			}
		case tagFirst <= r && r <= tagEnd:
			if !tagInPlace(before, after, r) {
				return false
			}
		}
	}
	return true
}

// joins reports whether a joiner may be between two runes (0: the end of the text). It may join two emoji. In scripts
// that join, it may be between letters or marks, or end a word after a mark, as in old spellings of Malayalam and
// Sinhala.
func joins(joiner, before, after rune) bool {
	if joiner == zwj && endsPicture(before) && isPicture(after) {
		return true
	}
	if !unicode.In(before, joining...) {
		return false
	}
	return unicode.In(after, joining...) || unicode.Is(unicode.Mark, before)
}

// joining are the scripts that need joiners.
var joining = []*unicode.RangeTable{
	unicode.Arabic, unicode.Syriac, unicode.Mongolian, unicode.Nko, unicode.Mandaic, unicode.Adlam,
	unicode.Hanifi_Rohingya, unicode.Sogdian, unicode.Devanagari, unicode.Bengali, unicode.Gurmukhi, unicode.Gujarati,
	unicode.Oriya, unicode.Tamil, unicode.Telugu, unicode.Kannada, unicode.Malayalam, unicode.Sinhala, unicode.Khmer,
	unicode.Myanmar, unicode.Tibetan, unicode.Balinese, unicode.Javanese, unicode.Sundanese, unicode.Chakma,
}

// tagInPlace reports whether a tag belongs to a flag, such as that of Scotland: it follows the black flag or another
// tag, and the last one is the end tag.
func tagInPlace(before, after, tag rune) bool {
	inFlag := before == blackFlag && tag != tagEnd || tagFirst <= before && before <= tagLast
	goesOn := tagFirst <= after && after <= tagEnd
	return inFlag && (goesOn != (tag == tagEnd))
}

// stackedMarks reports whether s begins with a mark, which would attach to the text before it, or has too many marks on
// one letter.
func stackedMarks(s string) bool {
	n := maxMarks // no letter for a mark yet
	for _, r := range s {
		switch {
		case unicode.Is(unicode.Variation_Selector, r):
		case !unicode.In(r, unicode.Mn, unicode.Me):
			n = 0
		default:
			if n++; n > maxMarks {
				return true
			}
		}
	}
	return false
}
