package accounts

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// How to find people depends on how many entries of search_words match.
const (
	fewHits  = 4_000 // maximum number of hits that are read and, in a search for several words, checked for the others
	fewWords = 400   // maximum number of different words that are searched one by one
	wordCost = 16    // searching one of them takes about as long as reading this many hits
	anyWords = 64    // a word of a search that matches more words is so common that checking it soon fills a page
)

const (
	sqlCountHits = `SELECT count(*) FROM (SELECT 1 FROM search_words WHERE word >= $1 AND word < $2 LIMIT $3) hits`
	// sqlCountWords jumps from one word to the next, like sqlTeamNames.
	sqlCountWords = `WITH RECURSIVE words (word, n) AS (
		SELECT min(word), 1 FROM search_words WHERE word >= $1 AND word < $2
		UNION ALL
		SELECT (SELECT min(x.word) FROM search_words x WHERE x.word > w.word AND x.word < $2), w.n + 1
			FROM words w WHERE w.word IS NOT NULL AND w.n < $3)
		SELECT count(word) FROM words`
)

// searchWay is a way to find people.
type searchWay int

const (
	byBoard searchWay = iota // go through the board until the page is full; good if many people match
	byHits                   // read all hits of the first word of the search; good if they are few
	byWord                   // go through the hits of each word that matches the first one of the search, until the page is full
)

// searched is a word of a search. It matches the words that begin with it.
type searched struct {
	text        string
	hits, words int // at most fewHits+1 and fewWords+1
}

func (w searched) isNarrow() bool { return w.words <= anyWords }

// search reads at most limit people who match all words of typed, in board order, or in reverse if back is set. Their
// sort keys are between low and high.
func (s *Store) search(ctx context.Context, typed string, back bool, low, high string, limit int) ([]Person, error) {
	words, err := s.searchedFor(ctx, typed)
	if err != nil || len(words) == 0 {
		return nil, err
	}
	args := []any{low, high, limit}
	for _, w := range words {
		args = append(args, w.text, w.text+wordEnd)
	}
	first := words[0]
	way, few := byBoard, first.hits <= fewHits
	switch {
	case few && first.hits < wordCost*first.words:
		way = byHits
	case first.words <= fewWords && (few || !slices.ContainsFunc(words[1:], searched.isNarrow)):
		way = byWord
	}
	people, err := s.people(ctx, searchSQL(len(words), way, back), args, limit)
	if err == nil && way == byWord && len(words) > 1 && !few && len(people) < limit { // the query stopped after fewHits hits
		return s.people(ctx, searchSQL(len(words), byBoard, back), args, limit)
	}
	return people, err
}

// searchedFor returns the words of a search, with the one that matches least first, or none if nobody can match.
func (s *Store) searchedFor(ctx context.Context, typed string) ([]searched, error) {
	var words []searched
	for _, text := range searchedWords(typed) {
		w := searched{text: text}
		err := s.r.queryRow(ctx, sqlCountWords, []any{text, text + wordEnd, fewWords + 1}, &w.words)
		if err == nil && w.words > 0 {
			err = s.r.queryRow(ctx, sqlCountHits, []any{text, text + wordEnd, fewHits + 1}, &w.hits)
		}
		if err != nil || w.words == 0 {
			return nil, err
		}
		if words = append(words, w); cmp.Or(w.hits-words[0].hits, w.words-words[0].words) < 0 {
			words[0], words[len(words)-1] = w, words[0]
		}
	}
	return words, nil
}

// searchSQL returns the query for people who match n words. It finds the places of those who match the first word,
// checks the other words for each, and then reads the people of one page.
func searchSQL(n int, way searchWay, back bool) string {
	order, first, end, upTo := "", "min", "$2", "<="
	if back {
		order, first, end, upTo = " DESC", "max", "$1", ">="
	}
	var with, from string
	switch way {
	case byBoard:
		from = `search_words w WHERE w.word >= $4 AND w.word < $5 AND w.sort_key > $1 AND w.sort_key < $2`
	case byHits:
		with = `WITH hits AS MATERIALIZED (SELECT sort_key FROM search_words WHERE word >= $4 AND word < $5) `
		from = `(SELECT DISTINCT h.sort_key FROM hits h WHERE h.sort_key > $1 AND h.sort_key < $2
			ORDER BY h.sort_key` + order + `) w WHERE TRUE`
	case byWord: // all hits up to the place where one of the words has enough of them
		enough := "$3"
		if n > 1 {
			enough = strconv.Itoa(fewHits)
		}
		with = `WITH RECURSIVE words (word, n) AS (
			SELECT min(word), 1 FROM search_words WHERE word >= $4 AND word < $5
			UNION ALL
			SELECT (SELECT min(x.word) FROM search_words x WHERE x.word > words.word AND x.word < $5), words.n + 1
				FROM words WHERE words.word IS NOT NULL AND words.n < ` + strconv.Itoa(fewWords) + `),
			reach (place) AS (SELECT coalesce(` + first + `((SELECT x.sort_key FROM search_words x
				WHERE x.word = words.word AND x.sort_key > $1 AND x.sort_key < $2
				ORDER BY x.sort_key` + order + ` LIMIT 1 OFFSET ` + enough + `)), ` + end + `) FROM words)
			`
		from = `(SELECT DISTINCT h.sort_key FROM words JOIN search_words h ON h.word = words.word
			WHERE h.sort_key > $1 AND h.sort_key < $2 AND h.sort_key ` + upTo + ` (SELECT place FROM reach)
			ORDER BY h.sort_key` + order + `) w WHERE TRUE`
	}
	var others strings.Builder
	for i := 1; i < n; i++ {
		fmt.Fprintf(&others, ` AND EXISTS (SELECT 1 FROM search_words x
			WHERE x.sort_key = w.sort_key AND x.word >= $%d AND x.word < $%d)`, 4+2*i, 5+2*i)
	}
	return with + `SELECT ` + personColumns + ` FROM (SELECT DISTINCT w.sort_key FROM ` + from + others.String() + `
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
