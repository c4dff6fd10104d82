package e2e_test

import (
	"testing"

	"github.com/chromedp/cdproto/emulation"
)

// iPhones zoom in when a field has text smaller than 16 px, and don't zoom out again.
func TestFieldsAreLargeEnoughOnAPhone(t *testing.T) {
	parallel(t)
	s := startServer(t)
	home := s.person(t, "anna")
	for _, width := range []int64{320, 390, 844} { // the last is a phone in landscape
		anna := home.tab()
		anna.run(emulation.SetDeviceMetricsOverride(width, 844, 2, true), emulation.SetTouchEmulationEnabled(true))
		for _, path := range []string{"/", "/me", "/settings"} {
			anna.open(path)
			anna.untilLive() // to leave while it connects is an error in the console
			small := ask[[]string](anna, `[...document.querySelectorAll('input:not([type=hidden], [type=radio], [type=checkbox]), select, textarea')]
				.filter(field => !field.hidden && parseFloat(getComputedStyle(field).fontSize) < 16).map(field => field.name)`)
			if len(small) > 0 {
				t.Errorf("at %d pixels %s has fields with text below 16 px: %q", width, path, small)
			}
		}
		anna.close()
	}
}

// The page of a team shows its name once.
func TestTeamPageShowsItsNameOnce(t *testing.T) {
	parallel(t)
	s := startServer(t)
	s.addUser("ada", "--team", "Lab")
	s.addUser("bela", "--team", "Lab")
	anna := s.person(t, "anna").board()
	for _, path := range []string{"/?team=Lab", "/?team=Lab&show=offline"} {
		anna.open(path)
		anna.untilLive()
		if got := ask[int](anna, `document.querySelector('main').innerText.split('Lab').length - 1`); got != 1 {
			t.Errorf("%s shows the name of the team %d times, want once:\n%s", path, got, anna.text("main"))
		}
	}
}
