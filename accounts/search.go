package accounts

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// fewHits is up to how many hits of a word are all read and then ordered. Above it, walking along the board until the
// page is full reads less; but when other words are wanted, too, the walk may find too few and be long.
const (
	fewHits        = 2_000
	fewHitsOfFirst = 5_000
)

const sqlCountHits = `SELECT count(*) FROM (SELECT 1 FROM search_words WHERE word >= $1 AND word < $2 LIMIT $3) hits`

// search returns the query for people who are found under all words of what somebody typed, args being the places
// between which they stand and the limit; "" when there can be none.
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

// searchSQL is the query for people found under n words. With few hits of the first word it reads them all, else it
// walks along the board; the other words are looked up for whoever that finds.
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
	if few {
		return `WITH w AS MATERIALIZED (SELECT DISTINCT sort_key FROM search_words WHERE word >= $4 AND word < $5)
			SELECT ` + personColumns + ` FROM w JOIN users u ON u.sort_key = w.sort_key AND NOT u.disabled
			WHERE w.sort_key > $1 AND w.sort_key < $2` + others.String() + ` ORDER BY w.sort_key` + order + ` LIMIT $3`
	}
	return `SELECT ` + personColumns + ` FROM (SELECT DISTINCT w.sort_key FROM search_words w
			WHERE w.word >= $4 AND w.word < $5 AND w.sort_key > $1 AND w.sort_key < $2` + others.String() + `
			ORDER BY w.sort_key` + order + ` LIMIT $3) found
		JOIN users u ON u.sort_key = found.sort_key AND NOT u.disabled ORDER BY u.sort_key` + order
}

// Search is what somebody typed, ready to be compared with the words of many people.
type Search struct{ words []string }

// NewSearch takes what somebody typed apart, which takes longer than Finds.
func NewSearch(typed string) Search { return Search{searchedWords(typed)} }

// Words are those of the person's names, ready to be compared with many searches. To make them takes some 5 µs.
func (p Person) Words() []string { return nameWords(p.DisplayName, p.Username) }

// Finds reports whether People would find a person with these Words.
func (s Search) Finds(names []string) bool {
	for _, w := range s.words {
		if !slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(name, w) }) {
			return false
		}
	}
	return len(s.words) > 0
}
