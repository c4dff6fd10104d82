package e2e_test

import "testing"

// Two teams that don't see each other become a pair, and then aren't one any more. Open pages follow, also those of a
// person.
func TestTeamsThatPair(t *testing.T) {
	parallel(t)
	s := startServer(t, "--grace-clean=200ms")
	s.addUser("clara", "--admin", "--team", "Harbor")
	s.addUser("ada", "--display-name", "Ada Okafor", "--team", "Design")
	s.addUser("ben", "--display-name", "Ben Ray", "--team", "Sales")
	clara, ada, ben := s.member(t, "clara").tab(), s.member(t, "ada").tab(), s.member(t, "ben").tab()
	for _, b := range []*tab{ada, ben} {
		b.allow(`status of 404`)
		b.open("/")
		b.untilLive()
		b.untilVisible("ada", "clara", "ben")
	}
	clara.open("/admin/settings")
	clara.click(`input[name=visibility][value=teams]`)
	clara.clickThrough(`form[action$="/admin/settings"] .button.main`)
	ada.untilVisible("ada")
	ben.untilVisible("ben")
	ada.until("the headline counts only her", `document.querySelector('#headline .is').innerText.includes('1 person is here')`, soon)
	ada.open("/u/ben")
	ada.until("ben doesn't exist for her", `document.body.innerText.includes('404') || document.querySelector('h1').innerText !== 'Ben Ray'`, patience)
	ada.open("/?q=ben")
	ada.until("a search finds nobody", `!document.querySelector('[data-user=ben]')`, patience)
	ada.open("/")
	ada.untilLive()

	clara.open("/admin/teams")
	clara.untilLive()
	clara.fill(`form[action$="/admin/teams/pair"] input[name=team]`, "Design")
	clara.fill(`form[action$="/admin/teams/pair"] input[name=other]`, "Sales")
	clara.clickThrough(`form[action$="/admin/teams/pair"] button`)
	ada.untilVisible("ada", "ben")
	ben.untilVisible("ada", "ben")
	ada.untilState("ben", "online", soon)
	ada.open("/u/ben")
	ada.until("his page is there", `document.querySelector('h1').innerText === 'Ben Ray'`, patience)
	ada.untilLive()

	clara.clickThrough(`form[action$="/admin/teams/unpair"] button`)
	ada.until("his page is gone", `document.querySelector('h1')?.innerText !== 'Ben Ray'`, soon)
	ben.untilVisible("ben")
	ada.open("/")
	ada.untilLive()
	ada.untilVisible("ada")
	board := s.member(t, "clara").board()
	board.untilVisible("ada", "clara", "ben") // administrators see every team
}
