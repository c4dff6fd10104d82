package accounts

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// board creates a small board and returns its people by username.
func board(t *testing.T, s *Store) map[string]User {
	t.Helper()
	users := map[string]User{}
	for _, n := range [][3]string{
		{"zoe", "Zoë Álvarez", "Design"}, {"emil", "Émile Zola", "design "}, {"eva", "Eva", "DESIGN"}, {"bob", "bob", ""},
		{"ada", "Ada Lovelace", "Ops"}, {"ada2", "Ada Lovelace", "Ops"}, {"off", "Off", "Ops"}, {"han", "山田 太郎", "Émeutes"},
		{"al", "", ""},
	} {
		users[n[0]] = add(t, s, n[0], n[1], n[2])
	}
	do(t, "SetDisabled", s.SetDisabled(t.Context(), users["off"].ID, true))
	return users
}

func TestPeople(t *testing.T) { onEach(t, testPeople) }

func testPeople(t *testing.T, db database) {
	s := db.open(t, Config{})
	users := board(t, s)
	one, two := "ada", "ada2"
	if users[one].ID > users[two].ID {
		one, two = two, one
	}
	for _, c := range []struct {
		what string
		q    PeopleQuery
		want string
	}{
		{"all", PeopleQuery{}, "emil eva zoe han " + one + " " + two + " al bob"},
		{"team", PeopleQuery{Team: new("Design")}, "emil eva zoe"},
		{"team by key", PeopleQuery{Team: new(users["zoe"].TeamKey())}, "emil eva zoe"},
		{"team by accents", PeopleQuery{Team: new("ÉMEUTES")}, "han"},
		{"no team", PeopleQuery{Team: new("")}, "al bob"},
		{"no team by key", PeopleQuery{Team: new(users["bob"].TeamKey())}, "al bob"},
		{"part of a team", PeopleQuery{Team: new("des")}, ""},
		{"control characters", PeopleQuery{Team: new("ops\x01ada")}, ""},
		{"endless team", PeopleQuery{Team: new(strings.Repeat("\xffdes", 1<<18))}, ""},
		{"search", PeopleQuery{Search: "ada"}, one + " " + two},
		{"search accents", PeopleQuery{Search: "alv ZOE"}, "zoe"},
		{"search prefix", PeopleQuery{Search: "e"}, "emil eva"},
		{"search username", PeopleQuery{Search: "ada2"}, "ada2"},
		{"search, inside a word", PeopleQuery{Search: "velace"}, ""},
		{"search, words of two people", PeopleQuery{Search: "zola eva"}, ""},
		{"search, disabled", PeopleQuery{Search: "off"}, ""},
		{"search, wildcards", PeopleQuery{Search: "%"}, ""},
		{"search, wildcard word", PeopleQuery{Search: "ad_"}, one + " " + two}, // punctuation ends the word
		{"search, quote", PeopleQuery{Search: "' OR 1=1 --"}, ""},
		{"search, Han", PeopleQuery{Search: "太"}, "han"},
		{"search, blank", PeopleQuery{Search: " \t", Limit: 2}, "emil eva"},
		{"search, punctuation", PeopleQuery{Search: "!"}, ""},
		{"search in team", PeopleQuery{Search: "z", Team: new("design")}, "emil zoe"},
		{"search after", PeopleQuery{Search: "z", After: users["emil"].Cursor()}, "zoe"},
		{"search before", PeopleQuery{Search: "z", Before: users["zoe"].Cursor()}, "emil"},
		{"after", PeopleQuery{After: users["zoe"].Cursor(), Limit: 1}, "han"},
		{"before", PeopleQuery{Before: users["zoe"].Cursor(), Limit: 1}, "eva"},
		{"between", PeopleQuery{After: users["zoe"].Cursor(), Before: users["bob"].Cursor()},
			"han " + one + " " + two + " al"},
		{"nothing between", PeopleQuery{After: users["bob"].Cursor(), Before: users["zoe"].Cursor()}, ""},
		{"after, another team", PeopleQuery{Team: new("Ops"), After: users["emil"].Cursor()}, one + " " + two},
		{"after the last", PeopleQuery{After: users["bob"].Cursor()}, ""},
		{"after a disabled person", PeopleQuery{After: users["off"].Cursor()}, "al bob"},
	} {
		people, _, err := s.People(t.Context(), c.q)
		if err != nil || strings.Join(names(people), " ") != c.want {
			t.Errorf("People(%s) = %v, %v, want %s", c.what, names(people), err, c.want)
		}
	}
	for _, cursor := range []string{"x", "====", "AAAA", encodeCursor("a\x01b\x01c"), encodeCursor("\xff"),
		strings.Repeat("A", 1<<20),
		encodeCursor("a\x01b\x00\x01" + users["bob"].ID), encodeCursor("a\x01b\x01c\x01" + users["bob"].ID)} {
		_, _, err := s.People(t.Context(), PeopleQuery{After: cursor})
		wantErr(t, "People(after a forged cursor)", err, ErrCursor)
		_, err = ParseCursor(cursor)
		wantErr(t, "ParseCursor of a forged cursor", err, ErrCursor)
		_, _, err = s.People(t.Context(), PeopleQuery{Before: cursor})
		wantErr(t, "People(before a forged cursor)", err, ErrCursor)
	}
}

