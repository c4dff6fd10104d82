//go:build unix

package e2e_test

import (
	"testing"
)

// "Tell me when Ben is here": when Ben arrives at B, the message appears once in Anna's tabs at both servers, even
// after a reload. It doesn't appear when he arrives while he's invisible, or when he arrives again later.
func TestReplicaTellMe(t *testing.T) {
	parallel(t)
	a, b := startPair(t)
	benHome := b.person(t, "ben")
	ben := benHome.board()
	anna := a.person(t, "anna").board()
	far := b.member(t, "anna").tab()
	look(far, "light")
	far.open("/settings")
	far.untilLive()

	anna.untilState("ben", "online", soon)
	ben.openMenu()
	ben.click("#show-invisible")
	ben.untilSaid("You are invisible.")
	anna.untilState("ben", "offline", soon)
	ben.close()
	anna.openPerson("ben")
	anna.click("#who-tell")
	const waits, told = `document.querySelector('#who-waiting')`, `document.querySelector('#told').childElementCount`
	anna.until("the request is saved", waits+`?.innerText.includes("You'll be told once when ben is here.")`, patience)
	anna.reload()
	anna.untilLive()
	anna.openPerson("ben")
	anna.until("the request is still there after a reload", waits, patience)

	ben = benHome.board() // invisible
	carl := b.person(t, "carl").board()
	anna.untilState("carl", "online", soon) // by the same way as Ben, but later
	ben.openMenu()
	ben.until("Ben is connected", `document.querySelector('#me-why').innerText.includes('One device is connected.')`, soon)
	if ask[int](anna, told)+ask[int](far, told) > 0 || !ask[bool](anna, `!!`+waits) {
		t.Errorf("while Ben is invisible, Anna was told, or her wish is forgotten: %s", anna.text("#told"))
	}

	ben.click("#show-auto")
	ben.untilSaid("You are visible again.")
	const said = `document.querySelector('#told').innerText.includes('ben is here')`
	anna.until("told at A", said+` && !`+waits, soon)
	far.until("told at B", said, soon)
	if role := ask[string](far, `document.querySelector('#told').role`); role != "status" {
		t.Errorf("the message has the role %s, want status", role)
	}
	wantAccessible(far, "a page with a message")
	for who, other := range map[string]*tab{"ben": ben, "carl": carl} {
		if ask[int](other, told) > 0 {
			t.Errorf("%s was told something", who)
		}
	}

	far.click(`.toast button`)
	far.until("the message can be closed", `!document.querySelector('.toast')`, patience)
	far.reload() // within two minutes the server tells again, and the tab remembers
	far.untilLive()
	ben.open("/") // closes the menu
	signOut(ben)
	anna.untilState("ben", "offline", soon)
	b.member(t, "ben").board()
	anna.untilState("ben", "online", soon)
	dora := b.person(t, "dora").board()
	anna.untilState("dora", "online", soon)
	if n, m := ask[int](anna, told), ask[int](far, told); n != 1 || m != 0 {
		t.Errorf("after Ben came again, there are %d messages at A and %d at B, want only the first one, at A", n, m)
	}
	dora.openPerson("ben")
	if ask[bool](dora, `!!`+waits) {
		t.Error("Dora sees a wish that isn't hers")
	}
}
