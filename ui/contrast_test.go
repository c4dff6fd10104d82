package ui

import (
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// rgb is an sRGB color with components from 0 to 1.
type rgb [3]float64

// textOn holds the backgrounds of every token that is a text color.
var textOn = map[string][]string{
	"ink":       {"paper", "surface", "sunken", "raised", "tint", "found"},
	"muted":     {"paper", "surface", "sunken", "tint"},
	"accent":    {"paper", "surface", "tint"},
	"on-accent": {"accent"},
	"on-dnd":    {"dnd"},
	"online":    {"surface", "paper", "tint"},
	"away":      {"surface", "tint"},
	"dnd":       {"surface", "paper", "tint"},
	"offline":   {"paper", "surface"},
	"on-absent": {"absent"},
	"on-av":     {"av"},
	"paper":     {"ink"}, // the pill and the skip link
}

// shapeOn holds the backgrounds of the borders of controls, the state dots and the focus ring.
var shapeOn = map[string][]string{
	"edge":    {"paper", "surface"},
	"accent":  {"paper", "surface", "sunken"},
	"online":  {"surface", "paper", "sunken", "raised"},
	"away":    {"surface", "paper", "sunken", "raised"},
	"dnd":     {"surface", "paper", "sunken", "raised"},
	"offline": {"surface", "paper", "sunken", "raised"},
}

func TestContrast(t *testing.T) {
	css := stylesheet(t)
	for mode, dark := range map[string]bool{"light": false, "dark": true} {
		for hue := range 8 {
			live := palette(t, css, dark, hue)
			for name, c := range map[string]map[string]rgb{"live": live, "not live": drained(t, css, live, dark)} {
				check := func(pairs map[string][]string, least float64) {
					for text, grounds := range pairs {
						for _, ground := range grounds {
							if got := contrast(c[text], c[ground]); got < least {
								t.Errorf("%s, hue %d, %s: %s on %s = %.2f, want %.1f", mode, hue, name, text, ground, got, least)
							}
						}
					}
				}
				check(textOn, 4.5)
				check(shapeOn, 3)
			}
		}
	}
}

// On a page that isn't live, states, avatars and the viewer's card have no color.
func TestDrained(t *testing.T) {
	css := stylesheet(t)
	for _, dark := range []bool{false, true} {
		c := drained(t, css, palette(t, css, dark, 0), dark)
		for _, name := range []string{"online", "away", "dnd", "offline"} {
			if c[name] != c["muted"] {
				t.Errorf("not live, dark %v: %s is %v, want the muted ink %v", dark, name, c[name], c["muted"])
			}
		}
		if c["av"] != c["absent"] || c["tint"] != c["paper"] {
			t.Errorf("not live, dark %v: avatars or the own card keep their color", dark)
		}
	}
}

// Text may have only the colors of tokens, and all of these tokens must be in textOn.
func TestContrastTableIsComplete(t *testing.T) {
	css := stylesheet(t)
	for _, m := range regexp.MustCompile(`[{;\s]color:\s*([^;}]+)`).FindAllStringSubmatch(css, -1) {
		value := strings.TrimSpace(m[1])
		name := strings.TrimSuffix(strings.TrimPrefix(value, "var(--"), ")")
		if value == "inherit" || name == "state" { // --state is one of the four states
			continue
		}
		if textOn[name] == nil {
			t.Errorf("color: %s isn't in textOn", value)
		}
	}
	if strings.Contains(css, "opacity:") && strings.Count(css, "opacity:") != strings.Count(css, "opacity: 1;") {
		t.Error("opacity makes the contrast unknown: use a token")
	}
}

// The formula gives known values of the WCAG definition.
func TestContrastFormula(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want float64
	}{{"#000000", "#ffffff", 21}, {"#ffffff", "#ffffff", 1}, {"#777777", "#ffffff", 4.48}, {"#0000ff", "#ffffff", 8.59}} {
		if got := contrast(parseColor(t, tt.a), parseColor(t, tt.b)); math.Abs(got-tt.want) > .01 {
			t.Errorf("contrast(%s, %s) = %.3f, want %.2f", tt.a, tt.b, got, tt.want)
		}
	}
	if got := parseColor(t, "oklch(.62796 .25768 29.234)"); contrast(got, parseColor(t, "#ff0000")) > 1.01 ||
		got[0] < .99 {
		t.Errorf("oklch of red = %v, want red", got)
	}
}

func stylesheet(t *testing.T) string {
	t.Helper()
	files, err := filepath.Glob("static/style/*.css")
	if err != nil || len(files) == 0 {
		t.Fatalf("stylesheets = %v, %v", files, err)
	}
	var all strings.Builder
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(b)
	}
	return all.String()
}

