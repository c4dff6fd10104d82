package e2e_test

import (
	"testing"

	"github.com/chromedp/chromedp/kb"
)

// Firefox and WebKit do what other tests check in Chromium, where they can look closer: reconnecting, the status menu,
// arrivals and departures, and search.
func TestOtherBrowsers(t *testing.T) {
	t.Parallel()
	for _, engine := range engines {
		if engine.name == "Chromium" {
			continue
		}
		t.Run(engine.name, func(t *testing.T) {
			takeSlot(t, engine.slots)
			s := startServer(t, "--grace-clean=200ms", "--grace-dropped=200ms")
			s.addUser("anna")
			s.addUser("ben")
			anna := &window{driver: engine.start(t, s)(), t: t, who: "of anna"}
			anna.open("/login")
			anna.enter("#username", "anna")
			anna.enter("#password", password)
			anna.click("form button.main")
			anna.untilAt("/", patience)
			anna.untilLive()
			anna.untilState("anna", "online", soon)
			reconnect(s, anna)
			useMenuByKeyboard(anna)
			seeMovement(s, anna)
			search(s, anna)
			seeAllOfMenu(anna)
			anna.wantNoProblems()
		})
	}
}

// search types searches. Each key counts, the search is in the URL, and it survives a reload, also together with a
// filter.
func search(s *server, anna *window) {
	populate(s)
	anna.untilVisible("ada", "bela", "carl", "anna", "ben", "cleo", "dov")
	inURL := func(name, value string) {
		anna.t.Helper()
		anna.until("the URL has "+name+"="+value,
			`(new URL(location).searchParams.get(`+quote(name)+`) ?? '') === `+quote(value), soon)
	}
	anna.press("/")
	anna.until("the field has the focus", `document.activeElement.name === 'q' && document.activeElement.value === ''`, soon)
	anna.press("a")
	inURL("q", "a")
	anna.untilVisible("ada", "carl", "anna")
	anna.press("n")
	inURL("q", "an")
	anna.untilVisible("carl", "anna")
	anna.until("the headline and the counts are of the search",
		`document.querySelector('h1 .is').innerText === '2 people match “an”'
		&& document.querySelector('#n-all').innerText === '2'`, soon)
	anna.until("matches are highlighted", `CSS.highlights.get('found').size === 2`, soon)
	s.addUser("andrea")
	anna.untilVisible("carl", "andrea", "anna")
	anna.until("the field keeps the focus", `document.activeElement.name === 'q'`, soon)

	anna.click(`label:has(#f-online)`)
	inURL("show", "online")
	anna.untilVisible("anna")
	anna.renew()
	anna.untilVisible("anna")
	anna.until("text and filter are back",
		`document.querySelector('[name=q]').value === 'an' && document.querySelector('#f-online').checked`, soon)
	anna.enter("[name=q]", "bela ki") // finds "Béla Kiss"
	inURL("q", "bela ki")
	anna.untilVisible()
	anna.click(`label:has(#f-everyone)`)
	anna.untilVisible("bela")
	anna.enter("[name=q]", "zz")
	anna.until("nobody matches", `document.querySelector('#list').innerText.includes('Nobody matches “zz”')`, soon)
	anna.renew()
	anna.until("nobody still matches", `document.querySelector('#list').innerText.includes('Nobody matches “zz”')`, soon)
	anna.click("#search-clear")
	inURL("q", "")
	anna.untilVisible("ada", "bela", "carl", "andrea", "anna", "ben", "cleo", "dov")
}

// renew reloads the page and waits until it is live.
func (b *window) renew() {
	b.t.Helper()
	b.tell(`document.documentElement.dataset.old = 'yes'; location.reload()`)
	b.until("the page is new", `!document.documentElement.dataset.old && document.readyState === 'complete'`, patience)
	b.untilLive()
}

