package e2e_test

import (
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp/kb"
)

// Without JavaScript every page works except for the live updates, from signing up to signing out. The test can still
// evaluate expressions, but watch.js isn't loaded.
func TestWithoutJavaScript(t *testing.T) {
	parallel(t)
	s := startServer(t)
	populate(s)
	anna := s.visitor(t).tab()
	anna.allow(`status of 422`)
	anna.run(emulation.SetScriptExecutionDisabled(true))
	// rows stands in for test.visible, which isn't loaded.
	rows := func(want string) {
		t.Helper()
		anna.until("the visible rows are "+want,
			`[...document.querySelectorAll('[data-user]')].filter(row => row.checkVisibility()).map(row => row.dataset.user).join(' ') === `+quote(want), patience)
	}

	anna.open("/signup")
	if ask[bool](anna, `document.querySelector('.reveal').checkVisibility()`) {
		t.Error("the button that shows the password is visible, want it only where it works")
	}
	anna.typeInto("#username", "anna")
	anna.typeInto("#display_name", "Anna Berg")
	anna.typeInto("#password", "password")
	anna.submit()
	anna.until("the page says what is wrong",
		`document.querySelector('.field:has(#password) .wrong') && document.querySelector('#display_name').value === 'Anna Berg'`, patience)
	anna.typeInto("#password", password)
	anna.submit()
	anna.untilAt("/", patience)
	rows("ada bela carl anna dov")
	anna.until("the page says that it doesn't update",
		`document.querySelector('.noscript').innerText.includes('needs JavaScript to stay up to date')`, patience)
	if got := anna.opened(); got != 0 {
		t.Errorf("%d live connections were opened, want none", got)
	}

	// The style sheet filters the list; a search keeps the filter.
	anna.focus("#f-everyone")
	anna.press(kb.ArrowRight)
	rows("")
	anna.press(kb.ArrowLeft)
	rows("ada bela carl anna dov")
	anna.typeInto("[name=q]", "an")
	anna.submit()
	rows("carl anna")
	anna.follow(`.search a`)
	rows("ada bela carl anna dov")
	anna.follow(`#list h2 a`)
	rows("ada bela")
	anna.focus("#f-online")
	anna.press(" ")
	anna.focus("[name=q]")
	anna.submit()
	rows("")
	anna.focus("#f-offline")
	anna.press(" ")
	rows("ada bela")
	anna.follow(`.only a`) // keeps the filter that the page was loaded with
	rows("")
	anna.focus("#f-everyone")
	anna.press(" ")
	rows("ada bela carl anna dov")

	anna.focus(".account summary")
	anna.press(kb.Enter)
	anna.until("the menu opens", `document.querySelector('.menu').checkVisibility()`, patience)
	anna.focus(`.menu form[action$="/logout"] button`)
	anna.submit()
	anna.untilAt("/login", patience)
	anna.until("the page says so", `document.querySelector('main [role=status]').innerText === "You're signed out."`, patience)
	anna.typeInto("#username", "anna")
	anna.typeInto("#password", password)
	anna.submit()
	anna.untilAt("/", patience)
	rows("ada bela carl anna dov")
}

// focus focuses an element. Expressions of the test work even where the page's own scripts are disabled.
func (b *tab) focus(selector string) {
	b.t.Helper()
	b.until(selector+" takes the focus",
		`(document.querySelector(`+quote(selector)+`).focus(), document.activeElement.matches(`+quote(selector)+`))`,
		patience)
}

// typeInto replaces the content of a field, key by key.
func (b *tab) typeInto(selector, text string) {
	b.t.Helper()
	b.focus(selector)
	b.tell(`document.activeElement.select()`)
	b.press(text)
}

// submit presses Enter and waits for the next document.
func (b *tab) submit() {
	b.t.Helper()
	before := b.loaded()
	b.press(kb.Enter)
	b.untilLoaded(before)
}

// follow follows a link with the keyboard.
func (b *tab) follow(selector string) {
	b.t.Helper()
	b.focus(selector)
	b.submit()
}
