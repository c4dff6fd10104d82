package identity

import (
	"encoding/xml"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"rsc.io/qr/coding"
)

// The picture holds the text: the test reads the modules from the SVG element, as a scanner reads them from the screen,
// and decodes them.
func TestQRDecodes(t *testing.T) {
	url := TOTPSecret("12345678901234567890").URL("The board of the night shift", "ada.lovelace")
	for _, text := range []string{url, "https://board.example/", "x", strings.Repeat("é", 128),
		strings.Repeat("z", maxQRText)} {
		code, err := NewQR(text)
		if err != nil {
			t.Fatalf("NewQR(%d bytes) = %v", len(text), err)
		}
		black := scan(t, code)
		if got := decodeQR(t, black); got != text {
			t.Errorf("the code of %.60q decodes to %.60q", text, got)
		}
		if text == url && len(code.SVG()) > 16<<10 {
			t.Errorf("SVG of the code has %d bytes, want at most 16 KiB", len(code.SVG()))
		}
	}
	if _, err := NewQR(strings.Repeat("z", maxQRText+1)); err == nil {
		t.Error("NewQR of too much text succeeded, want an error")
	}
}

func TestQRAttributes(t *testing.T) {
	code, err := NewQR("x")
	if err != nil {
		t.Fatal(err)
	}
	svg := code.SVG()
	size := strconv.Itoa(21 + 8) // version 1 has 21 modules
	for _, want := range []string{`viewBox="0 0 ` + size + ` ` + size + `"`, `shape-rendering="crispEdges"`,
		`<path fill="#fff" d="M0 0h` + size + `v` + size + `h-` + size + `z"/>`, `role="img"`, `aria-label="QR code"`} {
		if !strings.Contains(svg, want) {
			t.Errorf("SVG = %.300s, want %s", svg, want)
		}
	}
	if strings.Contains(svg, "style") || code.Size != 29 {
		t.Errorf("SVG = %.300s, size %d, want no style, and 29", svg, code.Size)
	}
	if !regexp.MustCompile(`^[Mhvz0-9 -]*$`).MatchString(code.Path) {
		t.Errorf("Path = %.80s, want only path data", code.Path)
	}
}

// scan returns the black modules of an SVG element, without the quiet zone, in which it allows none.
func scan(t *testing.T, code QR) [][]bool {
	t.Helper()
	var svg struct {
		Paths []struct {
			Fill string `xml:"fill,attr"`
			D    string `xml:"d,attr"`
		} `xml:"path"`
	}
	if err := xml.Unmarshal([]byte(code.SVG()), &svg); err != nil || len(svg.Paths) != 2 || svg.Paths[1].Fill != "#000" {
		t.Fatalf("SVG = %.200s, %v, want a white path and a black one", code.SVG(), err)
	}
	size := code.Size - 8
	black := make([][]bool, size)
	for y := range black {
		black[y] = make([]bool, size)
	}
	for run := range strings.SplitSeq(strings.TrimSuffix(svg.Paths[1].D, "z"), "z") {
		var x, y, width, back int
		if _, err := fmt.Sscanf(run, "M%d %dh%dv1h-%d", &x, &y, &width, &back); err != nil || width != back {
			t.Fatalf("run %q: %v, want a rectangle", run, err)
		}
		for i := range width {
			if x+i < 4 || y < 4 || x+i >= 4+size || y >= 4+size {
				t.Fatalf("run %q is in the quiet zone", run)
			}
			black[y-4][x-4+i] = true
		}
	}
	return black
}

// decodeQR reads the bytes of a code with the layout from rsc.io/qr. It checks every module that holds no data against
// the layout, and doesn't correct errors, so a wrong module fails the test.
func decodeQR(t *testing.T, black [][]bool) string {
	t.Helper()
	version := coding.Version((len(black) - 17) / 4)
	plan, err := coding.NewPlan(version, coding.M, 0)
	if err != nil || len(plan.Pixel) != len(black) {
		t.Fatalf("a code of %d modules has the layout of %d, %v", len(black), len(plan.Pixel), err)
	}
	data := make([]byte, plan.DataBytes+plan.CheckBytes)
	for y, row := range plan.Pixel {
		for x, pixel := range row {
			switch bit := black[y][x] != (pixel&coding.Invert != 0); pixel.Role() {
			case coding.Data, coding.Check:
				if bit {
					data[pixel.Offset()/8] |= 0x80 >> (pixel.Offset() % 8)
				}
			case coding.Extra:
			default:
				if black[y][x] != (pixel&coding.Black != 0) {
					t.Fatalf("module %d, %d (%s) is wrong", x, y, pixel)
				}
			}
		}
	}
	return content(t, data, version)
}

// content reads the first segment of the data: a mode of four bits, a length, and the bytes.
func content(t *testing.T, data []byte, version coding.Version) string {
	t.Helper()
	at := 0
	read := func(bits int) (value int) {
		for range bits {
			value = value<<1 | int(data[at/8]>>(7-at%8)&1)
			at++
		}
		return value
	}
	if mode := read(4); mode != 4 {
		t.Fatalf("mode = %d, want bytes", mode)
	}
	length := read(map[bool]int{true: 8, false: 16}[version <= 9])
	text := make([]byte, length)
	for i := range text {
		text[i] = byte(read(8))
	}
	return string(text)
}
