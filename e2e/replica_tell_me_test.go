//go:build unix

package e2e_test

import (
	"testing"
)

// Anna, at A, is told when Ben comes at B, in her tabs at both servers, once. Ben coming invisibly tells her nothing, and
// neither does it when he comes again later.
func TestReplicaTellMe(t *testing.T) {
	parallel(t)
	a, b := startPair(t)
	benHome := b.person(t, "ben")
	ben := benHome.board()
	anna := a.person(t, "anna").board()
	far := b.member(t, "anna").tab()
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
	anna.until("the wish is noted", waits, patience)

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
	for who, other := range map[string]*tab{"ben": ben, "carl": carl} {
		if ask[int](other, told) > 0 {
			t.Errorf("%s was told something", who)
		}
	}

	ben.open("/") // closes the menu
	signOut(ben)
	anna.untilState("ben", "offline", soon)
	b.member(t, "ben").board()
	anna.untilState("ben", "online", soon)
	dora := b.person(t, "dora").board()
	anna.untilState("dora", "online", soon)
	if n, m := ask[int](anna, told), ask[int](far, told); n != 1 || m != 1 {
		t.Errorf("after Ben came again, there are %d messages at A and %d at B, want the first one at each", n, m)
	}
	dora.openPerson("ben")
	if ask[bool](dora, `!!`+waits) {
		t.Error("Dora sees a wish that isn't hers")
	}
}
