package ui

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"image/png"
	"os"
	"regexp"
	"strings"
	"testing"
)

const hostileName = `Ada's </title><script>"&`

// Every page has the name of the board in its header and title, escaped.
func TestEveryPageHasTheName(t *testing.T) {
	u := newUI(t, "")
	title := regexp.MustCompile(`<title>(.*)</title>`)
	for _, c := range []struct{ name, header, title string }{
		{"Harbor Works", "<bdi>Harbor Works</bdi>", "Harbor Works"},
		{hostileName, "<bdi>Ada&#39;s &lt;/title&gt;&lt;script&gt;&#34;&amp;</bdi>",
			"Ada&#39;s &lt;/title&gt;&lt;script&gt;&#34;&amp;"},
		{"", "<bdi>Rollcall</bdi>", "Rollcall"},
	} {
		u.SetName(c.name)
		for _, p := range everyPage {
			out := render(t, u, p)
			if !strings.Contains(out, c.header+"</") {
				t.Errorf("page %s: the header doesn't hold %s:\n%.1500s", p.template(), c.header, out)
			}
			if got := title.FindStringSubmatch(out); got == nil || !strings.HasSuffix(got[1], " · "+c.title) {
				t.Errorf("page %s: title %q, want it to end with %q", p.template(), got, c.title)
			}
			if n := strings.Count(out, `<meta name="description" content="`); n != 1 ||
				strings.Contains(out, `name="description" content=""`) {
				t.Errorf("page %s: %d descriptions, want one", p.template(), n)
			}
		}
	}
	u.SetName("Harbor Works")
	f := u.NewFrame()
	f.Title(Counts{People: 30, Online: 19})
	if got := string(f.Bytes()); got != "<title>19 here · Harbor Works</title>" {
		t.Errorf("frame with a title = %s, want the name in it", got)
	}
}

func TestRobotsOfPages(t *testing.T) {
	u := newUI(t, "")
	const noindex = `<meta name="robots" content="noindex, nofollow">`
	if out := render(t, u, LoginPage{}); !strings.Contains(out, noindex) {
		t.Errorf("a page doesn't say %s", noindex)
	}
	u.Configure(Options{Robots: true})
	if out := render(t, u, LoginPage{}); strings.Contains(out, `name="robots"`) {
		t.Error("a page that may be listed says noindex")
	}
}

func TestManifest(t *testing.T) {
	u := newUI(t, "/rollcall")
	u.Configure(Options{Name: hostileName})
	body, err := u.Manifest()
	var m manifest
	if err == nil {
		err = json.Unmarshal(body, &m)
	}
	if err != nil {
		t.Fatal(err)
	}
	if m.Name != hostileName || m.ShortName != hostileName || m.StartURL != "/rollcall/" || m.Scope != "/rollcall/" ||
		m.ID != "/rollcall/" || m.Display != "standalone" || m.Theme == "" || m.Background == "" || len(m.Icons) != 3 {
		t.Errorf("Manifest = %s", body)
	}
	for _, icon := range m.Icons {
		if w := fetch(u, "GET", icon.Src); w.Code != 200 || w.Header().Get("Content-Type") != icon.Type {
			t.Errorf("GET %s = %d %v, want %s", icon.Src, w.Code, w.Header(), icon.Type)
		}
	}
	tokens, err := os.ReadFile("static/style/tokens.css")
	if err != nil || !bytes.Contains(tokens, []byte("--paper: light-dark("+paper+",")) {
		t.Errorf("tokens.css doesn't have the paper %s (%v)", paper, err)
	}
}