// seeMovement watches cards: an arrival is marked, a departure fades, and nothing moves while the focus is on a card.
func seeMovement(s *server, anna *window) {
	s.addUser("cleo")
	anna.untilState("cleo", "offline", soon)
	anna.until("anna's own card has come", `!document.querySelector('[data-hold]')`, soon)
	anna.watchMoves("ben")
	anna.tell(`new MutationObserver(() => {
			const row = document.querySelector('[data-user=ben]');
			if (row.classList.contains('new')) test.mark = getComputedStyle(row).animationName;
		}).observe(document.querySelector('[data-user=ben]'), { attributes: true })`)
	ben := s.watchAs(s.signIn("ben"))
	anna.until("ben's card is held, released and marked", `test.moves.join() === 'arriving,new,'`, soon)
	if got := ask[string](anna, `test.mark`); got != "halo" {
		anna.t.Errorf("the animation of the mark is %q, want halo", got)
	}
	anna.until("the card says that he just arrived",
		`/^Online\W+just arrived$/.test(document.querySelector('[data-user=ben] .st').innerText)`, soon)

	anna.untilFocus(`[data-user=anna] .nm a`)
	ben.close()
	anna.untilState("ben", "offline", soon)
	look := func(of string) string { return `getComputedStyle(document.querySelector('[data-user=ben]` + of + `'))` }
	anna.until("ben's card fades where it is", look("")+`.backgroundColor === 'rgba(0, 0, 0, 0)' && `+
		look(" .nm bdi")+`.color === getComputedStyle(document.querySelector('.lead .sub #news')).color
			&& document.querySelector('[data-user=ben]').dataset.hold === 'leaving' && `+height+` > 70`, soon)
	cleo := s.watchAs(s.signIn("cleo"))
	anna.until("cleo's card isn't there yet", `document.querySelector('[data-user=cleo]').dataset.hold === 'arriving'`, soon)
	anna.tell(`document.activeElement.blur()`)
	anna.until("both have moved", `!document.querySelector('[data-hold]') && document.querySelector('[data-user=cleo].new') && `+
		height+` < 50`, patience)
	anna.until("the order on the screen is anna, cleo, ben", `(tops => tops[0] <= tops[1] && tops[1] < tops[2])(
			['anna', 'cleo', 'ben'].map(user => document.querySelector('[data-user=' + user + ']').getBoundingClientRect().top))`, soon)
	cleo.close()
	anna.untilState("cleo", "offline", soon)
	anna.untilVisible("anna", "ben", "cleo")
}

const height = `document.querySelector('[data-user=ben]').offsetHeight`

// reconnect kills the server, and then stops it. The page says how old its information is, keeps what is being typed,
// and goes live again on its own.
func reconnect(s *server, anna *window) {
	anna.until("the board has its color", live, warming+soon)
	// A minute would be too long.
	anna.tell(`test.same = true; (later => { window.setTimeout = (f, ms) => later(f, ms === 60e3 ? 1500 : ms) })(setTimeout)`)
	anna.openMenu()
	anna.enter("#status-text", "Half a sentence")
	anna.press(kb.Escape)
	anna.forget()
	for _, end := range []func(*server){(*server).kill, (*server).terminate} {
		end(s)
		anna.until("everything is drained, and says as of when", drained, patience)
		anna.until("the page says that it isn't live", `document.querySelector('#conn').innerText.startsWith('Not live since ')`, soon)
		anna.until("and later what it tries", `document.querySelector('#conn').innerText.includes('tries to connect')
				&& document.querySelector('#conn button').innerText === 'Reload'`, soon)
		s.start()
		anna.untilLive()
		anna.until("everything has its color again", live, warming+soon)
		anna.until("no message is left", `[...document.querySelectorAll('.pill')].every(pill => pill.innerText === '')`, warming+soon)
	}
	anna.wantShown("anna", "online")
	if !ask[bool](anna, `test.same`) {
		anna.t.Error("the page was loaded again")
	}
	anna.click(".account summary")
	anna.until("what was written is still there", `document.querySelector('#status-text').value === 'Half a sentence'`, soon)
	ben := s.watchAs(s.signIn("ben"))
	anna.untilState("ben", "online", soon)
	ben.close()
	anna.untilState("ben", "offline", soon)
	anna.renew()
}
