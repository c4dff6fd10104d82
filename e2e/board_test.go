package e2e_test

import (
	"slices"
	"testing"

	"github.com/chromedp/chromedp/kb"
)

// populate adds people in two teams and one without a team. All of them are offline.
func populate(s *server) {
	s.t.Helper()
	s.importPeople([]string{"ada", hash, "Ada Okafor", "Lab"}, []string{"bela", hash, "Béla Kiss", "Lab"},
		[]string{"carl", hash, "Carl Anders", "Office"}, []string{"dov", hash, "דב לוי", ""})
}

// member is a profile where a person added with addUser is signed in.
func (s *server) member(t *testing.T, username string) *profile {
	t.Helper()
	p := s.visitor(t)
	p.name = "of " + username
	p.setCookies(s.signIn(username))
	return p
}

// untilVisible waits until exactly these rows are visible, in this order.
func (b *window) untilVisible(want ...string) {
	b.t.Helper()
	var got []string
	err := within(soon, func() (bool, string) {
		got = nil
		err := b.evaluate(`test.visible()`, &got)
		return err == nil && slices.Equal(got, want), ""
	})
	if err != nil {
		b.t.Fatalf("the visible rows are %q, want %q\nthe page: %s", got, want, b.describe())
	}
}

// The counts filter the list with the style sheet alone, so it works without a request, by keyboard, and for rows that
// arrive later.
func TestCountsFilter(t *testing.T) {
	parallel(t)
	s := startServer(t, "--grace-clean=200ms")
	populate(s)
	anna := s.person(t, "anna").board()
	ada := s.member(t, "ada").board()
	anna.untilVisible("ada", "bela", "carl", "anna", "dov")
	anna.untilState("anna", "online", soon)
	anna.untilState("ada", "online", soon)

	anna.untilFocus(`#f-everyone`)
	anna.press(kb.ArrowRight)
	anna.untilVisible("ada", "anna")
	anna.until("an empty team is not shown",
		`![...document.querySelectorAll('.team')].find(e => e.innerText.includes('Office'))?.checkVisibility()`, patience)
	bela := s.member(t, "bela").board()
	anna.untilVisible("ada", "bela", "anna")
	ada.close()
	anna.untilVisible("bela", "anna")
	anna.press(kb.ArrowRight)
	anna.untilVisible()
	anna.until("the page says that nobody is away", `document.querySelector('.for-away').checkVisibility()`, patience)
	goAway(bela)
	anna.untilVisible("bela")
	anna.press(kb.ArrowRight + kb.ArrowRight)
	anna.untilVisible("ada", "carl", "dov")
	anna.press(kb.ArrowRight) // goes round
	anna.untilVisible("bela", "anna")
	anna.press(kb.ArrowRight)
	anna.untilVisible("ada", "bela", "carl", "anna", "dov")
	if got := anna.loaded(); got != 1 {
		t.Errorf("the page was loaded %d times, want once: the filter needs no request", got)
	}
}

// untilFocus presses Tab until an element that matches has the focus.
func (b *window) untilFocus(selector string) {
	b.t.Helper()
	for range 30 {
		if ask[bool](b, `document.activeElement.matches(`+quote(selector)+`)`) {
			return
		}
		b.press(kb.Tab)
	}
	b.t.Fatalf("pressing Tab 30 times didn't reach %s\nthe page: %s", selector, b.describe())
}

// Search matches the beginnings of names regardless of case and accents, keeps the filter, and stays live.
func TestSearch(t *testing.T) {
	parallel(t)
	s := startServer(t)
	populate(s)
	anna := s.person(t, "anna").board()
	search := func(text string) {
		t.Helper()
		anna.fill(`[name=q]`, text)
		anna.until("the address says so", `new URL(location).searchParams.get('q') === `+quote(text), soon)
		anna.untilLive()
	}
	search("an")
	anna.untilVisible("carl", "anna")
	s.addUser("andrea")
	anna.untilVisible("carl", "andrea", "anna")
	s.cli("rename", "carl", "Carl Boss")
	anna.untilVisible("andrea", "anna")
	search("BELA ki")
	anna.untilVisible("bela")
	search("לוי")
	anna.untilVisible("dov")
	anna.reload()
	anna.untilVisible("dov")
	if got := anna.value(`[name=q]`); got != "לוי" {
		t.Errorf("the field holds %q, want the search text", got)
	}
	search(`zz"<b>`)
	anna.untilVisible()
	anna.until("the page says that nobody matches",
		`document.querySelector('#list').innerText.includes('Nobody matches “zz"<b>”')`, patience)
	anna.clickThrough(`.search a`)
	anna.untilVisible("ada", "bela", "carl", "andrea", "anna", "dov")

	// A search keeps the chosen filter. From then on the server filters, in live updates too.
	anna.click(`label:has(#f-online)`)
	search("an")
	anna.untilVisible("anna")
	s.member(t, "andrea").board()
	anna.untilVisible("andrea", "anna")
}

