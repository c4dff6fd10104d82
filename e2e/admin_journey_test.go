//go:build unix

package e2e_test

import (
	"net/url"
	"testing"
)

// From an empty database to a board with members and a second administrator, on two replicas with Postgres. Changes at
// one take effect at the other at once.
func TestReplicaAdministrationJourney(t *testing.T) {
	parallel(t)
	redis := newRedis(t)
	redis.start()
	database := newDatabase(t)
	a, b := newReplica(t, "A", "", redis), newReplica(t, "B", "", redis)
	for _, r := range []*replica{a, b} {
		r.env = []string{"DATABASE_URL=" + database}
		t.Cleanup(r.cleanup)
		r.start("--warming=50ms")
	}
	redis.joined(2)
	administer(t, a.server, b.server)
}

// pathOf returns the path of the link that a page shows once.
func (b *tab) pathOf() string {
	b.t.Helper()
	b.until("the page shows a link", `document.querySelector('#link')?.value`, patience)
	link, err := url.Parse(ask[string](b, `document.querySelector('#link').value`))
	if err != nil {
		b.t.Fatal(err)
	}
	return link.Path
}

// join creates an account with the form of the page.
func (b *tab) join(username string) {
	b.t.Helper()
	b.fill("#username", username)
	b.fill("#password", password)
	b.clickThrough("form button.main")
}

// signInAs signs in on the sign-in page.
func (b *tab) signInAs(username, password string) {
	b.t.Helper()
	b.open("/login")
	b.fill("#username", username)
	b.fill("#password", password)
	b.clickThrough("form button.main")
}

// administer lets clara set up a board at one server and run it together with ada, who is at the other.
func administer(t *testing.T, here, there *server) {
	t.Helper()
	clara := here.visitor(t).tab()
	clara.setUp(here, "", "clara")
	clara.open("/admin/invitations")
	clara.fill("#team", "Night Desk")
	clara.clickThrough(`form[action$="/admin/invitations"] .button.main`)
	invitation := clara.pathOf()

	ada := there.visitor(t).tab()
	ada.allow(`status of (403|404)`)
	ada.open(invitation)
	ada.join("ada")
	ada.untilLive()
	ada.untilState("ada", "online", soon)
	if got := ada.text(`#list h2`); got != "Night Desk" {
		t.Errorf("ada is in %q, want Night Desk", got)
	}
	again := there.visitor(t).tab()
	again.allow(`status of 404`)
	again.open(invitation)
	again.until("the invitation is used up", `document.querySelector('h1').innerText === "This invitation isn't valid"`, soon)

	clara.open("/admin/settings")
	clara.click(`input[name=signup][value=approve]`)
	clara.clickThrough(`form[action$="/admin/settings"] .button.main`)
	clara.open("/admin/people")
	clara.untilLive()
	dan := there.visitor(t).tab()
	dan.allow(`status of (403|422)`)
	dan.open("/signup")
	dan.until("the mode has changed there, too", `document.body.innerText.includes('An administrator has to approve')`, soon)
	dan.join("dan")
	dan.until("dan has to wait", `document.querySelector('h1').innerText.startsWith('Almost there')`, patience)
	clara.until("clara sees who waits", `document.querySelector('#wait-h')?.innerText === '1 person is waiting for approval'`, soon)
	clara.clickThrough(`form[action$="/admin/approve"] button`)
	dan.signInAs("dan", password)
	dan.untilLive()

	clara.open("/admin/people/ada")
	clara.clickThrough(`form[action$="/role"] button`)
	ada.open("/admin/people/dan")
	ada.untilLive()
	ada.clickThrough(`form[action$="/reset-link"] button`)
	reset := ada.pathOf()
	dan.open(reset)
	dan.fill("#password", "another horse battery")
	dan.clickThrough("form button.main")
	dan.untilAt("/login", patience)
	dan.signInAs("dan", "another horse battery")
	dan.untilLive()

	ada.open("/admin/people/dan")
	ada.untilLive()
	ada.clickThrough(`form[action$="/disable"] button`)
	dan.untilAt("/login", soon)
	dan.until("dan learns why", `document.querySelector('.notice').innerText.includes('has been disabled')`, patience)

	clara.open("/admin/log")
	for _, line := range []string{
		"clara set up the board", "clara created an invitation for Night Desk", "ada used an invitation",
		"clara changed the settings: who can join = anyone, after approval", "clara approved dan", "clara made ada an administrator",
		"ada created a reset link for dan", "ada disabled dan",
	} {
		if !ask[bool](clara, `document.querySelector('#admin').innerText.includes(`+quote(line)+`)`) {
			t.Errorf("the log doesn't say %q:\n%s", line, clara.text("#admin"))
		}
	}
}
