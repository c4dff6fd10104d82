package e2e_test

import (
	"fmt"
	"testing"

	"github.com/chromedp/cdproto/emulation"
)

// On a phone, nothing is wider than the screen, and all controls are large enough to tap.
func TestPhone(t *testing.T) {
	parallel(t)
	s := startServer(t)
	populate(s)
	s.addUser("very.long.username_without-end", "--display-name",
		"Wolfeschlegelsteinhausenbergerdorff-Featherstonehaugh von Alt", "--team",
		"Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunter")
	anna := s.person(t, "anna").tab()
	anna.allow(`status of 404`)
	for _, size := range []struct{ width, height int64 }{{390, 844}, {320, 568}} {
		anna.holdPhone(size.width, size.height)
		for _, path := range []string{"/?q=wolf", "/?q=nobody", "/?team=Lab", "/me", "/u/bela", "/settings", "/"} {
			anna.open(path)
			anna.untilLive() // to leave while it connects is an error in the console
			what := fmt.Sprintf("%s at %d pixels", path, size.width)
			if path == "/settings" {
				wantFieldsOnScreen(anna, what, size.width)
			} else {
				wantNoOverflow(anna, path, size.width)
			}
			wantLargeFields(anna, what)
		}
		anna.openPerson("bela")
		anna.until("the person's page is a sheet at the bottom",
			`(box => box.left === 0 && Math.round(box.right) === innerWidth && Math.round(box.bottom) === innerHeight && box.top > 0)(document.querySelector('#who').getBoundingClientRect())`, patience)
		wantNoOverflow(anna, "the sheet", size.width)
		anna.click("#who-close")
		anna.until("it's closed", popoverClosed, patience)
		anna.tell(`document.querySelector('[data-user=bela]').scrollIntoView({ block: 'center' })`)
		anna.openPerson("bela")
		anna.until("the sheet of a card in the middle is whole, or as high as a sheet can be",
			`(who => who.scrollHeight <= who.clientHeight || who.offsetHeight > .84 * innerHeight)(`+
				`document.querySelector('#who'))`, patience)
		anna.open("/nothing")
		wantNoOverflow(anna, "/nothing", size.width)
		anna.open("/")
		anna.openMenu()
		wantNoOverflow(anna, "the open menu", size.width)
		if !ask[bool](anna, `document.querySelector('.menu a').checkVisibility()`) {
			t.Errorf("at %d pixels, the menu has no link to the board, want one because the header has no room for it",
				size.width)
		}
		anna.untilLive()
	}
	anna.holdPhone(390, 844)
	for _, path := range []string{"/settings/stored", "/settings/hooks", "/settings/hooks/new"} {
		anna.open(path)
		anna.untilLive()
		wantFieldsOnScreen(anna, path, 390)
	}
	anna.holdPhone(844, 390)
	for _, path := range []string{"/", "/me", "/settings"} {
		anna.open(path)
		anna.untilLive()
		wantLargeFields(anna, path+" in landscape")
	}

	visitor := s.visitor(t).tab()
	visitor.holdPhone(320, 568)
	for _, path := range []string{"/login", "/signup"} {
		visitor.open(path)
		wantNoOverflow(visitor, path, 320)
	}
}

// holdPhone makes the tab behave like one on a phone with a touchscreen of this size.
func (b *tab) holdPhone(width, height int64) {
	b.t.Helper()
	b.run(emulation.SetDeviceMetricsOverride(width, height, 2, true), emulation.SetTouchEmulationEnabled(true))
}

// wantLargeFields fails the test for fields with text smaller than 16 px. iPhones zoom in on them, and don't zoom out
// again.
func wantLargeFields(b *tab, what string) {
	b.t.Helper()
	small := ask[[]string](b, `[...document.querySelectorAll('input:not([type=hidden], [type=radio], [type=checkbox]), select, textarea')]
		.filter(field => !field.hidden && parseFloat(getComputedStyle(field).fontSize) < 16).map(field => field.name)`)
	if len(small) > 0 {
		b.t.Errorf("%s has fields with text below 16 px: %q", what, small)
	}
}

// wantFieldsOnScreen is wantNoOverflow for the settings, whose lists have smaller links.
func wantFieldsOnScreen(b *tab, what string, width int64) {
	b.t.Helper()
	if got := ask[int64](b, `document.documentElement.scrollWidth`); got > width {
		b.t.Errorf("%s is %d px wide, want at most the phone's %d", what, got, width)
	}
	if got := ask[[]string](b,
		`[...document.querySelectorAll('main :is(button, input, .choice, summary)')].filter(e => e.checkVisibility() && !e.closest('.choice input') && e.getBoundingClientRect().height < 40 && !e.matches('.choice input')).map(e => e.outerHTML)`); len(got) > 0 {
		b.t.Errorf("%s has controls that are too small to tap: %q", what, got)
	}
}

func wantNoOverflow(b *tab, what string, width int64) {
	b.t.Helper()
	if got := ask[int64](b, `Math.max(document.documentElement.scrollWidth, innerWidth)`); got > width {
		b.t.Errorf("%s is %d pixels wide, want at most the screen's %d", what, got, width)
	}
	small := ask[[]string](b, `[...document.querySelectorAll('a, button, summary, input:not(.vh), label:has(input)')]
		.filter(el => el.checkVisibility() && !el.matches('.skip, .vh, input *'))
		.map(el => [el, el.getBoundingClientRect()])
		.filter(([el, box]) => box.height > 0 && (box.height < 43.5 || box.width < 24))
		.map(([el, box]) => el.innerText.trim() + ' ' + Math.round(box.width) + '×' + Math.round(box.height))`)
	if len(small) > 0 {
		b.t.Errorf("%s at %d pixels: too small to tap: %q", what, width, small)
	}
	cut := ask[[]string](b, `[...document.querySelectorAll('#list .p, .bar label, .sheet, .menu')].filter(el => el.checkVisibility())
		.filter(el => { const box = el.getBoundingClientRect(); return box.left < -1 || box.right > innerWidth + 1 }).map(el => el.innerText)`)
	if len(cut) > 0 {
		b.t.Errorf("%s at %d pixels: cut off by the edge of the screen: %q", what, width, cut)
	}
}
