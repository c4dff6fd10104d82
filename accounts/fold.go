package accounts

import (
	"encoding/base64"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

const (
	noTeam      = "\U0010FFFF" // key of people without a team: a noncharacter, which sorts last and can't be in a name
	sortKeySep  = "\x01"       // separates the parts of a sort key; sorts before all characters of names
	sortKeyEnd  = "\x02"       // sorts after sortKeySep and before all characters of names
	maxNameKey  = 64           // runes of a folded name that matter for the order
	maxCursor   = 4096         // bytes of an encoded cursor; the longest sort key has under 1 KiB
	idLength    = 36           // bytes of a UUID
	searchInput = 512          // maximum bytes of a search; the rest is ignored
	searchWords = 6            // maximum words of a search; the rest is ignored
	wordEnd     = "\U0010FFFF" // sorts after everything that can follow a prefix
)

// latinMarks are the accents that search and sorting ignore, so that É is found and sorted like E. Marks of other
// scripts (vowels of Devanagari, Thai, Arabic) stay, because they distinguish words.
var latinMarks = &unicode.RangeTable{R16: []unicode.Range16{
	{Lo: 0x0300, Hi: 0x036F, Stride: 1}, {Lo: 0x1AB0, Hi: 0x1AFF, Stride: 1}, {Lo: 0x1DC0, Hi: 0x1DFF, Stride: 1},
	{Lo: 0x20D0, Hi: 0x20FF, Stride: 1}, {Lo: 0xFE20, Hi: 0xFE2F, Stride: 1},
}}

// fold returns the key by which a name is sorted, searched and compared. It removes differences of compatibility forms,
// accents and case, drops invisible characters, and turns white space into single spaces. It's idempotent.
func fold(s string) string {
	s = strip(norm.NFKD.String(s))
	// Both are needed: ToLower alone distinguishes ẞ and ς, and Fold alone mixes the cases of Cherokee.
	s = strings.ToLower(cases.Fold().String(s))
	s = strip(norm.NFKD.String(s))
	return strings.Join(strings.Fields(norm.NFC.String(s)), " ")
}

// strip removes the characters that fold ignores from decomposed text.
func strip(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(latinMarks, r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Variation_Selector, r) {
			return -1
		}
		return r
	}, s)
}

// teamKey returns the key of a team. "Design" and "design " have the same key.
func teamKey(team string) string {
	if key := fold(team); key != "" {
		return key
	}
	return noTeam
}

// sortKey returns a person's position on the board as a string of team, name and id. The byte order of these strings is
// the order of the board.
func sortKey(teamKey, displayName, id string) string {
	name := fold(displayName)
	n := 0
	for i := range name {
		if n++; n > maxNameKey {
			name = name[:i]
			break
		}
	}
	return teamKey + sortKeySep + name + sortKeySep + id
}

// cutSortKey is the inverse of sortKey.
func cutSortKey(key string) (teamKey, nameKey, id string) {
	teamKey, rest, _ := strings.Cut(key, sortKeySep)
	nameKey, id, _ = strings.Cut(rest, sortKeySep)
	return teamKey, nameKey, id
}

// nameKey returns the part of a sort key behind the team, which orders people by name alone.
func nameKey(sortKey string) string {
	_, key, _ := strings.Cut(sortKey, sortKeySep)
	return key
}

// ComparePeople orders people like the board: by team, with people without a team last, then by name, then by id.
func ComparePeople(a, b Person) int { return strings.Compare(a.boardKey(), b.boardKey()) }

func encodeCursor(key string) string { return base64.RawURLEncoding.EncodeToString([]byte(key)) }

// decodeCursor returns the sort key in a cursor, or ErrCursor. Cursors come from clients, who can forge them.
func decodeCursor(cursor string) (string, error) {
	if len(cursor) > maxCursor {
		return "", ErrCursor
	}
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || !utf8.Valid(b) {
		return "", ErrCursor
	}
	p := string(b)
	team, name, id := cutSortKey(p)
	if team == "" || len(id) != idLength || hasControl(team) || hasControl(name) || hasControl(id) {
		return "", ErrCursor
	}
	return p, nil
}

func hasControl(s string) bool { return strings.ContainsFunc(s, unicode.IsControl) }

// nameWords returns the folded words by which a name is found, each once. Punctuation and white space separate words.
func nameWords(names ...string) []string {
	var words []string
	seen := map[string]bool{}
	for _, name := range names {
		for _, w := range strings.FieldsFunc(fold(name), endsWord) {
			if !seen[w] {
				seen[w] = true
				words = append(words, w)
			}
		}
	}
	return words
}

func endsWord(r rune) bool {
	return !unicode.In(r, unicode.Letter, unicode.Mark, unicode.Number, unicode.Symbol)
}

// searchedWords returns the words of a search. It truncates long searches.
func searchedWords(s string) []string {
	if len(s) > searchInput {
		s = s[:searchInput]
	}
	words := nameWords(strings.ToValidUTF8(s, " "))
	return words[:min(len(words), searchWords)]
}
