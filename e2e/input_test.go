package e2e_test

import (
	"context"
	"fmt"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// clickAt moves the mouse to a point and clicks the left button.
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

// clickThrough clicks an element and waits for the document that it leads to.
func (b *tab) clickThrough(selector string) {
	b.t.Helper()
	before := b.loaded()
	b.click(selector)
	b.untilLoaded(before)
}

// press types keys, given as text or constants of package kb, into the focused element.
func (b *tab) press(keys string) {
	b.t.Helper()
	b.run(chromedp.KeyEvent(keys))
}

// fill replaces the content of a field with text that is inserted at once, as by pasting or an input method.
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

// value returns the content of a field.
func (b *window) value(selector string) string {
	b.t.Helper()
	return ask[string](b, `document.querySelector(`+quote(selector)+`).value`)
}

// text returns the visible text of an element.
func (b *window) text(selector string) string {
	b.t.Helper()
	return ask[string](b, `document.querySelector(`+quote(selector)+`)?.innerText ?? ''`)
}