func TestBoardFollowsChanges(t *testing.T) { onEach(t, testBoardFollowsChanges) }

func testBoardFollowsChanges(t *testing.T, db database) {
	s := db.open(t, Config{})
	users := board(t, s)
	eva := users["eva"].ID
	check := func(what string, q PeopleQuery, want string) {
		t.Helper()
		people, _, err := s.People(t.Context(), q)
		if err != nil || strings.Join(names(people), " ") != want {
			t.Errorf("%s: People = %v, %v, want %s", what, names(people), err, want)
		}
	}
	design := PeopleQuery{Team: new("Design")}
	do(t, "Rename", s.Rename(t.Context(), eva, "Zz Top"))
	check("renamed", design, "emil zoe eva")
	check("renamed, new name", PeopleQuery{Search: "top"}, "eva")
	check("renamed, username", PeopleQuery{Search: "eva"}, "eva")
	do(t, "SetTeam", s.SetTeam(t.Context(), eva, "Ops"))
	check("moved", design, "emil zoe")
	check("moved", PeopleQuery{Search: "top", Team: new("ops")}, "eva")
	do(t, "SetDisabled", s.SetDisabled(t.Context(), eva, true))
	check("disabled", PeopleQuery{Search: "top"}, "")
	do(t, "Rename", s.Rename(t.Context(), eva, " "))
	check("renamed while disabled", PeopleQuery{Search: "eva"}, "")
	do(t, "SetDisabled", s.SetDisabled(t.Context(), eva, false))
	check("enabled", PeopleQuery{Search: "eva"}, "eva")
	check("enabled, old name", PeopleQuery{Search: "top"}, "")
	do(t, "Delete", s.Delete(t.Context(), eva))
	check("deleted", PeopleQuery{Search: "eva"}, "")
	for what, err := range map[string]error{
		"Rename":      s.Rename(t.Context(), eva, "x"),
		"SetTeam":     s.SetTeam(t.Context(), eva, "x"),
		"SetDisabled": s.SetDisabled(t.Context(), eva, true),
		"Delete":      s.Delete(t.Context(), eva),
	} {
		wantErr(t, what+" of a deleted user", err, ErrNotFound)
	}
	wantField(t, "Rename", s.Rename(t.Context(), users["bob"].ID, strings.Repeat("x", 65)), "display_name")
	wantField(t, "SetTeam", s.SetTeam(t.Context(), users["bob"].ID, "a\nb"), "team")
	var left int
	if err := s.r.db.QueryRow(`SELECT count(*) FROM search_words w WHERE NOT EXISTS
		(SELECT 1 FROM users u WHERE u.sort_key = w.sort_key AND NOT u.disabled)`).Scan(&left); err != nil || left != 0 {
		t.Errorf("%d search words without a person are left, %v, want none", left, err)
	}
}

func TestTallyAndPeopleByID(t *testing.T) { onEach(t, testTallyAndPeopleByID) }

func testTallyAndPeopleByID(t *testing.T, db database) {
	s := db.open(t, Config{})
	users := board(t, s)
	teams, err := s.Tally(t.Context())
	want := []Team{{"design", "Design", 3}, {"emeutes", "Émeutes", 1}, {"ops", "Ops", 2}, {noTeam, "", 2}}
	if err != nil || !slices.Equal(teams, want) {
		t.Errorf("Tally = %+v, %v, want %+v", teams, err, want)
	}
	ids := []string{users["bob"].ID, users["off"].ID, "nobody", users["emil"].ID, users["bob"].ID}
	given := slices.Clone(ids)
	people, err := s.PeopleByID(t.Context(), ids)
	if err != nil || !slices.Equal(ids, given) {
		t.Errorf("PeopleByID changed its argument, or %v", err)
	}
	wantNames(t, "PeopleByID", people, "emil", "bob")
	if people[0] != users["emil"].Person {
		t.Errorf("PeopleByID = %+v, want %+v", people[0], users["emil"].Person)
	}
	if people, err := s.PeopleByID(t.Context(), nil); err != nil || len(people) != 0 {
		t.Errorf("PeopleByID(nil) = %v, %v, want none", people, err)
	}
	for i := range 3*idsAtOnce + 7 {
		ids = append(ids, fmt.Sprint("nobody", i))
	}
	people, err = s.PeopleByID(t.Context(), ids)
	do(t, "PeopleByID", err)
	wantNames(t, "PeopleByID of many", people, "emil", "bob")
}

