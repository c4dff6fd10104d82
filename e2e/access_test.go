package e2e_test

import (
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/emulation"
)

// axe is the source of the axe accessibility checker, which npm ci installs.
var axe = sync.OnceValues(func() (string, error) {
	source, err := os.ReadFile("../node_modules/axe-core/axe.min.js")
	return string(source), err
})

// axeRun returns the serious problems that axe finds on the current page, one line each. axeColors is the same for the
// rules about colors.
const (
	axeRun    = `axe.run(document, { resultTypes: ['violations'] })` + axeFound
	axeColors = `axe.run(document, { runOnly: ['color-contrast', 'link-in-text-block'], resultTypes: ['violations'] })` + axeFound
	axeFound  = `.then(result => result.violations
	.filter(v => v.impact === 'serious' || v.impact === 'critical')
	.flatMap(v => v.nodes.map(n => v.id + ': ' + v.help + ': ' + n.target.join(' ') + ': ' + n.failureSummary)))`
)

// wantAccessible fails the test for each serious or critical problem that axe finds in the light theme, and in the dark
// theme, where only colors differ. Animations must be off, or axe would check colors in the middle of a transition.
func wantAccessible(b *tab, what string) {
	b.t.Helper()
	installAxe(b)
	for _, scheme := range []string{"light", "dark"} {
		look(b, scheme)
		dark := ask[bool](b, `matchMedia('(prefers-color-scheme: dark)').matches`)
		if dark != (scheme == "dark") {
			b.t.Fatalf("the color scheme isn't %s", scheme)
		}
		run := axeRun
		if dark {
			run = axeColors
		}
		for _, found := range ask[[]string](b, run) {
			b.t.Errorf("%s, %s: %s", what, scheme, strings.ReplaceAll(found, "\n", " "))
		}
	}
}

func installAxe(b *tab) {
	b.t.Helper()
	source, err := axe()
	if err != nil {
		b.t.Fatalf("%v: run npm ci", err)
	}
	b.tell(source)
}

// A checker that never finds anything would pass every test.
func TestAxeFindsViolations(t *testing.T) {
	parallel(t)
	visitor := startServer(t).visitor(t).tab()
	visitor.open("/login")
	visitor.tell(`document.querySelector('label').remove()`)
	visitor.tell(`document.querySelector('.sub').style.color = '#ccc'`)
	installAxe(visitor)
	found := strings.Join(ask[[]string](visitor, axeRun), "\n")
	for _, rule := range []string{"label:", "color-contrast:"} {
		if !strings.Contains(found, rule) {
			t.Errorf("axe found %q on a page without a label and with pale text, want %s in it", found, rule)
		}
	}
}

// look sets the color scheme and turns off animations.
func look(b *tab, scheme string) {
	b.t.Helper()
	b.run(emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme},
		{Name: "prefers-reduced-motion", Value: "reduce"},
	}))
}

func TestAccessibleBoard(t *testing.T) {
	parallel(t)
	s := startServer(t, "--grace-clean=200ms")
	home := s.person(t, "anna")
	anna := home.tab()
	anna.allow(`status of 404`)
	look(anna, "light")
	anna.open("/")
	anna.untilLive()
	anna.untilState("anna", "online", soon)
	populate(s)
	anna.untilState("dov", "offline", soon)
	goAway(s.member(t, "ada").board())
	s.member(t, "carl").board()
	anna.untilState("ada", "away", patience)
	anna.untilState("carl", "online", soon)
	wantAccessible(anna, "the board")
	anna.click("label:has(#f-dnd)")
	wantAccessible(anna, "the board filtered by a state that nobody has")
	for _, path := range []string{"/?q=an", "/?q=zz", "/?team=Lab", "/?show=offline", "/nothing"} {
		anna.open(path)
		wantAccessible(anna, path)
	}
}
