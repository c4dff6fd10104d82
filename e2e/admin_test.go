package e2e_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp/kb"
)

// An administrator selects people and moves them, and sees what others change at once: by a command or in another
// browser. While somebody types or has a selection, nothing on the page changes.
func TestAdministration(t *testing.T) {
	parallel(t)
	s := startServer(t)
	populate(s)
	s.addUser("boss", "--admin")
	boss := s.member(t, "boss").tab()
	boss.open("/")
	boss.untilLive()
	boss.clickThrough(`.nav a[href="/admin/people"]`)
	boss.untilLive()
	row := func(username string) string {
		return `[...document.querySelectorAll('.table tbody tr')].find(row => row.innerText.includes('@` + username + `'))`
	}
	listed := func(username string) string { return row(username) + ` !== undefined` }
	boss.until("carl is listed", listed("carl"), patience)
	before := boss.loaded()

	s.addUser("eve", "--display-name", "Eve New")
	boss.until("eve, who was just added, is listed", listed("eve"), soon)
	s.cli("rename", "carl", "Carl Renamed")
	boss.until("carl has his new name", row("carl")+`.innerText.includes('Carl Renamed')`, soon)

	boss.tell(row("carl") + `.querySelector('[name=person]').click()`)
	boss.tell(row("eve") + `.querySelector('[name=person]').click()`)
	boss.until("two people are selected", `document.querySelector('#picked').innerText === '2 selected'`, patience)
	boss.tell(`window.told = 0, new MutationObserver(() => { told++ }).observe(document.querySelector('#lists'), { childList: true })`)
	for i, name := range []string{"finn", "gil", "hana"} { // the page is told at most once per second
		s.addUser(name)
		boss.until("the page is told of "+name, fmt.Sprintf(`told > %d`, i), soon)
	}
	if ask[bool](boss, listed("finn")) || !ask[bool](boss, row("eve")+`.querySelector('[name=person]').checked`) {
		t.Error("the list changed while people were selected")
	}
	boss.fill(".bulk [name=team]", "Harbor")
	if boss.loaded() != before {
		t.Error("the page was loaded again")
	}
	boss.clickThrough(`.bulk [value=team]`)
	boss.until("the page says what was done", `document.querySelector('.saved').innerText.includes('Moved 2 people.')`, patience)
	boss.until("eve is in her new team, and finn is listed", row("eve")+`.innerText.includes('Harbor') && `+listed("finn"), patience)
	if got := ask[string](boss, `location.search`); got != "" {
		t.Errorf("the address ends with %q, want a reload not to repeat the message", got)
	}

	other := s.member(t, "boss").tab()
	other.open("/admin/people/eve")
	other.untilLive()
	other.allow(`status of 403`)
	other.clickThrough(`form[action$="/disable"] button`)
	boss.until("eve is disabled here, too", row("eve")+`.innerText.includes('Disabled')`, soon)

	boss.allow(`status of 403`)
	s.addUser("chief", "--admin")
	chief := s.member(t, "chief").tab()
	chief.open("/admin/people/boss")
	chief.untilLive()
	chief.clickThrough(`form[action$="/role"] button`)
	boss.until("the page says who can open it", `document.querySelector('h1').innerText === 'Only administrators can open this page'`, soon)
}

// All pages of the administration are accessible and fit on phones.
func TestAdministrationIsAccessible(t *testing.T) {
	parallel(t)
	s := startServer(t, "--signup", "approve")
	populate(s)
	s.addUser("boss", "--admin")
	boss := s.member(t, "boss").tab()
	boss.allow(`status of (403|404|409|422)`)
	look(boss, "light")
	for _, path := range []string{"/admin/people", "/admin/people?q=nobody", "/admin/people/ada", "/admin/teams",
		"/admin/invitations", "/admin/import", "/admin/settings", "/admin/log"} {
		boss.open(path)
		boss.untilLive()
		wantAccessible(boss, path)
		for _, width := range []int64{320, 390, 768, 1280} {
			boss.run(emulation.SetDeviceMetricsOverride(width, 800, 1, false))
			if ask[bool](boss, `document.documentElement.scrollWidth > document.documentElement.clientWidth`) {
				t.Errorf("%s scrolls sideways at %d px", path, width)
			}
		}
		boss.run(emulation.ClearDeviceMetricsOverride())
	}
	for _, answer := range []struct{ path, fill, form string }{
		{"/admin/people", `document.querySelector('[name=person]').click()`, `.bulk [value=delete]`},
		{"/admin/people", `document.querySelector('[name=person]').click(), document.querySelector('.bulk [name=team]').value = 'a\u202eb'`,
			`.bulk [value=team]`},
		{"/admin/people/ada", `document.querySelector('[name=was_team]').value = 'Sold', document.querySelector('#team').value = 'New'`,
			`form[action$="/people/ada"] button`},
		{"/admin/invitations", `document.querySelector('#label').value = 'Autumn'`, `form[action$="/invitations"] button`},
		{"/admin/import", `document.querySelector('#csv').value = 'username,team\nzoe,Ops\nada,Ops\n'`, `button[value=check]`},
		{"/admin/import", `document.querySelector('#csv').value = 'username,team\nzoe,Ops\n'`, `button[value=check]`},
	} {
		boss.open(answer.path)
		boss.tell(answer.fill)
		boss.clickThrough(answer.form)
		wantAccessible(boss, "the answer to a form of "+answer.path)
	}
	boss.clickThrough(`button[value=import]`)
	wantAccessible(boss, "the answer to an import")
}

// Without JavaScript, an administrator can do everything.
func TestAdministrationWithoutJavaScript(t *testing.T) {
	parallel(t)
	s := startServer(t)
	populate(s)
	s.addUser("boss", "--admin")
	boss := s.member(t, "boss").tab()
	boss.run(emulation.SetScriptExecutionDisabled(true))
	shows := func(text string) {
		t.Helper()
		boss.until("the page says "+text, fmt.Sprintf(`document.body.innerText.includes(%s)`, quote(text)), patience)
	}
	boss.open("/admin/people")
	if ask[bool](boss, `document.querySelector('.bulk').checkVisibility()`) {
		t.Error("the actions for selected people are shown although nobody is selected")
	}
	boss.focus(`tr:has([href$="/people/carl"]) [name=person]`)
	boss.press(" ")
	boss.follow(`.bulk [value=disable]`)
	shows("Disabled 1 person.")
	boss.follow(`[href$="/people/carl"]`)
	boss.follow(`form[action$="/enable"] button`)
	shows("Enabled 1 person.")
	boss.follow(`.side [href$="/invitations"]`)
	boss.typeInto("#label", "Autumn")
	boss.press(kb.Enter)
	shows("This page shows it only once.")
	if link := ask[string](boss, `document.querySelector('#link').value`); !strings.HasPrefix(link, s.url+"/join/") {
		t.Errorf("the link is %q, want one of the board", link)
	}
	boss.follow(`.side [href$="/log"]`)
	shows("boss created an invitation")
	shows("boss enabled Carl Anders")
}
