package e2e_test

import (
	"fmt"
	"slices"
	"time"
)

// within polls until done returns true, less often after a while. The error has the last text that done returned.
func within(limit time.Duration, done func() (bool, string)) error {
	deadline := time.Now().Add(limit)
	for gap := pollGap; ; gap = min(gap*11/10, 5*pollGap) {
		ok, got := done()
		if ok {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("not after %v: %s", limit, got)
		}
		time.Sleep(gap)
	}
}

// until polls an expression until it is true. Errors count as false, because evaluation fails between two documents.
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

// describe returns the URL and text of the page, for failure messages.
func (b *window) describe() string {
	var text string
	_ = b.evaluate(`location.href + ' (' + document.visibilityState + ')\n' + document.body.innerText`, &text)
	return text
}

// untilLoaded waits until more than before documents have loaded.
func (b *tab) untilLoaded(before int) {
	b.t.Helper()
	err := within(patience, func() (bool, string) { return b.loaded() > before, "no new document" })
	if err != nil {
		b.t.Fatalf("load a page: %v\nthe page: %s", err, b.describe())
	}
	b.until("the page has loaded", `document.readyState === 'complete'`, patience)
}

// untilLive waits until the page has its live connection and shows its person as present.
func (b *window) untilLive() {
	b.t.Helper()
	b.until("the board is live",
		`document.documentElement.dataset.conn === 'on' && document.querySelector('#me').innerText !== 'Offline'`, patience)
}

// untilAt waits until the page at path has loaded.
func (b *window) untilAt(path string, limit time.Duration) {
	b.t.Helper()
	b.until("the page is "+path, `location.pathname === `+quote(path)+` && document.readyState === 'complete'`, limit)
}

// untilReconnected waits until more than before live connections were opened and the page is live.
func (b *tab) untilReconnected(before int) {
	b.t.Helper()
	err := within(warming, func() (bool, string) { return b.opened() > before, "no new connection" })
	if err != nil {
		b.t.Fatalf("reconnect: %v\nthe page: %s", err, b.describe())
	}
	b.untilLive()
}

// untilState waits until the row of username shows state. "none" means no row.
func (b *window) untilState(username, state string, limit time.Duration) {
	b.t.Helper()
	b.until(username+" is shown as "+state, `test.state(`+quote(username)+`) === `+quote(state), limit)
}

// moment is a state that a row showed, and when it started to.
type moment struct {
	state string
	at    time.Time
}

// shown returns all states that the row of username has shown in this document, in order.
func (b *window) shown(username string) []moment {
	b.t.Helper()
	var all []moment
	for _, entry := range ask[[][2]any](b, `test.shown(`+quote(username)+`)`) {
		all = append(all, moment{entry[0].(string), time.UnixMilli(int64(entry[1].(float64)))})
	}
	return all
}

// states is like shown, without the times.
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

// forget clears the recorded states, except for the current ones.
func (b *window) forget() {
	b.t.Helper()
	b.tell(`test.forget()`)
}

// wait advances the page's clock by d. For the page, that much time has passed without input.
func (b *window) wait(d time.Duration) {
	b.t.Helper()
	b.tell(fmt.Sprintf(`test.skip(%d)`, d.Milliseconds()))
}