// palette returns the tokens for one color scheme and one hue of avatars.
func palette(t *testing.T, css string, dark bool, hue int) map[string]rgb {
	t.Helper()
	h := regexp.MustCompile(`\.h` + strconv.Itoa(hue) + ` \{ --h: (\d+)`).FindStringSubmatch(css)
	if h == nil {
		t.Fatalf("no hue .h%d", hue)
	}
	out := make(map[string]rgb)
	const value = `((?:[^(),]|\((?:[^()]|\([^()]*\))*\))+)` // parentheses may be nested
	token := regexp.MustCompile(`--([a-z-]+):\s*light-dark\(` + value + `,\s*` + value + `\)`)
	for _, m := range token.FindAllStringSubmatch(css, -1) {
		value := m[2]
		if dark {
			value = m[3]
		}
		if m[1] != "shade" { // only for shadows
			out[m[1]] = parseColor(t, strings.ReplaceAll(value, "var(--h)", h[1]))
		}
	}
	if len(out) < 18 {
		t.Fatalf("only %d colors were found: %v", len(out), out)
	}
	for _, pairs := range []map[string][]string{textOn, shapeOn} {
		for text, grounds := range pairs {
			for _, name := range append([]string{text}, grounds...) {
				if _, ok := out[name]; !ok {
					t.Fatalf("there is no color --%s", name)
				}
			}
		}
	}
	return out
}

// parseColor parses #rrggbb and oklch(l c h).
func parseColor(t *testing.T, s string) rgb {
	t.Helper()
	var r, g, b uint8
	if n, _ := fmt.Sscanf(s, "#%02x%02x%02x", &r, &g, &b); n == 3 {
		return rgb{float64(r) / 255, float64(g) / 255, float64(b) / 255}
	}
	var l, c, h float64
	if n, _ := fmt.Sscanf(strings.NewReplacer("oklch(", "", ")", "").Replace(s), "%g %g %g", &l, &c, &h); n != 3 {
		t.Fatalf("can't parse the color %q", s)
	}
	return oklch(l, c, h)
}

// oklch converts a color as CSS Color 4 does. It clips colors that are out of gamut.
func oklch(l, c, h float64) rgb {
	a, b := c*math.Cos(h*math.Pi/180), c*math.Sin(h*math.Pi/180)
	cube := func(x float64) float64 { return x * x * x }
	x, y, z := cube(l+.3963377774*a+.2158037573*b), cube(l-.1055613458*a-.0638541728*b),
		cube(l-.0894841775*a-1.2914855480*b)
	lin := rgb{
		4.0767416621*x - 3.3077115913*y + .2309699292*z,
		-1.2684380046*x + 2.6097574011*y - .3413193965*z,
		-.0041960863*x - .7034186147*y + 1.7076147010*z,
	}
	for i, v := range lin {
		if v <= .0031308 {
			v *= 12.92
		} else {
			v = 1.055*math.Pow(v, 1/2.4) - .055
		}
		lin[i] = min(1, max(0, v))
	}
	return lin
}

// drained returns the palette of a page that isn't live, for which states.css changes the values of tokens.
func drained(t *testing.T, css string, live map[string]rgb, dark bool) map[string]rgb {
	t.Helper()
	block := regexp.MustCompile(`(?s):root:is\(\[data-conn=wait\][^{]*\{(.*?)\.is \{`).FindStringSubmatch(css)
	if block == nil {
		t.Fatal("there is no block for a page that isn't live")
	}
	out := maps.Clone(live)
	token := regexp.MustCompile(`--([a-z-]+): (?:var\(--([a-z-]+)\)|light-dark\((#\w+), (#\w+)\));`)
	tokens := token.FindAllStringSubmatch(block[1], -1)
	if len(tokens) < 8 {
		t.Fatalf("only %d tokens change: %v", len(tokens), tokens)
	}
	for _, m := range tokens {
		switch value := m[3]; {
		case m[2] != "":
			out[m[1]] = live[m[2]]
		case dark:
			out[m[1]] = parseColor(t, m[4])
		default:
			out[m[1]] = parseColor(t, value)
		}
	}
	if !strings.Contains(css, ":is(#groups, .account, .who) .av { --av: var(--absent); --on-av: var(--on-absent); }") {
		t.Error("avatars keep their hue on a page that isn't live")
	}
	out["av"], out["on-av"] = live["absent"], live["on-absent"]
	return out
}

func contrast(a, b rgb) float64 {
	la, lb := luminance(a), luminance(b)
	return (max(la, lb) + .05) / (min(la, lb) + .05)
}

func luminance(c rgb) float64 {
	for i, v := range c {
		if v <= .04045 {
			c[i] = v / 12.92
		} else {
			c[i] = math.Pow((v+.055)/1.055, 2.4)
		}
	}
	return .2126*c[0] + .7152*c[1] + .0722*c[2]
}
