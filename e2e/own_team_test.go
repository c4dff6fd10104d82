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
	anna.until("the count, and one arrival", `document.querySelector('#mine .th p').innerText === '2 of 3 here'
		&& document.querySelector('#news').innerText.includes('ben just arrived')`, soon)
	zed := s.member(t, "zed").board()
	anna.untilCards(otherPeople, "zed")
	anna.until("a heading for the others, and two arrivals", `document.querySelector('#others').innerText.replace(/\s+/g, ' ') === 'Other teams 1 here'
		&& document.querySelector('#news').innerText.includes('2 people just arrived')`, soon)
	anna.until("faces in the index", `[...document.querySelectorAll('.index li')].slice(0, 2)
		.map(li => li.innerText.replace(/\s+/g, ' ')).join() === 'Lab A B 2 of 3 here,Zoo Z 1 of 1 here'`, soon)
	anna.until("the number of teams with someone here",
		`document.querySelector('.index .th p').innerText === 'Someone is here in 2 of 3'`, soon)
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
	before := anna.loaded()
	s.cli("team", "anna", "Zoo")
	anna.untilCards(ownTeam, "anna zed")
	anna.until("her new team is marked", yourTeam("#mine .th")+` && `+othersCount+` === '0'`, soon)
	if anna.loaded() != before {
		t.Error("the page was loaded again, want it to change live")
	}
	if n := ask[int](anna, `document.querySelectorAll('#mine [data-user]').length`); n != 0 {
		t.Errorf("%d rows of the section look to programs like rows of the list", n)
	}

	// While the page isn't live, the section is as gray as the list, and doesn't show its count as current.
	for _, b := range []*tab{anna, ben, zed} {
		b.allowOutage()
	}
	s.kill()
	anna.until("the page isn't live", `document.documentElement.dataset.conn === 'wait'`, patience)
	if got := ask[string](anna, `getComputedStyle(document.querySelector('`+ownTeam+` .p')).borderTopStyle`); got != "dashed" {
		t.Errorf("a card of the section has a %s border, want a dashed one", got)
	}
	if got := anna.text("#mine .th p"); got != "2 of 2 here earlier" {
		t.Errorf("the section says %q, want 2 of 2 here earlier", got)
	}
}

const othersCount = `document.querySelector('#others-count').innerText`

// yourTeam returns an expression that is true if a heading is marked as that of the reader's own team.
func yourTeam(heading string) string {
	return `getComputedStyle(document.querySelector('` + heading + `'), '::after').content.includes('your team')`
}

// People without a team see their own card first. When they get a team, the team comes first, and is marked, without a
// reload.
func TestNoTeam(t *testing.T) {
	parallel(t)
	s := startServer(t)
	populate(s)
	s.addUser("boss", "--display-name", "Zoe Boss", "--admin")
	boss := s.member(t, "boss").board()
	boss.untilState("boss", "online", soon)
	first := func(what, want string) {
		t.Helper()
		boss.until(what, `[...document.querySelectorAll('.team')].map(team => [team.getBoundingClientRect().top, team])
			.sort(([a], [b]) => a - b)[0][1].innerText.replace(/\s+/g, ' ').startsWith(`+quote(want)+`)`, soon)
	}
	first("her own card comes first", "No team 1 of 2 here Z")
	if ask[bool](boss, `[...document.querySelectorAll('.team .th')].some(th => getComputedStyle(th, '::after').content.includes('team'))`) {
		t.Error("a heading marks the people without a team as her team")
	}
	s.cli("team", "boss", "Office")
	first("her new team comes first", "Office 1 of 2 here ")
	boss.until("her team is marked", yourTeam(`.team:has([data-user=boss]) .th`), soon)
	s.cli("team", "boss", "")
	first("her own card comes first again", "No team 1 of 2 here Z")
	if got := boss.loaded(); got != 1 {
		t.Errorf("the page was loaded %d times, want once", got)
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
