package e2e_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// Whoever wants it is told who comes and goes: in one sentence however many they are, and in none sooner than 20 s
// after the last. Other pages have no place for that. The title counts in any case.
func TestAnnouncing(t *testing.T) {
	parallel(t)
	s := startServer(t, "--grace-clean=200ms")
	anna := s.person(t, "anna").board()
	if ask[bool](anna, `!!document.querySelector('#said')`) {
		t.Error("the page has a place for announcements, though nobody asked for them")
	}
	cookies := map[string][]*http.Cookie{}
	for _, name := range []string{"ben", "cleo", "dora", "eve"} {
		cookies[name] = s.signUp(name)
	}
	anna.open("/settings")
	anna.click(`input[name=announce]`)
	save(anna, "look")
	anna.open("/")
	anna.untilLive()
	anna.until("the title counts", `document.title === '(1) Rollcall'`, soon)
	if got := ask[string](anna, `(said => said.role + said.textContent)(document.querySelector('#said'))`); got != "status" {
		t.Errorf("the place for announcements is a %q, want a status in which nothing is said yet", got)
	}
	anna.tell(`window.heard = []; new MutationObserver(() => heard.push([Date.now(), document.querySelector('#said').textContent])).observe(document.querySelector('#said'), { childList: true, characterData: true, subtree: true })`)

	come := func(name string) (leave func()) {
		t.Helper()
		conn := connectAs(t, s, cookies[name])
		_ = conn.WriteMessage(websocket.TextMessage, []byte("a")) // if it fails, nobody comes
		anna.untilState(name, "online", soon)
		return func() {
			t.Helper()
			_ = conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseGoingAway, ""), time.Now().Add(time.Second))
			anna.untilState(name, "offline", soon)
		}
	}
	anna.openMenu()
	anna.click("#show-invisible") // she is no news to herself
	anna.untilState("anna", "offline", soon)
	benLeaves := come("ben")
	anna.until("ben is announced", `heard.length === 1 && heard[0][1] === 'ben came.'`, soon)
	anna.wait(10 * time.Second) // half of the 20; the rest is for what follows
	come("cleo")
	come("dora")
	benLeaves()
	come("eve")() // and is no news when all is told
	anna.until("the title counts", `document.title === '(2) Rollcall'`, soon)
	anna.until("the rest is announced", `heard.length > 1`, patience)
	if got := ask[string](anna, `heard[1][1]`); got != "cleo and dora came, ben left." {
		t.Errorf("the second sentence is %q, want all that happened meanwhile", got)
	}
	if got := ask[float64](anna, `heard[1][0] - heard[0][0]`); got < 19.5e3 { // as we are told of them, which may take a moment
		t.Errorf("the second sentence was said %v ms after the first, want 20 s or more", got)
	}
}
