package e2e_test

import (
	"regexp"
	"testing"

	"github.com/chromedp/cdproto/emulation"
)

// setZone sets the time zone and the language of the tab's device.
func (b *tab) setZone(zone, locale string) {
	b.t.Helper()
	agent := ask[string](b, `navigator.userAgent`)
	b.run(emulation.SetTimezoneOverride(zone), emulation.SetLocaleOverride().WithLocale(locale),
		emulation.SetUserAgentOverride(agent).WithAcceptLanguage(locale))
}

// Times are formatted for the language of the page. The region of the reader matters only if they use the same
// language.
func TestTimesInTheLanguageOfThePage(t *testing.T) {
	parallel(t)
	s := startServer(t)
	home := s.person(t, "anna")
	for i, c := range []struct{ locale, ends string }{
		{"de-DE", `^on (Sun|Mon|Tues|Wednes|Thurs|Fri|Satur)day at 3:08 PM$`},
		{"en-US", `^on (Sun|Mon|Tues|Wednes|Thurs|Fri|Satur)day at 3:08 PM$`},
		{"en-GB", `^on (Sun|Mon|Tues|Wednes|Thurs|Fri|Satur)day at 15:08$`},
	} {
		anna := home.tab()
		anna.setZone("Europe/Berlin", c.locale)
		anna.open("/")
		anna.untilLive()
		anna.openMenu()
		if i == 0 {
			anna.lasts("at")
			anna.tell(`(() => {
				const end = new Date(Date.now() + 3 * 864e5), two = n => String(n).padStart(2, '0');
				document.querySelector('#status-at').value = end.getFullYear() + '-' + two(end.getMonth() + 1) + '-' + two(end.getDate()) + 'T15:08';
			})()`)
			anna.click("#show-away")
			anna.untilSaid("Status updated.")
		}
		// Some versions put a narrow space before PM.
		ends := `document.querySelector('#me-why time')?.innerText.replace(/\s/g, ' ')`
		anna.until("the end is written in words", ends+`?.startsWith('on ')`, soon)
		if got := ask[string](anna, ends); !regexp.MustCompile(c.ends).MatchString(got) {
			t.Errorf("with %s a status ends %q, want %s", c.locale, got, c.ends)
		}
		anna.close()
	}
}

// When the time zone of the device differs, the page offers to use it. It doesn't offer a zone again after the person
// kept theirs, or a zone with the same clock.
func TestAnotherTimeZoneIsOffered(t *testing.T) {
	parallel(t)
	s := startServer(t)
	home := s.person(t, "anna")
	anna := home.tab()
	visit := func(zone string) {
		t.Helper()
		anna.setZone(zone, "en-US")
		anna.open("/?q=an")
		anna.untilLive()
	}
	known := func(zone string) {
		t.Helper()
		anna.openMenu()
		anna.until("the time zone is "+zone,
			`document.querySelector('#status-zone').textContent === 'Your time zone: `+zone+`'`, soon)
	}
	const offered = `document.querySelector('#zone-offer')?.checkVisibility()`
	notOffered := func(zone string) {
		t.Helper()
		if ask[bool](anna, `!!`+offered) {
			t.Errorf("in %s the page offers another time zone: %s", zone, anna.text("#zone-offer"))
		}
	}
	visit("Asia/Tokyo")
	known("Asia/Tokyo")
	for _, same := range []string{"Asia/Tokyo", "Asia/Seoul"} {
		visit(same)
		notOffered(same)
	}
	visit("America/New_York")
	anna.until("the new time zone is offered",
		offered+` && document.querySelector('#zone-offer').innerText.includes('America/New_York')`, soon)
	anna.click("#zone-keep")
	anna.until("the offer is gone", `!`+offered, soon)
	visit("America/New_York")
	notOffered("America/New_York, after Asia/Tokyo was kept")
	known("Asia/Tokyo")
	visit("Europe/Berlin")
	anna.until("the new time zone is offered", offered, soon)
	wantAccessible(anna, "a board with an offer")
	anna.clickThrough("#zone-use")
	anna.untilLive()
	if got := ask[string](anna, `location.pathname + location.search`); got != "/?q=an" {
		t.Errorf("after changing the time zone the page is %s, want /?q=an, where the offer was", got)
	}
	notOffered("Europe/Berlin, after it was chosen")
	known("Europe/Berlin")
}
