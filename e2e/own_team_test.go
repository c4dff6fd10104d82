package e2e_test

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"
)

// cardsOf returns the names on the visible cards of a list, in the order on the screen.
func (b *tab) cardsOf(list string) string {
	b.t.Helper()
	return strings.Join(ask[[]string](b, `[...document.querySelectorAll('`+list+` > .p:not(.ghost)')]
		.filter(row => row.checkVisibility()).map(row => [row.getBoundingClientRect(), row])
		.sort(([a], [b]) => a.y - b.y || a.x - b.x).map(([, row]) => row.querySelector('.nm bdi').innerText)`), " ")
}

func (b *tab) untilCards(list, want string) {
	b.t.Helper()
	got := ""
	if err := within(soon, func() (bool, string) { got = b.cardsOf(list); return got == want, "" }); err != nil {
		b.t.Fatalf("%s shows %q, want %q\nthe page: %s", list, got, want, b.describe())
	}
}

const ownTeam, otherPeople = "#mine-people", "#people"

// On a board with several pages, a person's own team is in a section above the list, which doesn't show the same people
// again. It's as live as the list.
func TestOwnTeamSection(t *testing.T) {
	parallel(t)
	s := startServer(t, "--grace-clean=200ms")
	crowd(s, 230)
	for _, name := range []string{"ben", "cleo"} {
		s.addUser(name, "--team", "Lab")
	}
	s.addUser("zed", "--team", "Zoo")
	home := s.person(t, "anna")
	s.cli("team", "anna", "Lab")
	anna := home.board()
	anna.untilCards(ownTeam, "anna")
	anna.untilCards(otherPeople, "")
	if ask[bool](anna, `document.querySelector('#others').checkVisibility()`) {
		t.Error("the page has a heading for other teams while nobody else is here")
	}

	ben := s.member(t, "ben").board()
	anna.untilCards(ownTeam, "anna ben")
	anna.untilCards(otherPeople, "")
	anna.until("the count, and one arrival", `document.querySelector('#mine-count').innerText === '2 of 3 here'
		&& document.querySelector('#news').innerText.includes('ben just arrived')`, soon)
	zed := s.member(t, "zed").board()
	anna.untilCards(otherPeople, "zed")
	anna.until("a heading for the others, and two arrivals", `document.querySelector('#others').innerText === 'Other teams'
		&& document.querySelector('#news').innerText.includes('2 people just arrived')`, soon)
	anna.until("faces in the index", `[...document.querySelectorAll('.index li')].slice(0, 2)
		.map(li => li.innerText.replace(/\s+/g, ' ')).join() === 'Lab A B 2 of 3 here,Zoo Z 1 of 1 here'`, soon)
	wantAccessible(anna, "a board with the own team apart")

	anna.click(ownTeam + ` > [id^=m-]:last-of-type .nm a`)
	anna.until("the card opens", popoverOpen+` && document.querySelector('#who h1').innerText === 'ben'`, soon)
	ben.openMenu()
	ben.fill("#status-text", "Soup")
	ben.click("#status-set")
	anna.until("the section and the popover are live", `document.querySelector('`+ownTeam+` .tx').innerText === 'Soup'
		&& document.querySelector('#who .said-text').innerText === 'Soup'`, soon)
	anna.press(kb.Escape)

	anna.fill("#search input", "zed")
	anna.until("a search has no section", `!document.querySelector('#mine .p')`, soon)
	anna.click("#search-clear")
	anna.untilLive()
	anna.untilCards(ownTeam, "anna ben")
	ben.close()
	anna.untilCards(ownTeam, "anna")
	s.cli("team", "anna", "Zoo")
	anna.untilCards(ownTeam, "anna zed")
	if n := ask[int](anna, `document.querySelectorAll('#mine [data-user]').length`); n != 0 {
		t.Errorf("%d rows of the section look to programs like rows of the list", n)
	}

	// While the page isn't live, the section is as gray as the list, and says nothing that may be out of date.
	for _, b := range []*tab{anna, ben, zed} {
		b.allowOutage()
	}
	s.kill()
	anna.until("the page isn't live", `document.documentElement.dataset.conn === 'wait'`, patience)
	if got := ask[string](anna, `getComputedStyle(document.querySelector('`+ownTeam+` .p')).borderTopStyle`); got != "dashed" {
		t.Errorf("a card of the section has a %s border, want a dashed one", got)
	}
}

// People who just arrived are no longer named once the page may not show them.
func TestNewsForgetsHiddenPeople(t *testing.T) {
	parallel(t)
	s := startServer(t, "--visibility=teams")
	for _, name := range []string{"ben", "cleo"} {
		s.addUser(name, "--team", "Lab")
	}
	s.addUser("zed", "--team", "Zoo")
	home := s.person(t, "anna")
	s.cli("team", "anna", "Lab")
	anna := home.board()
	anna.untilState("anna", "online", soon)
	s.member(t, "ben").board()
	s.member(t, "cleo").board()
	anna.until("two arrived", `document.querySelector('#news').innerText.includes('2 people just arrived')`, soon)
	s.cli("team", "ben", "Zoo")
	anna.until("one of them is left", `document.querySelector('#news').innerText.includes('cleo just arrived')`, soon)
	s.cli("team", "cleo", "Zoo")
	anna.until("nobody is left", `document.querySelector('#news').innerText === ''`, soon)
}
