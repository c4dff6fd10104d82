package e2e_test

import (
	"strings"
	"testing"
)

// Other tests rely on watch.js and tab to notice problems.
func TestProblemsAreNoticed(t *testing.T) {
	parallel(t)
	s := startServer(t)
	anna := s.person(t, "anna").board()
	anna.untilState("anna", "online", soon)
	anna.forget()

	anna.tell(`console.error('an error')`)
	anna.tell(`setTimeout(() => { throw new Error('an exception') })`)
	anna.tell(`document.body.insertAdjacentHTML('beforeend', '<p style="color: red">a style</p>')`)
	anna.tell(`document.body.append(Object.assign(new Image, { src: 'http://127.0.0.1:9/x.png' }))`)
	for _, want := range []string{"an error", "an exception", "policy: style-src", "policy: img-src"} {
		err := within(patience, func() (bool, string) {
			anna.mu.Lock()
			defer anna.mu.Unlock()
			all := strings.Join(anna.problems, "\n")
			return strings.Contains(all, want), all
		})
		if err != nil {
			t.Errorf("%q wasn't noticed: %v", want, err)
		}
	}
	anna.allow(`an error|an exception|a style|127\.0\.0\.1:9|[sS]tyle|img-src`)

	// A change that is reverted within one task is recorded, although nobody could see it.
	anna.tell(`(row => { row.dataset.state = 'offline'; row.dataset.state = 'online' })(document.querySelector('[data-user=anna]'))`)
	anna.wantShown("anna", "online", "offline", "online")
	anna.tell(`(row => { const at = row.parentElement; row.remove(); setTimeout(() => at.append(row)) })(document.querySelector('[data-user=anna]'))`)
	anna.until("the row is back", `test.state('anna') === 'online'`, patience)
	anna.wantShown("anna", "online", "offline", "online", "gone", "online")
}

// Everything also works under a path, as behind a proxy shared with other sites.
func TestBasePath(t *testing.T) {
	parallel(t)
	s := startServer(t, "--public-url=http://ADDR/team/rollcall")
	anna := s.visitor(t).tab()
	anna.allow(`status of 404`)
	anna.setUp(s, "/team/rollcall", "anna")
	s.addUser("ben", "--team", "Lab")
	anna.untilState("ben", "offline", soon)
	anna.clickThrough(`#list h2 a`)
	anna.untilVisible("ben")
	anna.clickThrough(`.only a`)
	anna.fill(`[name=q]`, "an")
	anna.click(`.search button`)
	anna.untilVisible("anna")
	anna.open("/team/rollcall/nothing")
	anna.clickThrough(`.button.main`)
	anna.untilAt("/team/rollcall/", patience)
	anna.untilLive()
	s.cli("passwd", "anna", "--password-stdin")
	anna.untilAt("/team/rollcall/login", soon)
	anna.fill("#username", "anna")
	anna.fill("#password", password)
	anna.clickThrough("form button.main")
	anna.untilLive()
	anna.openMenu()
	anna.clickThrough(`.menu form[action$="/logout"] button`)
	anna.untilAt("/team/rollcall/login", patience)
}
