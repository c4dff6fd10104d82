package e2e_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp/kb"
)

// pickEmoji searches the picker for an emoji and takes the first that is found.
func (b *window) pickEmoji(query, want string) {
	b.t.Helper()
	b.click("#emoji-open")
	b.until("the picker is open", `document.activeElement.id === 'emoji-search'`, soon)
	b.press(query)
	b.until(want+" is found", `document.querySelector('#emoji-list [aria-selected=true]')?.textContent === `+quote(want),
		soon)
	b.click("#emoji-list [aria-selected=true]")
	b.until("it is taken", `document.querySelector('#status-emoji').value === `+quote(want)+` && !document.querySelector('#emojis:popover-open')`, soon)
}

// Emoji are found by name and keyword, chosen by the keyboard alone, and Escape closes only the picker.
func TestEmojiPicker(t *testing.T) {
	parallel(t)
	s := startServer(t)
	anna := s.person(t, "anna").board()
	ben := s.person(t, "ben").board()
	anna.openMenu()
	anna.focus("#emoji-open")
	anna.press(kb.Enter)
	anna.until("the picker is open",
		`document.activeElement.id === 'emoji-search' && document.querySelectorAll('#emoji-list [role=option]').length === 8`,
		soon)
	anna.press(kb.Escape)
	anna.until("Escape closes it and returns the focus",
		`document.activeElement.id === 'emoji-open' && !document.querySelector('#emojis:popover-open') && document.querySelector('.account').open`, soon)
	anna.press(kb.Enter)
	anna.until("the picker is open", `document.activeElement.id === 'emoji-search'`, soon)
	anna.press("coffee")
	chosen := `document.querySelector('#emoji-list [aria-selected=true]')`
	anna.until("a keyword finds",
		chosen+`?.textContent === '☕' && `+chosen+`.id === document.activeElement.getAttribute('aria-activedescendant')`,
		soon)
	wantAccessible(anna, "a search for emoji")
	anna.press("xyz")
	anna.until("nothing is found", `document.querySelector('#emoji-hint').innerText.startsWith('Nothing found')`, soon)
	anna.tell(`document.querySelector('#emoji-search').select()`)
	anna.press("train")
	anna.until("a name finds", chosen+`?.title === 'train'`, soon)
	first := anna.text("#emoji-list [aria-selected=true]")
	anna.press(kb.ArrowRight)
	anna.press(kb.ArrowDown)
	anna.press(kb.ArrowUp)
	second := anna.text("#emoji-list [aria-selected=true]")
	if second == first {
		t.Errorf("the arrow keys still choose %s", first)
	}
	anna.pressEnter()
	anna.until("Enter takes it",
		`document.querySelector('#status-emoji').value === `+quote(second)+` && document.activeElement.id === 'status-text'`,
		soon)
	anna.press("On my way")
	anna.press(kb.Enter)
	anna.untilSaid("Status updated.")
	ben.until("ben sees both", `document.querySelector('[data-user=anna] .tx')?.innerText === `+quote(second+" On my way"),
		soon)
	anna.click("#status-change")
	anna.until("the field is back", `document.activeElement.id === 'status-text'`, soon)
	anna.click("#emoji-open")
	anna.until("the picker is in its place", `document.activeElement.id === 'emoji-search'`, soon)
	anna.click("#emoji-none")
	anna.press(kb.Enter)
	ben.until("the emoji is gone", `document.querySelector('[data-user=anna] .tx')?.innerText === 'On my way'`, soon)
}

