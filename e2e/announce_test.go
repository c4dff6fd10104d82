package e2e_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// People who turn on announcements are told who arrives and leaves, in one sentence at most every 20 s. Pages without
// announcements have no live region for them. The title shows the count in any case.
func TestAnnouncing(t *testing.T) {
	parallel(t)
	s := startServer(t, "--grace-clean=200ms")
	anna := s.person(t, "anna").board()
	if ask[bool](anna, `!!document.querySelector('#said')`) {
		t.Error("the page has a live region for announcements, want none unless the setting is on")
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
	anna.until("the title counts", `document.title === '1 here · Rollcall'`, soon)
	if got := ask[string](anna,
		`(said => said.role + said.textContent)(document.querySelector('#said'))`); got != "status" {
		t.Errorf("the live region for announcements has the role and text %q, want an empty status", got)
	}
	anna.tell(`window.heard = []; new MutationObserver(() => heard.push([Date.now(), document.querySelector('#said').textContent])).observe(document.querySelector('#said'), { childList: true, characterData: true, subtree: true })`)

	arrive := func(name string) (leave func()) {
		t.Helper()
		conn := connectAs(t, s, cookies[name])
		_ = conn.WriteMessage(websocket.TextMessage, []byte("a")) // if it fails, nobody arrives
		anna.untilState(name, "online", soon)
		return func() {
			t.Helper()
			_ = conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseGoingAway, ""),
				time.Now().Add(time.Second))
			anna.untilState(name, "offline", soon)
		}
	}
	anna.openMenu()
	anna.click("#show-invisible") // anna isn't told about herself
	anna.untilState("anna", "offline", soon)
	benLeaves := arrive("ben")
	anna.until("ben is announced", `heard.length === 1 && heard[0][1] === 'ben came.'`, soon)
	anna.wait(13 * time.Second) // of the 20 s; the rest passes below
	arrive("cleo")
	arrive("dora")
	benLeaves()
	arrive("eve")() // eve comes and leaves before the next announcement, so it doesn't name her
	anna.until("the title counts", `document.title === '2 here · Rollcall'`, soon)
	anna.until("the rest is announced", `heard.length > 1`, patience)
	if got := ask[string](anna, `heard[1][1]`); got != "cleo and dora came, ben left." {
		t.Errorf("the second announcement is %q, want everything since the first", got)
	}
	// 500 ms are for delays until the page recorded the first one.
	if got := ask[float64](anna, `heard[1][0] - heard[0][0]`); got < 19.5e3 {
		t.Errorf("the second announcement came %v ms after the first, want 20 s or more", got)
	}
}
