package e2e_test

import (
	"fmt"
	"testing"
)

// somebodysHash matches no known password. It is for people who never sign in.
const somebodysHash = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// crowd imports n people named p001, p002, and so on.
func crowd(s *server, n int) {
	s.t.Helper()
	people := make([][]string, n)
	for i := range people {
		people[i] = []string{fmt.Sprintf("p%03d", i+1), somebodysHash, fmt.Sprintf("Person %03d", i+1), ""}
	}
	s.importPeople(people...)
}

// A board that doesn't fit on one page opens with those who are here, who come and go row by row. Everyone is a click
// away, on pages with numbers; the filter is made of links, and every page is live.
func TestPages(t *testing.T) {
	parallel(t)
	s := startServer(t)
	crowd(s, 230)
	anna := s.person(t, "anna").board()
	s.addUser("zoe")
	rows := func(want int) {
		t.Helper()
		anna.until(fmt.Sprintf("there are %d rows", want), fmt.Sprintf(`test.visible().length === %d`, want), soon)
	}
	anna.untilVisible("anna")
	anna.until("everybody is counted",
		`document.querySelector('#n-all').innerText === '232' && document.querySelector('#headline').innerText === '1 person is here'`, soon)
	zoe := s.member(t, "zoe").board()
	bob := s.person(t, "bob").board()
	anna.untilVisible("anna", "bob", "zoe")
	signOut(bob) // without a grace period, which anna needs: she follows links
	anna.untilVisible("anna", "zoe")
	anna.tell(`document.querySelector('[data-user=zoe]').remove()`) // a page that lacks a neighbor asks for the list
	s.person(t, "xan").board()
	anna.untilVisible("anna", "xan", "zoe")
	if got := anna.loaded(); got != 1 {
		t.Errorf("the page was loaded %d times, want once", got)
	}

	anna.clickThrough(`.onwards a`)
	anna.untilLive()
	rows(200)
	anna.clickThrough(`.pager [rel=next]`)
	anna.untilLive()
	rows(34)
	anna.untilState("zoe", "online", soon)
	s.addUser("yan")
	anna.untilState("yan", "offline", soon)
	rows(35)
	anna.clickThrough(`.pager a:nth-of-type(2)`)
	anna.until("the first page, by its number", `document.querySelector('.pager [aria-current]').innerText.endsWith('1')`,
		soon)
	rows(200)

	anna.clickThrough(`.bar a:has(#n-online)`)
	anna.untilLive()
	anna.untilVisible("anna", "xan", "zoe")
	signOut(zoe)
	anna.untilVisible("anna", "xan")
	anna.clickThrough(`.bar a:has(#n-offline)`)
	anna.untilLive()
	rows(200)
	anna.clickThrough(`.bar a:has(#n-all)`)
	anna.untilLive()
	rows(200)
	anna.clickThrough(`.pager [rel=next]`)
	anna.untilLive()
	rows(35)
	anna.clickThrough(`.pager [rel=prev]`)
	anna.untilLive()
	rows(200)
	anna.clickThrough(`.bar a:has(#n-here)`)
	anna.untilVisible("anna", "xan")
}