// The build draws every icon in its size.
func TestBuiltIcons(t *testing.T) {
	for name, side := range map[string]int{"icon-192.png": 192, "icon-512.png": 512, "icon-maskable.png": 512,
		"apple-touch-icon.png": 180} {
		data := built(t, name)
		img, err := png.Decode(bytes.NewReader(data))
		if err != nil || img.Bounds().Dx() != side || img.Bounds().Dy() != side {
			t.Errorf("%s = %v, %v, want %d pixels", name, img.Bounds(), err, side)
			continue
		}
		_, _, _, corner := img.At(0, 0).RGBA()
		if square := name == "icon-maskable.png" || name == "apple-touch-icon.png"; (corner == 0xffff) != square {
			t.Errorf("%s: the corner has the opacity %x, want it filled: %t", name, corner, square)
		}
		if len(data) > 20<<10 {
			t.Errorf("%s has %d bytes, want at most 20 KiB", name, len(data))
		}
	}
	ico := built(t, "favicon.ico")
	for i, side := range []int{16, 32, 48} {
		entry := ico[6+16*i:]
		size, offset := binary.LittleEndian.Uint32(entry[8:]), binary.LittleEndian.Uint32(entry[12:])
		img, err := png.Decode(bytes.NewReader(ico[offset : offset+size]))
		if err != nil || img.Bounds().Dx() != side || int(entry[0]) != side {
			t.Errorf("favicon.ico: picture %d = %v, %v, want %d pixels", i, img, err, side)
		}
	}
}

// built reads a file that `make assets` made.
func built(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(buildFolder + "/" + name)
	if os.IsNotExist(err) {
		t.Skip("the browser's files are not built: run `make assets`")
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// What a board with one account says depends on its data, and a frame takes it away.
func TestAlone(t *testing.T) {
	u := newUI(t, "")
	one, two := Counts{People: 1}, Counts{People: 2, Online: 1}
	for _, c := range []Counts{one, {People: 1, Online: 1}, {People: 1, Away: 1}} {
		if h := c.headline(); h.Is != "Only you so far" || !h.Alone {
			t.Errorf("headline(%+v) = %+v, want Only you so far", c, h)
		}
	}
	for _, c := range []Counts{two, {}, {People: 1, Team: "Ops"}, {People: 1, Search: "x"}, {People: 1, Unsure: true}} {
		if c.headline().Alone {
			t.Errorf("headline(%+v) says that nobody else has an account", c)
		}
	}
	page := render(t, u, BoardPage{Counts: one, First: First{Address: "https://board.example/", SignupOpen: true}})
	for _, want := range []string{`data-alone`, `id="first"`, `value="https://board.example/"`,
		"People who create an account appear here."} {
		if !strings.Contains(page, want) {
			t.Errorf("the board of one account doesn't hold %q", want)
		}
	}
	if page := render(t, u, BoardPage{Counts: two}); strings.Contains(page, "data-alone") ||
		strings.Contains(page, `id="first"`) {
		t.Error("the board of two accounts has the first-run panel")
	}
	f := u.NewFrame()
	f.Counts(one, two, false)
	if got := string(f.Bytes()); !strings.Contains(got, `id="headline"`) || strings.Contains(got, "data-alone") {
		t.Errorf("the frame after a second person signed up = %s, want a headline without data-alone", got)
	}
}

func TestSetupPage(t *testing.T) {
	u := newUI(t, "")
	p := SetupPage{AskCode: true, AskName: true}
	if got := p.Focus(); got != "code" {
		t.Errorf("Focus = %s, want code", got)
	}
	out := render(t, u, p)
	for _, want := range []string{`action="/setup"`, `name="code"`, `name="board_name"`, `name="display_name"`,
		`name="username"`, `name="password"`} {
		if !strings.Contains(out, want) {
			t.Errorf("the page doesn't hold %s", want)
		}
	}
	p = SetupPage{Errors: map[string]string{"username": "Taken."}, Username: `"x`, DisplayName: "<b>", Password: "p w"}
	out = render(t, u, p)
	for _, want := range []string{`value="&#34;x"`, `value="&lt;b&gt;"`, `value="p w"`, `id="username-error">Taken.`,
		`<title>Error: `} {
		if !strings.Contains(out, want) {
			t.Errorf("the refused page doesn't hold %s", want)
		}
	}
	if strings.Contains(out, `name="code"`) || strings.Contains(out, `name="board_name"`) || p.Focus() != "username" {
		t.Error("the page asks for what it needn't, or the cursor doesn't start in the wrong field")
	}
	if got := (SetupPage{}).Focus(); got != "display_name" {
		t.Errorf("Focus without a code and a name = %s, want display_name", got)
	}
}
