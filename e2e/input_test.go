package e2e_test

import (
	"context"
	"fmt"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// clickAt moves the mouse to a point and presses its left button.
func (b *tab) clickAt(x, y float64) {
	b.t.Helper()
	b.do("click", func(ctx context.Context) error {
		for _, kind := range []input.MouseType{input.MouseMoved, input.MousePressed, input.MouseReleased} {
			event := input.DispatchMouseEvent(kind, x, y)
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
func (b *window) value(selector string) string {
	b.t.Helper()
	return ask[string](b, `document.querySelector(`+quote(selector)+`).value`)
}

// text is what an element says to those who can see.
func (b *window) text(selector string) string {
	b.t.Helper()
	return ask[string](b, `document.querySelector(`+quote(selector)+`)?.innerText ?? ''`)
}