func TestComparePeople(t *testing.T) { onEach(t, testComparePeople) }

func testComparePeople(t *testing.T, db database) {
	s := db.open(t, Config{})
	board(t, s)
	people, _, err := s.People(t.Context(), PeopleQuery{})
	do(t, "People", err)
	for i, a := range people {
		for j, b := range people {
			bare := Person{ID: b.ID, Username: b.Username, DisplayName: b.DisplayName, Team: b.Team} // not from a store
			if got, want := ComparePeople(a, bare), sign(i-j); got != want {
				t.Errorf("ComparePeople(%s, %s) = %d, want %d", a.Username, b.Username, got, want)
			}
			if bare.Cursor() != b.Cursor() || bare.TeamKey() != b.TeamKey() || TeamKey(b.Team) != b.TeamKey() {
				t.Errorf("keys of %+v differ from the store's", bare)
			}
			if p, err := ParseCursor(b.Cursor()); err != nil || ComparePeople(p, b) != 0 {
				t.Errorf("ParseCursor(%s) = %+v, %v, want the position of %s", b.Cursor(), p, err, b.Username)
			}
		}
	}
}

func sign(n int) int { return max(-1, min(n, 1)) }

// randomPeople imports n people with colliding names, with and without teams.
func randomPeople(t *testing.T, s *Store, rnd *rand.Rand, prefix string, n int) {
	t.Helper()
	hash := newPHC(secret, cheapParams).String()
	users := make([]NewUser, n)
	for i := range users {
		users[i] = NewUser{Username: fmt.Sprintf("%s%d", prefix, i), PasswordHash: hash,
			DisplayName: strings.Repeat(string(rune('a'+rnd.IntN(3))), 1+rnd.IntN(2)), Team: strings.Repeat("t", rnd.IntN(4))}
	}
	do(t, "Import", second(s.Import(t.Context(), users)))
}

// walk reads pages of random lengths to the end of the board, or backward if back is set. It calls page after each
// page.
func walk(t *testing.T, s *Store, rnd *rand.Rand, q PeopleQuery, back bool, page func()) []Person {
	t.Helper()
	var all []Person
	for more := true; more; {
		q.Limit = 1 + rnd.IntN(40)
		people, m, err := s.People(t.Context(), q)
		if err != nil {
			t.Fatalf("People(%+v) = %v", q, err)
		}
		if len(people) > q.Limit || m && len(people) < q.Limit {
			t.Fatalf("People(%+v) = %d people, more %v", q, len(people), m)
		}
		if more = m; back && len(people) > 0 {
			all = append(slices.Clone(people), all...)
			q.Before = people[0].Cursor()
		} else if len(people) > 0 {
			all = append(all, people...)
			q.After = people[len(people)-1].Cursor()
		}
		page()
	}
	return all
}

// All pages together hold everybody exactly once and in order, in both directions, for every filter.
func TestPagesHoldEverybodyOnce(t *testing.T) { onEach(t, testPagesHoldEverybodyOnce) }

func testPagesHoldEverybodyOnce(t *testing.T, db database) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	s := db.open(t, Config{})
	randomPeople(t, s, rnd, "user", 500)
	var everybody []Person
	users, err := s.Users(t.Context(), "", 1000)
	do(t, "Users", err)
	for i, u := range users {
		if i%10 == 0 {
			do(t, "SetDisabled", s.SetDisabled(t.Context(), u.ID, true))
			continue
		}
		everybody = append(everybody, u.Person)
	}
	slices.SortFunc(everybody, ComparePeople)
	last := Person{Team: "", DisplayName: "zzz", ID: strings.Repeat("f", idLength)}.Cursor()
	for _, c := range []struct {
		q    PeopleQuery
		want func(Person) bool
	}{
		{PeopleQuery{}, func(Person) bool { return true }},
		{PeopleQuery{Team: new("TT")}, func(p Person) bool { return p.Team == "tt" }},
		{PeopleQuery{Team: new("")}, func(p Person) bool { return p.Team == "" }},
		{PeopleQuery{Search: "B"}, func(p Person) bool { return p.DisplayName[0] == 'b' }},
		{PeopleQuery{Search: "us bb", Team: new("ttt")},
			func(p Person) bool { return p.DisplayName == "bb" && p.Team == "ttt" }},
	} {
		var want []Person
		for _, p := range everybody {
			if c.want(p) {
				want = append(want, p)
			}
		}
		if got := walk(t, s, rnd, c.q, false, func() {}); !slices.Equal(got, want) {
			t.Errorf("pages of %+v hold %d people, want %d in order", c.q, len(got), len(want))
		}
		c.q.Before = last
		if got := walk(t, s, rnd, c.q, true, func() {}); !slices.Equal(got, want) {
			t.Errorf("pages of %+v, backward, hold %d people, want %d in order", c.q, len(got), len(want))
		}
	}
}

