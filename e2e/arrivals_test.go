package e2e_test

import "testing"

// When people who are listed on another page of the board arrive, the board says so, and a click shows them.
func TestArrivalsOnOtherPages(t *testing.T) {
	parallel(t)
	s := startServer(t)
	crowd(s, 230)
	for _, name := range []string{"xan", "yan", "zoe"} {
		s.addUser(name)
	}
	anna := s.person(t, "anna").tab()
	look(anna, "light")
	anna.open("/?show=everyone")
	anna.untilLive()
	anna.until("the page is full", `test.visible().length === 200`, soon)
	// Anna's own arrival falls into the first two seconds.
	anna.until("the page counts arrivals",
		`performance.now() > performance.getEntriesByType('navigation')[0].loadEventEnd + 3000`, patience)
	if ask[bool](anna, `document.querySelector('#more').checkVisibility()`) {
		t.Error("anna is told about arrivals before there were any")
	}
	s.member(t, "yan").board()
	anna.until("one has arrived",
		`document.querySelector('#more').checkVisibility() && document.querySelector('#more').innerText === '1 more arrived · show'`, soon)
	s.member(t, "zoe").board()
	anna.until("two have arrived", `document.querySelector('#more').innerText === '2 more arrived · show'`, soon)
	wantAccessible(anna, "the board with a note of arrivals")
	anna.clickThrough("#more")
	anna.untilLive()
	anna.untilVisible("anna", "yan", "zoe")
	s.member(t, "xan").board()
	anna.untilVisible("anna", "xan", "yan", "zoe")
}

// The page of a team has its name as the heading, and counts only its people.
func TestTeamPage(t *testing.T) {
	parallel(t)
	s := startServer(t)
	s.addUser("ben", "--team", "Design")
	s.addUser("cleo", "--team", "Design")
	s.addUser("dora", "--team", "Platform")
	anna := s.person(t, "anna").board()
	anna.untilState("dora", "offline", soon)
	anna.clickThrough(`#list h2 a`)
	anna.untilLive()
	anna.until("the team's name",
		`document.querySelector('#summary').innerText === 'of 2 in Design' && document.title === '0 here · Design · Rollcall'`, soon)
	anna.untilVisible("ben", "cleo")
	if got := ask[int](anna, `document.querySelector('main').innerText.split('Design').length - 1`); got != 1 {
		t.Errorf("the page shows the name of the team %d times, want once:\n%s", got, anna.text("main"))
	}
	s.member(t, "dora").board()
	s.member(t, "ben").board()
	anna.until("one of two", `document.title === '1 here · Design · Rollcall' && document.querySelector('h1').innerText === '1 person is here' && document.querySelector('#n-online').innerText === '1' && document.querySelector('#n-all').innerText === '2'`, soon)
	s.cli("team", "cleo", "Platform")
	anna.untilVisible("ben")
	anna.clickThrough(".only a")
	anna.until("everybody again",
		`document.querySelector('#n-online').innerText === '3' && document.querySelector('h1').innerText === '3 people are here'`, soon)
}

// While nothing happens, the page changes nothing. A script that reacts to its own changes would never stop.
func TestIdlePageDoesNothing(t *testing.T) {
	parallel(t)
	s := startServer(t)
	anna := s.person(t, "anna").board()
	anna.untilState("anna", "online", soon)
	anna.tell(`(() => {
		const began = performance.now();
		test.quiet = { changes: 0, long: () => performance.now() > began + 1500 };
		new MutationObserver(all => test.quiet.changes += all.length).observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
	})()`)
	anna.until("a while has passed", `test.quiet.long()`, patience)
	if n := ask[int](anna, `test.quiet.changes`); n > 20 {
		t.Errorf("an idle page changed %d times in 1.5 s, want 20 or fewer", n)
	}
}
