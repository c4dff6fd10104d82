package accounts

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// fewHits is the number of hits of a word up to which all hits are read and then sorted. With more hits, it's faster to
// go through the board until the page is full. In a search for several words, each hit is also looked up for the others.
const (
	fewHits        = 20_000
	fewHitsOfFirst = 5_000
)

const sqlCountHits = `SELECT count(*) FROM (SELECT 1 FROM search_words WHERE word >= $1 AND word < $2 LIMIT $3) hits`

// search returns the query for people who match all words of typed, and its arguments. args holds the sort keys between
// which they are and the limit. The query is "" if nobody can match.
func (s *Store) search(ctx context.Context, typed string, back bool, args []any) (string, []any, error) {
	words := searchedWords(typed)
	few := fewHits
	if len(words) > 1 {
		few = fewHitsOfFirst
	}
	hits := map[string]int{}
	for _, w := range words {
		var n int
		if err := s.r.queryRow(ctx, sqlCountHits, []any{w, w + wordEnd, few + 1}, &n); err != nil {
			return "", nil, err
		}
		if n == 0 {
			return "", nil, nil
		}
		hits[w] = n
	}
	if len(words) == 0 {
		return "", nil, nil
	}
	slices.SortStableFunc(words, func(a, b string) int { return hits[a] - hits[b] })
	for _, w := range words {
		args = append(args, w, w+wordEnd)
	}
	return searchSQL(len(words), hits[words[0]] <= few, back), args, nil
}

// searchSQL returns the query for people who match n words. If the first word has few hits, it reads them all.
// Otherwise it goes through the board. It then checks the other words for each place, and reads the people of one page.
func searchSQL(n int, few, back bool) string {
	order := ""
	if back {
		order = " DESC"
	}
	var others strings.Builder
	for i := 1; i < n; i++ {
		fmt.Fprintf(&others, ` AND EXISTS (SELECT 1 FROM search_words x WHERE x.sort_key = w.sort_key AND x.word >= $%d AND x.word < $%d)`,
			4+2*i, 5+2*i)
	}
	with, from, first := ``, `search_words w`, `w.word >= $4 AND w.word < $5 AND `
	if few {
		with = `WITH w AS MATERIALIZED (SELECT DISTINCT sort_key FROM search_words WHERE word >= $4 AND word < $5)
			`
		from, first = `w`, ``
	}
	return with + `SELECT ` + personColumns + ` FROM (SELECT DISTINCT w.sort_key FROM ` + from + `
			WHERE ` + first + `w.sort_key > $1 AND w.sort_key < $2` + others.String() + `
			ORDER BY w.sort_key` + order + ` LIMIT $3) found
		JOIN users u ON u.sort_key = found.sort_key AND NOT u.disabled ORDER BY u.sort_key` + order
}

// Search is a parsed search, for comparing it with many people.
type Search struct{ words []string }

// NewSearch parses a search. It's slower than Finds.
func NewSearch(typed string) Search { return Search{searchedWords(typed)} }

// Words returns the words of the person's names, for comparing them with many searches. It takes about 5 µs.
func (p Person) Words() []string { return nameWords(p.DisplayName, p.Username) }

// Finds reports whether the search finds a person with these Words, like People.
func (s Search) Finds(names []string) bool {
	for _, w := range s.words {
		if !slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(name, w) }) {
			return false
		}
	}
	return len(s.words) > 0
}