// While new people sign up, everybody who was there before is on exactly one of the pages.
func TestPagesWhilePeopleCome(t *testing.T) { onEach(t, testPagesWhilePeopleCome) }

func testPagesWhilePeopleCome(t *testing.T, db database) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	s := db.open(t, Config{})
	randomPeople(t, s, rnd, "old", 300)
	old, err := s.Users(t.Context(), "", 1000)
	do(t, "Users", err)
	n := 0
	addPeople := func() {
		randomPeople(t, s, rnd, fmt.Sprintf("new%d-", n), 1+rnd.IntN(10))
		n++
	}
	for _, back := range []bool{false, true} {
		q := PeopleQuery{}
		if back {
			q.Before = Person{DisplayName: "zzz", ID: strings.Repeat("f", idLength)}.Cursor()
		}
		seen := map[string]int{}
		people := walk(t, s, rnd, q, back, addPeople)
		for _, p := range people {
			seen[p.ID]++
		}
		if !slices.IsSortedFunc(people, ComparePeople) {
			t.Errorf("pages (back %v) are not in order", back)
		}
		for _, u := range old {
			if seen[u.ID] != 1 {
				t.Errorf("%s was on %d pages (back %v), want 1", u.Username, seen[u.ID], back)
			}
		}
	}
}

// All ways to search find the same people.
func TestSearchStrategies(t *testing.T) { onEach(t, testSearchStrategies) }

func testSearchStrategies(t *testing.T, db database) {
	s := db.open(t, Config{})
	board(t, s)
	for _, typed := range []string{"z", "a", "ada love", "e", "al"} {
		for _, back := range []bool{false, true} {
			var found [3][]string
			for i, way := range []searchWay{byBoard, byHits, byWord} {
				args := []any{"", noTeam + sortKeyEnd, 3}
				words := searchedWords(typed)
				for _, w := range words {
					args = append(args, w, w+wordEnd)
				}
				rows, err := s.r.query(t.Context(), searchSQL(len(words), way, back), args...)
				if err != nil {
					t.Fatal(err)
				}
				people, err := collectPeople(rows, 3)
				do(t, "collectPeople", err)
				found[i] = names(people)
			}
			if !slices.Equal(found[0], found[1]) || !slices.Equal(found[0], found[2]) || len(found[0]) == 0 {
				t.Errorf("search %q (back %v) finds %v, want the same three times", typed, back, found)
			}
		}
	}
}

// A search for two common words finds people who have both, even behind many people who have only one of them.
func TestSearchForCommonWords(t *testing.T) {
	s := open(t, Config{})
	hash, err := s.hash.hash(t.Context(), secret, time.Minute)
	do(t, "hash", err)
	var people []NewUser
	for i := range fewHits + 1 {
		for _, name := range []string{"ada", fmt.Sprintf("zoe%d", i%(anyWords+1))} {
			people = append(people, NewUser{Username: fmt.Sprintf("%s-%d", name, i), DisplayName: name, PasswordHash: hash})
		}
	}
	both := []string{"x1", "x2", "x3"}
	for _, name := range both {
		people = append(people, NewUser{Username: name, DisplayName: "Zoe Ada", PasswordHash: hash})
	}
	do(t, "Import", second(s.Import(t.Context(), people)))
	end := Person{DisplayName: "zzz", ID: strings.Repeat("f", idLength)}.Cursor()
	for _, q := range []PeopleQuery{{Search: "ada zoe"}, {Search: "zoe ada"}, {Search: "ada zoe", Before: end}} {
		found, _, err := s.People(t.Context(), q)
		if got := slices.Sorted(slices.Values(names(found))); err != nil || !slices.Equal(got, both) {
			t.Errorf("People(%+v) = %q, %v, want %q", q, got, err, both)
		}
	}
}

