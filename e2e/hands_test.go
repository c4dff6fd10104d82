package e2e_test

import (
	"context"
	"fmt"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// click points at the middle of the first element that matches and presses the button: real input, unlike a call of
// click(), which works on what is covered or too small.
func (b *tab) click(selector string) {
	b.t.Helper()
	var at []float64
	err := within(patience, func() (bool, string) {
		err := b.evaluate(`test.point(`+quote(selector)+`)`, &at)
		return err == nil && len(at) == 2, fmt.Sprintf("it is not there, out of sight, or something lies over it (%v)", err)
	})
	if err != nil {
		b.t.Fatalf("click(%q): %v\nthe page: %s", selector, err, b.describe())
	}
	b.do("click "+selector, func(ctx context.Context) error {
		for _, kind := range []input.MouseType{input.MouseMoved, input.MousePressed, input.MouseReleased} {
			event := input.DispatchMouseEvent(kind, at[0], at[1])
			if kind != input.MouseMoved {
				event = event.WithButton(input.Left).WithClickCount(1)
			}
			if err := event.Do(ctx); err != nil {
				return fmt.Errorf("%s: %w", kind, err)
			}
		}
		return nil
	})
}

// clickThrough is click on what leads to another document, and waits for that.
func (b *tab) clickThrough(selector string) {
	b.t.Helper()
	before := b.loaded()
	b.click(selector)
	b.untilLoaded(before)
}

// press presses keys, as text or constants of package kb, where the focus is.
func (b *tab) press(keys string) {
	b.t.Helper()
	b.run(chromedp.KeyEvent(keys))
}

// fill replaces what stands in a field by text that comes whole, as from a keyboard of another script or by pasting.
func (b *tab) fill(selector, text string) {
	b.t.Helper()
	b.click(selector)
	b.tell(`document.querySelector(` + quote(selector) + `).select()`)
	if text == "" {
		b.press(kb.Delete)
		return
	}
	b.do("type "+text, func(ctx context.Context) error { return input.InsertText(text).Do(ctx) })
}

// value is what stands in a field.
func (b *tab) value(selector string) string {
	b.t.Helper()
	return ask[string](b, `document.querySelector(`+quote(selector)+`).value`)
}

// text is what an element says to those who can see.
func (b *tab) text(selector string) string {
	b.t.Helper()
	return ask[string](b, `document.querySelector(`+quote(selector)+`)?.innerText ?? ''`)
}