// Focus, typed text, and the open menu survive updates of rows and of the whole list.
func TestFocusAndMenuSurviveChanges(t *testing.T) {
	parallel(t)
	s := startServer(t, "--grace-clean=200ms")
	populate(s)
	anna := s.person(t, "anna").board()
	change := func(what string) {
		t.Helper()
		ada := s.member(t, "ada").board() // one row
		anna.untilState("ada", "online", soon)
		s.addUser("ad-" + what) // the whole list
		anna.untilState("ad-"+what, "offline", soon)
		ada.close()
		anna.untilState("ada", "offline", soon)
	}

	anna.click(`[name=q]`)
	anna.press("Ad")
	anna.press(kb.ArrowLeft)
	anna.until("the search is shown", `test.visible().join() === 'ada'`, soon)
	change("search")
	anna.press("x")
	if got := ask[string](anna, `document.activeElement.name + ' ' + document.activeElement.value`); got != "q Axd" {
		t.Errorf("after typing on, the focused field is %q, want the search field with Axd", got)
	}

	anna.clickThrough("#search-clear")
	anna.untilLive()
	anna.untilFocus(`#list a`)
	focused := ask[string](anna, `(window.focused = document.activeElement).href`)
	change("link")
	if !ask[bool](anna, `document.activeElement === focused && focused.isConnected`) {
		t.Errorf("the focus is no longer on the link to %s", focused)
	}

	anna.click(".account summary")
	anna.until("the menu is open", `document.querySelector('.menu').checkVisibility()`, patience)
	change("menu")
	s.cli("rename", "anna", "Anna Berg")
	anna.until("anna has her new name", `document.querySelector('[data-user=anna] bdi').innerText === 'Anna Berg'`, soon)
	if !ask[bool](anna, `document.querySelector('.menu').checkVisibility()`) {
		t.Errorf("an update closed the menu, want it open")
	}
	anna.press(kb.Escape)
	anna.until("Escape closes the menu",
		`!document.querySelector('.menu').checkVisibility() && document.activeElement.matches('summary')`, patience)
}

// Tab reaches every control in the order of the page, and the focused one has a focus ring.
func TestTabOrder(t *testing.T) {
	parallel(t)
	s := startServer(t)
	populate(s)
	anna := s.person(t, "anna").board()
	anna.untilVisible("ada", "bela", "carl", "anna", "dov")
	anna.untilState("anna", "online", soon)
	anna.until("her card has come", `!document.querySelector('[data-hold]')`, soon)
	var order []string
	for range 30 {
		anna.press(kb.Tab)
		at := ask[string](anna, `(() => {
			const el = document.activeElement;
			if (el === document.body) return '';
			const ring = [el, el.closest('label, .search, .p') ?? el].some(e => getComputedStyle(e).outlineStyle !== 'none' && parseFloat(getComputedStyle(e).outlineWidth) >= 2);
			return (el.id || el.name || el.ariaLabel || el.innerText.trim().replace(/\s+/g, ' ')) + (ring ? '' : ' without a ring');
		})()`)
		if at == "" || slices.Contains(order, at) {
			break
		}
		order = append(order, at)
	}
	want := []string{
		"Skip to main content", "Rollcall", "Board", "Settings", "Your account, anna: A Online", "f-everyone", "Search", "q",
		"anna", "דב לוי", "Lab", "Ada Okafor", "Béla Kiss", "Office", "Carl Anders",
	}
	if !slices.Equal(order, want) {
		t.Errorf("Tab goes through %q, want %q", order, want)
	}

	anna.reload()
	anna.press(kb.Tab + kb.Enter) // the skip link
	anna.until("the main content has the focus", `document.activeElement.id === 'main'`, patience)
	anna.untilFocus(`summary`)
}