// pressEnter presses Enter as a keyboard does: its character goes nowhere if the page has taken the key.
func (b *tab) pressEnter() {
	b.t.Helper()
	b.do("press Enter", func(ctx context.Context) error {
		for _, kind := range []input.KeyType{input.KeyRawDown, input.KeyChar, input.KeyUp} {
			event := input.DispatchKeyEvent(kind).WithKey("Enter").WithCode("Enter").WithWindowsVirtualKeyCode(13)
			if kind == input.KeyChar {
				event = event.WithText("\r")
			}
			if err := event.Do(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}

// Everything in the menu can be scrolled fully into view, and nothing lies over it: on a laptop, on phones, and at a
// zoom of 400 %.
func TestMenuHidesNothing(t *testing.T) {
	parallel(t)
	s := startServer(t)
	home := s.person(t, "anna")
	for _, size := range []struct{ width, height int64 }{{1280, 720}, {390, 844}, {320, 568}, {320, 180}} {
		anna := home.tab()
		phone := size.width < 400 && size.height > 400
		anna.run(emulation.SetDeviceMetricsOverride(size.width, size.height, 1, phone),
			emulation.SetTouchEmulationEnabled(phone))
		anna.open("/")
		anna.untilLive()
		anna.openMenu()
		what := fmt.Sprintf("at %dx%d", size.width, size.height)
		anna.wantInReach(what + ", at rest")
		if got := ask[string](anna, `getComputedStyle(document.querySelector('.menu .st .is'), '::before').content`); got != "none" {
			t.Errorf("%s what others see begins with %s, want no separator", what, got)
		}
		if got := ask[int](anna, `document.querySelector('.menu').scrollHeight - document.querySelector('.menu').clientHeight`); got > 0 && size.height > 600 {
			t.Errorf("%s the menu at rest scrolls by %d pixels, want all of it in sight", what, got)
		}
		if phone {
			wantNoOverflow(anna, "the menu "+what, size.width)
		}
		anna.fill("#status-text", strings.Repeat("Unbreakable", 12))
		anna.lasts("at")
		anna.wantInReach(what + ", writing")
		anna.click("#status-set")
		anna.untilSaid("Status updated.")
		anna.click("#show-invisible")
		anna.untilSaid("You are invisible.")
		anna.wantInReach(what + ", set and invisible")
		if phone {
			wantNoOverflow(anna, "the menu of somebody invisible "+what, size.width)
			if got := ask[int64](anna, `document.querySelector('.menu').scrollWidth`); got > size.width {
				t.Errorf("%s, the menu scrolls sideways: it's %d pixels wide", what, got)
			}
		}
		anna.focus(".account summary")
		anna.wantFocusInSight(what)
		anna.click("#show-auto")
		anna.untilSaid("You are visible again.")
		anna.click("#status-clear")
		anna.untilSaid("Status cleared.")
		anna.close()
	}
}

// wantInReach fails the test unless everything in the menu that can be pressed or written in comes wholly into view.
func (b *window) wantInReach(what string) {
	b.t.Helper()
	hidden := ask[[]string](b, `[...document.querySelectorAll('.menu :is(a, button, input:not(.vh), label)')].filter(el => el.checkVisibility() && !el.disabled).filter(el => {
		el.scrollIntoView({ block: 'nearest', behavior: 'instant' });
		return !test.whole(el);
	}).map(el => el.id || el.outerHTML)`)
	if len(hidden) > 0 {
		b.t.Errorf("%s, parts of the menu are covered or cut off: %q", what, hidden)
	}
}

// wantFocusInSight goes through the menu with the Tab key, and fails the test if the focus is ever covered or cut off.
func (b *window) wantFocusInSight(what string) {
	b.t.Helper()
	for range ask[int](b, `document.querySelectorAll('.menu :is(a, button, input)').length`) {
		b.press(kb.Tab)
		if got := ask[string](b,
			`(el => el.closest('.menu') && !test.whole(el) ? el.outerHTML : '')(document.activeElement.closest('label') ?? document.activeElement)`); got != "" {
			b.t.Errorf("%s the focus is on something that is covered or cut off: %s", what, got)
		}
	}
}

func TestAccessiblePanel(t *testing.T) {
	parallel(t)
	s := startServer(t)
	anna := s.person(t, "anna").tab()
	anna.allow(`status of 422`)
	look(anna, "light")
	anna.open("/")
	anna.untilLive()
	anna.openMenu()
	wantAccessible(anna, "the panel with suggestions")
	anna.lasts("at")
	anna.fill("#status-text", "x")
	anna.tell(`document.querySelector('#status-emoji').value = 'no'`)
	anna.click("#status-set")
	anna.until("refused", `document.querySelector('#status-emoji-error')`, soon)
	wantAccessible(anna, "the refused form")
	anna.tell(`document.querySelector('#status-emoji').value = '🎧'`)
	anna.click("#status-set")
	anna.untilSaid("Status updated.")
	wantAccessible(anna, "the panel with a status")
	anna.click("#show-invisible")
	anna.untilSaid("You are invisible.")
	wantAccessible(anna, "the panel of somebody invisible")
	anna.open("/me?change=yes")
	anna.tell(`document.querySelector('#status-emoji').value = 'no'`)
	before := anna.loaded()
	anna.tell(`document.querySelector('form.status').submit()`) // as without JavaScript: the response is a full page
	anna.untilLoaded(before)
	anna.until("the form is rejected",
		`document.title.startsWith('Error: ') && document.querySelector('#status-emoji-error')`, patience)
	wantAccessible(anna, "/me with an error")
}