// Readers see whole changes: while a user is renamed again and again, they're found exactly once.
func TestPeopleWhileRenamed(t *testing.T) { onEach(t, testPeopleWhileRenamed) }

func testPeopleWhileRenamed(t *testing.T, db database) {
	s := db.open(t, Config{})
	u := add(t, s, "ada", "Left", "")
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range 100 {
			if err := s.Rename(t.Context(), u.ID, []string{"Right", "Left"}[i%2]); err != nil {
				t.Errorf("Rename = %v", err)
			}
		}
	})
	for range 100 {
		people, _, err := s.People(t.Context(), PeopleQuery{})
		if err != nil || len(people) != 1 {
			t.Errorf("People = %v, %v, want one", names(people), err)
		}
	}
	wg.Wait()
	if _, _, err := s.People(t.Context(), PeopleQuery{After: "?"}); !errors.Is(err, ErrCursor) {
		t.Errorf("People = %v, want ErrCursor", err)
	}
}

// TestSearchFindsWhatPeopleFinds compares Search with the database for many searches.
func TestSearchFindsWhatPeopleFinds(t *testing.T) { onEach(t, testSearchFindsWhatPeopleFinds) }

func testSearchFindsWhatPeopleFinds(t *testing.T, db database) {
	s := db.open(t, Config{})
	for name, display := range map[string]string{
		"ada.o": "Ada Okafor", "elodie": "Élodie de la Tour", "mei": "田中 芽衣", "grace_h": "Grace  O'Hopper", "x-99": "Ǆ 3com",
	} {
		add(t, s, name, display, "")
	}
	everybody, _, err := s.People(t.Context(), PeopleQuery{})
	if err != nil || len(everybody) != 5 {
		t.Fatalf("People = %v, %v, want five", everybody, err)
	}
	for _, typed := range []string{"", " ", "a", "ad ok", "ok ad", "e", "É", "elo tour", "la", "田", "芽衣 田", "h", "o'h",
		"grace h", "3", "x 99", "zz", "a zz", "...", "\xff"} {
		found, _, err := s.People(t.Context(), PeopleQuery{Search: typed})
		if err != nil {
			t.Fatal(err)
		}
		if strings.TrimSpace(typed) == "" {
			found = nil // an empty search lists everybody
		}
		var got []Person
		search := NewSearch(typed)
		for _, p := range everybody {
			if search.Finds(p.Words()) {
				got = append(got, p)
			}
		}
		if !slices.Equal(got, found) {
			t.Errorf("NewSearch(%q) finds %v, People finds %v", typed, got, found)
		}
	}
}

// People are counted and found by their place, in a team and altogether.
func TestPlaces(t *testing.T) {
	onEach(t, func(t *testing.T, db database) {
		s := db.open(t, Config{})
		for _, name := range []string{"ada", "bob", "cleo", "dov", "eve"} {
			team := ""
			if name > "c" {
				team = "Lab"
			}
			add(t, s, name, "", team)
		}
		lab := "lab"
		all, _, err := s.People(t.Context(), PeopleQuery{})
		if err != nil || len(all) != 5 {
			t.Fatalf("People = %v, %v, want 5", all, err)
		}
		for i, p := range all {
			n, err := s.CountPeople(t.Context(), PeopleQuery{Before: p.Cursor()})
			if err != nil || n != i {
				t.Errorf("CountPeople(before %s) = %d, %v, want %d", p.Username, n, err, i)
			}
		}
		lab3, _, err := s.People(t.Context(), PeopleQuery{Team: &lab})
		if err != nil || len(lab3) != 3 {
			t.Fatalf("People(Lab) = %v, %v, want 3", lab3, err)
		}
		for i, p := range lab3 {
			if cursor, err := s.CursorBehind(t.Context(), lab, i+1); err != nil || cursor != p.Cursor() {
				t.Errorf("CursorBehind(Lab, %d) = %q, %v, want %q", i+1, cursor, err, p.Cursor())
			}
		}
		if n, err := s.CountPeople(t.Context(), PeopleQuery{Team: &lab}); err != nil || n != 3 {
			t.Errorf("CountPeople(Lab) = %d, %v, want 3", n, err)
		}
		for _, n := range []int{-1, 0, 4} {
			if cursor, err := s.CursorBehind(t.Context(), lab, n); err != nil || cursor != "" {
				t.Errorf("CursorBehind(Lab, %d) = %q, %v, want none", n, cursor, err)
			}
		}
		if _, err := s.CountPeople(t.Context(), PeopleQuery{After: "nonsense"}); !errors.Is(err, ErrCursor) {
			t.Errorf("CountPeople(after nonsense) = %v, want ErrCursor", err)
		}
	})
}
