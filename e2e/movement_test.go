package e2e_test

import (
	"context"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
)

// watchMoves records what happens to a person's card: how it's held, and when it's marked as new.
func (b *window) watchMoves(username string) {
	b.t.Helper()
	b.tell(`(() => {
		test.moves = [];
		const row = document.querySelector('[data-user=` + username + `]');
		new MutationObserver(() => {
			const now = (row.dataset.hold ?? '') + (row.classList.contains('new') ? 'new' : '');
			if (test.moves.at(-1) !== now) test.moves.push(now);
		}).observe(row, { attributes: true });
	})()`)
}

// point moves the mouse to the middle of an element.
func (b *tab) point(selector string) {
	b.t.Helper()
	at := ask[[]float64](b, `(r => [r.x + r.width / 2, r.y + r.height / 2])(document.querySelector(`+quote(selector)+`).getBoundingClientRect())`)
	b.do("point at "+selector, func(ctx context.Context) error {
		return input.DispatchMouseEvent(input.MouseMoved, at[0], at[1]).Do(ctx)
	})
}

// Cards move calmly: an arrival is marked, somebody who leaves is held for a moment, and nothing moves under the
// pointer.
func TestMovement(t *testing.T) {
	parallel(t)
	s := startServer(t, "--grace-clean=200ms")
	anna := s.person(t, "anna").board()
	ben := s.person(t, "ben")
	s.addUser("cleo")
	anna.untilState("ben", "offline", soon)
	anna.untilState("anna", "online", soon)

	anna.watchMoves("ben")
	tab := ben.board()
	anna.until("ben's card is held, released and marked", `test.moves.join() === 'arriving,new,'`, soon)
	anna.until("the line under the headline says so", `document.querySelector('#news').innerText === 'ben just arrived'`,
		soon)
	anna.untilStatus("ben", "Online just arrived")
	tab.close()
	anna.untilState("ben", "offline", soon)
	anna.until("ben's card is held and released", `test.moves.join() === 'arriving,new,,leaving,'`, soon)
	anna.until("it isn't news any more", `document.querySelector('#news').innerText === ''`, soon)

	anna.point("[data-user=anna]")
	anna.tell(`test.moves.length = 0; test.pointing = setInterval(() => document.querySelector('#list').dispatchEvent(new PointerEvent('pointermove', { pointerType: 'mouse' })), 100)`)
	tab = ben.board()
	anna.untilState("ben", "online", soon)
	s.member(t, "cleo").board() // two people arrive while somebody points
	anna.untilState("cleo", "online", soon)
	anna.until("ben's card is held under the pointer",
		`test.moves.join() === 'arriving' && document.querySelector('[data-user=cleo]').dataset.hold === 'arriving'`, soon)
	anna.tell(`clearInterval(test.pointing); document.querySelector('#list').dispatchEvent(new PointerEvent('pointerleave'))`)
	anna.until("both have moved", `test.moves.includes('new') && !document.querySelector('[data-hold]')`, patience)
	tab.close()
}

// Without motion an arrival is an outline.
func TestMovementReduced(t *testing.T) {
	parallel(t)
	s := startServer(t)
	anna := s.person(t, "anna").tab()
	anna.run(emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-reduced-motion",
		Value: "reduce"}}))
	anna.open("/")
	anna.untilLive()
	s.addUser("ben")
	anna.untilState("ben", "offline", soon)
	anna.tell(`(() => {
		const row = document.querySelector('[data-user=ben]');
		new MutationObserver(() => {
			const style = getComputedStyle(row);
			if (row.classList.contains('new')) test.look = style.animationName + ' ' + style.outlineStyle;
		}).observe(row, { attributes: true });
	})()`)
	s.member(t, "ben").board()
	anna.until("an outline, and nothing that moves", `test.look === 'none solid'`, soon)
}

// A list that comes as a whole moves cards in the same way, and people who came while the page wasn't live aren't news.
func TestMovementOfAWholeList(t *testing.T) {
	parallel(t)
	s := startServer(t)
	s.addUser("ben")
	s.addUser("cleo")
	anna := s.person(t, "anna").board()
	anna.untilState("anna", "online", soon)
	arrive := func(username, minutes string) {
		t.Helper()
		anna.watchMoves(username)
		anna.tell(`(() => {
			const list = document.querySelector('#list').cloneNode(true), row = list.querySelector('[data-user=` + username + `]');
			row.dataset.state = 'online';
			row.querySelector('.st').innerHTML = '<b>Online</b> <time class="online" datetime="' + new Date(Date.now() - ` + minutes + ` * 60e3).toISOString() + '"></time>';
			htmx.swap({ sourceElement: document.querySelector('#live'), target: '#live', swap: 'none', text: '<hx-partial id="list" hx-swap=innerMorph>' + list.innerHTML + '</hx-partial>' });
		})()`)
	}
	arrive("ben", "0")
	anna.until("ben's card is held, released and marked", `test.moves.join() === 'arriving,new,'`, soon)
	arrive("cleo", "10")
	anna.until("cleo's card is held and released", `test.moves.join() === 'arriving,'`, soon)
	if got := ask[string](anna, `document.querySelector('#news').innerText`); got != "ben just arrived" {
		t.Errorf("the news are %q, want that ben arrived", got)
	}
}
