package e2e_test

import (
	"fmt"
	"slices"
	"time"
)

// within polls until done says so. What it says otherwise ends up in the failure.
func within(limit time.Duration, done func() (bool, string)) error {
	deadline := time.Now().Add(limit)
	for {
		ok, got := done()
		if ok {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("not after %v: %s", limit, got)
		}
		time.Sleep(pollGap)
	}
}

// until polls an expression until it is true. Between two documents it cannot be asked, which counts as not yet.
func (b *window) until(what, expression string, limit time.Duration) {
	b.t.Helper()
	err := within(limit, func() (bool, string) {
		var ok bool
		if err := b.evaluate("!!("+expression+")", &ok); err != nil {
			return false, err.Error()
		}
		return ok, expression + " is false"
	})
	if err != nil {
		b.t.Fatalf("%s: %v\nthe page: %s", what, err, b.describe())
	}
}

// describe is what a failure says of the page.
func (b *window) describe() string {
	var text string
	_ = b.evaluate(`location.href + ' (' + document.visibilityState + ')\n' + document.body.innerText`, &text)
	return text
}

// untilLoaded waits for the document after the one that was the before-th.
func (b *tab) untilLoaded(before int) {
	b.t.Helper()
	err := within(patience, func() (bool, string) { return b.loaded() > before, "no new document" })
	if err != nil {
		b.t.Fatalf("load a page: %v\nthe page: %s", err, b.describe())
	}
	b.until("the page has loaded", `document.readyState === 'complete'`, patience)
}

// untilLive waits until the present document has its live connection and its person is told that they are here.
func (b *window) untilLive() {
	b.t.Helper()
	b.until("the board is live", `document.documentElement.dataset.conn === 'on' && document.querySelector('#me').innerText !== 'Offline'`, patience)
}

// untilAt waits for a page under path.
func (b *window) untilAt(path string, limit time.Duration) {
	b.t.Helper()
	b.until("the page is "+path, `location.pathname === `+quote(path)+` && document.readyState === 'complete'`, limit)
}

// untilReconnected waits for the live connection after the one that was the before-th.
func (b *tab) untilReconnected(before int) {
	b.t.Helper()
	err := within(warming, func() (bool, string) { return b.opened() > before, "no new connection" })
	if err != nil {
		b.t.Fatalf("reconnect: %v\nthe page: %s", err, b.describe())
	}
	b.untilLive()
}

// untilState waits until the row of username shows state; "none" is no row at all.
func (b *window) untilState(username, state string, limit time.Duration) {
	b.t.Helper()
	b.until(username+" is shown as "+state, `test.state(`+quote(username)+`) === `+quote(state), limit)
}

// moment is a state that a row came to show, and when.
type moment struct {
	state string
	at    time.Time
}

// shown is every state that the row of username has shown on this document, in order.
func (b *window) shown(username string) []moment {
	b.t.Helper()
	var all []moment
	for _, entry := range ask[[][2]any](b, `test.shown(`+quote(username)+`)`) {
		all = append(all, moment{entry[0].(string), time.UnixMilli(int64(entry[1].(float64)))})
	}
	return all
}

// states is shown without the times.
func (b *window) states(username string) []string {
	b.t.Helper()
	var all []string
	for _, m := range b.shown(username) {
		all = append(all, m.state)
	}
	return all
}

// wantShown fails the test unless the row of username has shown exactly these states since the last forget.
func (b *window) wantShown(username string, want ...string) {
	b.t.Helper()
	if got := b.states(username); !slices.Equal(got, want) {
		b.t.Errorf("%s was shown as %q, want %q", username, got, want)
	}
}

// forget begins the records anew with what is shown now.
func (b *window) forget() {
	b.t.Helper()
	b.tell(`test.forget()`)
}

// wait lets the page's clock go on by d: for the page, that much time has passed without input.
func (b *window) wait(d time.Duration) {
	b.t.Helper()
	b.tell(fmt.Sprintf(`test.skip(%d)`, d.Milliseconds()))
}
