package e2e_test

import "github.com/chromedp/chromedp/kb"

// useMenuByKeyboard sets, changes, and clears a status with the keyboard alone.
func useMenuByKeyboard(anna *window) {
	said := func(text string) { anna.t.Helper(); anna.untilText("anna", text) }
	anna.untilFocus(".account summary")
	anna.press(kb.Enter)
	anna.until("the panel is there", `document.querySelector('.menu #me-states')?.checkVisibility()`, patience)

	anna.untilFocus("#emoji-open")
	anna.press(kb.Enter)
	anna.until("the picker is open", `document.activeElement.id === 'emoji-search'`, soon)
	anna.press("train")
	chosen := `document.querySelector('#emoji-list [aria-selected=true]')`
	anna.until("a name finds", chosen+`?.title === 'train'`, soon)
	first := ask[string](anna, chosen+`.textContent`)
	anna.press(kb.ArrowRight)
	anna.until("the arrow keys choose", chosen+`.id === 'emoji-1'`, soon)
	anna.press(kb.ArrowLeft)
	anna.press(kb.Enter)
	anna.until("Enter takes it, and the focus goes on in the text",
		`document.querySelector('#status-emoji').value === `+quote(first)+` && document.activeElement.id === 'status-text'
			&& !document.querySelector('#emojis:popover-open')`, soon)
	anna.press("On my way")
	anna.untilFocus("[name=lasts]")
	anna.press(kb.ArrowRight + kb.ArrowRight)
	anna.until("one hour is chosen", `document.querySelector('#lasts-1h').checked`, soon)
	anna.press(kb.Enter)
	anna.untilSaid("Status updated.")
	said("On my way")
	anna.until("the card in the menu says when it ends",
		`/On my way\s+Ends (at|on) .* · Change\s+Clear\s*$/.test(document.querySelector('#me-set').innerText)`, soon)

	anna.until("the focus is on what was set", `document.activeElement.id === 'status-change'`, soon)
	anna.press(kb.Enter)
	anna.until("the text is back in the field",
		`document.activeElement.id === 'status-text' && document.activeElement.value === 'On my way'`, soon)
	anna.tell(`document.activeElement.setSelectionRange(9, 9)`)
	anna.press(" home" + kb.Escape)
	anna.until("Escape closes the menu",
		`!document.querySelector('.menu').checkVisibility() && document.activeElement.matches('.account summary')`, soon)
	anna.press(kb.Enter)
	anna.until("what was typed is kept",
		`(field => field.checkVisibility() && field.value)(document.querySelector('#status-text')) === 'On my way home'`, soon)
	anna.untilFocus("#status-text")
	anna.press(kb.Enter)
	said("On my way home")

	anna.untilFocus("#show-dnd")
	anna.press(" ")
	anna.untilState("anna", "dnd", soon)
	anna.until("the focus stays", `document.activeElement.id === 'show-dnd' && document.activeElement.ariaPressed === 'true'`, soon)
	anna.press(kb.Tab + " ")
	anna.untilSaid("You are invisible.")
	anna.untilState("anna", "offline", soon)
	anna.until("the menu says so", `document.querySelector('#me').innerText.trim() === 'Invisible'
			&& document.activeElement.id === 'show-invisible'
			&& document.querySelector('#me-note').innerText.startsWith('While invisible')`, soon)
	said("On my way home")
	anna.tell(`document.querySelector('.account summary').focus()`) // Tab at the end of the page leads out of it
	anna.untilFocus("#status-clear")
	anna.press(kb.Enter)
	anna.untilSaid("Status cleared.")
	anna.untilFocus("#show-auto")
	anna.press(kb.Enter)
	anna.untilSaid("You are visible again.")
	anna.untilState("anna", "online", soon)
	said("")
	anna.press(kb.Escape)
}

// seeAllOfMenu fails the test if a part of the menu is covered or cut off in any of its states, on a laptop or on a
// phone.
func seeAllOfMenu(anna *window) {
	for _, screen := range []struct {
		name          string
		width, height int
	}{{"on a laptop", 1280, 720}, {"on a phone", 390, 844}} {
		what := screen.name
		anna.resize(screen.width, screen.height)
		anna.renew()
		anna.openMenu()
		anna.wantInReach(what + ", at rest")
		if got := ask[int](anna, `(menu => menu.scrollHeight - menu.clientHeight)(document.querySelector('.menu'))`); got > 0 {
			anna.t.Errorf("%s the menu at rest scrolls by %d pixels, want all of it in sight", what, got)
		}
		anna.wantFocusInSight(what)

		anna.click("#me-use-lunch")
		anna.untilState("anna", "away", soon)
		anna.untilText("anna", "Lunch")
		anna.wantInReach(what + ", with a status")
		anna.click("#status-change")
		anna.until("the field is back", `document.activeElement.id === 'status-text'`, soon)
		anna.pickEmoji("coffee", "☕")
		anna.enter("#status-text", "Tea with someone whose name is long")
		anna.click(`label:has(#status-ends)`)
		anna.lasts("at")
		anna.until("the date is asked for", `document.querySelector('#status-at').checkVisibility()`, soon)
		anna.wantInReach(what + ", writing")
		anna.lasts("30m")
		anna.click("#show-invisible")
		anna.untilSaid("You are invisible.")
		anna.wantInReach(what + ", invisible")
		anna.click("#status-set")
		anna.untilText("anna", "Tea with someone whose name is long")
		anna.untilState("anna", "offline", soon)
		anna.click("#show-auto")
		anna.untilSaid("You are visible again.")
		anna.click("#status-clear")
		anna.untilSaid("Status cleared.")
		anna.untilState("anna", "online", soon)
		if got := ask[int](anna, `document.documentElement.scrollWidth - document.documentElement.clientWidth`); got > 0 {
			anna.t.Errorf("%s the page scrolls sideways by %d pixels", what, got)
		}
	}
}
