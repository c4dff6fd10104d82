package e2e_test

import (
	"fmt"
	"testing"
)

// driver controls one window of a browser. Only evaluate returns errors; the other methods fail the test.
type driver interface {
	// open goes to a path of the server and waits until the page has loaded.
	open(path string)
	// evaluate decodes the value of a JavaScript expression into a pointer. The expression can use watch.js.
	evaluate(expression string, into any) error
	// clickAt moves the mouse to a point of the viewport, in CSS pixels, and clicks the left button.
	clickAt(x, y float64)
	// press types keys, given as text or constants of package kb, into the focused element.
	press(keys string)
	// resize makes the viewport this large, in CSS pixels.
	resize(width, height int)
}

// window has what tests do in any browser: look, wait, click, and type. More of its methods are next to the tests that
// need them.
type window struct {
	driver
	t   *testing.T
	who string // for messages
}

// asked is a window, or a tab, which embeds one.
type asked interface {
	evaluate(expression string, into any) error
	testing() *testing.T
}

func (b *window) testing() *testing.T { return b.t }

// ask returns the value of an expression and fails the test if it can't be evaluated.
func ask[T any](b asked, expression string) T {
	b.testing().Helper()
	var answer T
	if err := b.evaluate(expression, &answer); err != nil {
		b.testing().Fatalf("%s: %v", expression, err)
	}
	return answer
}

// tell runs a statement in the page.
func (b *window) tell(statement string) {
	b.t.Helper()
	if err := b.evaluate("(() => { "+statement+"\n})()", nil); err != nil {
		b.t.Fatalf("%s: %v", statement, err)
	}
}

// click clicks the middle of the first element that matches. This is real input, unlike calling click() in JavaScript,
// which also works on elements that are covered.
func (b *window) click(selector string) {
	b.t.Helper()
	var at []float64
	err := within(patience, func() (bool, string) {
		err := b.evaluate(`test.point(`+quote(selector)+`)`, &at)
		return err == nil && len(at) == 2, fmt.Sprintf("it's missing, hidden, or covered (%v)", err)
	})
	if err != nil {
		b.t.Fatalf("click(%q): %v\nthe page: %s", selector, err, b.describe())
	}
	b.clickAt(at[0], at[1])
}

// enter replaces the content of a field, key by key.
func (b *window) enter(selector, text string) {
	b.t.Helper()
	b.click(selector)
	b.tell(`document.querySelector(` + quote(selector) + `).select()`)
	b.press(text)
}
