package ui

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestBuild checks the output of `make assets`, which `make test` runs first.
func TestBuild(t *testing.T) {
	read := func(name string) string {
		b, err := os.ReadFile(buildFolder + "/" + name)
		if os.IsNotExist(err) {
			t.Skip("the browser's files are not built: run `make assets`")
		}
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	js, css := read("app.js"), read("app.css")
	adminJS, adminCSS, passkey := read("admin.js"), read("admin.css"), read("passkey.js")
	wallJS, wallCSS, embed := read("wall.js"), read("wall.css"), read("embed.js")

	// ui/build.mjs says why there is one file in this order.
	last := -1
	for _, mark := range []string{"/*! Rollcall", "htmx:ws:after:connection", "/*! htmx 4", "var htmx=", "/*! hx-ws"} {
		at := strings.Index(js, mark)
		if at <= last {
			t.Errorf("app.js: %q is at offset %d, want it after %d", mark, at, last)
		}
		last = at
	}
	if strings.Contains(js, "sourceMappingURL") {
		t.Error("app.js refers to a source map that doesn't exist")
	}
	// If a line of the sources isn't in the build, the build is stale.
	built := map[string]string{".js": js + adminJS + passkey + wallJS + embed, ".css": css + adminCSS + wallCSS}
	sources, err := filepath.Glob("static/s*/*.*s")
	sources = append(sources, "static/embed.js")
	if err != nil || len(sources) < 10 {
		t.Fatalf("sources = %v, %v, want those of static/script and static/style", sources, err)
	}
	comment := regexp.MustCompile(`([;,{}()]) +// .*$`)
	for _, source := range sources {
		b, err := os.ReadFile(source)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(regexp.MustCompile(`(?s)/\*.*?\*/`).ReplaceAllString(string(b), "")) {
			line = comment.ReplaceAllString(strings.TrimSpace(line), "$1")
			if !strings.HasPrefix(line, "//") && !strings.Contains(built[filepath.Ext(source)], line) {
				t.Fatalf("%s is newer than the build (%q is not in it): run `make assets`", source, line)
			}
		}
	}
	for name, limit := range map[string]int{"app.js.br": 24 << 10, "passkey.js.br": 2 << 10, "app.css.br": 9 << 10,
		"admin.js.br": 2 << 10, "admin.css.br": 3 << 10, "wall.js.br": 18 << 10, "wall.css.br": 2 << 10, "embed.js.gz": 2 << 10, "favicon.svg.br": 1 << 10, "emoji.json.br": 20 << 10} {
		if got := len(read(name)); got > limit {
			t.Errorf("%s: %d bytes, want at most %d", name, got, limit)
		}
	}
	z, err := gzip.NewReader(strings.NewReader(read("app.js.gz")))
	if err != nil {
		t.Fatal(err)
	}
	if unpacked, err := io.ReadAll(z); err != nil || string(unpacked) != js {
		t.Errorf("app.js.gz isn't app.js compressed (%v)", err)
	}
	if _, err := New(os.DirFS("."), ""); err != nil {
		t.Errorf("New(the real files) = %v", err)
	}
}

// The table of emoji is small, and holds what people look for.
func TestEmojiTable(t *testing.T) {
	data, err := os.ReadFile(buildFolder + "/emoji.json")
	if os.IsNotExist(err) {
		t.Skip("the browser's files are not built: run `make assets`")
	}
	var rows []string
	if err == nil {
		err = json.Unmarshal(data, &rows)
	}
	if err != nil || len(data) > 60<<10 || len(rows) < 1500 {
		t.Fatalf("emoji.json has %d bytes and %d rows, %v, want at most 60 KiB and at least 1500", len(data), len(rows), err)
	}
	all := strings.Join(rows, "\n") + "\n"
	for _, want := range []string{`☕ hot beverage, coffee break\|`, `🍜 steaming bowl, lunch\|`, `🎧 headphone, focus\|`,
		`🚆 train\|`, `🇩🇪 flag Germany\n`, `🌴 palm tree, vacation`} {
		if !regexp.MustCompile(want).MatchString(all) {
			t.Errorf("emoji.json has nothing like %s", want)
		}
	}
	if tone := regexp.MustCompile(`[\x{1F3FB}-\x{1F3FF}]`).FindString(all); tone != "" {
		t.Errorf("emoji.json has skin tones")
	}
}

// Nothing that the installer resolves to a place of its own may be committed.
func TestLockFileNamesNoRegistry(t *testing.T) {
	lock, err := os.ReadFile("../package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(lock, []byte("://")) || bytes.Contains(lock, []byte(`"resolved"`)) {
		t.Error("package-lock.json has URLs: install with the repository's .npmrc")
	}
	if n := bytes.Count(lock, []byte(`"integrity": "sha512-`)); n < 3 {
		t.Errorf("package-lock.json has %d checksums, want one for each package", n)
	}
}

// htmx ignores settings that it doesn't know, so a typing error in them would go unnoticed.
func TestLiveSettings(t *testing.T) {
	page := render(t, newUI(t, ""), BoardPage{})
	m := regexp.MustCompile(`<meta name="htmx-config" content='([^']*)'>`).FindStringSubmatch(page)
	if m == nil {
		t.Fatal("the board has no settings for htmx")
	}
	var got struct {
		WS struct {
			PauseOnBackground                                  *bool
			ReconnectDelay, ReconnectMaxDelay, ReconnectJitter float64
		}
	}
	if err := json.Unmarshal([]byte(m[1]), &got); err != nil {
		t.Fatal(err)
	}
	w := got.WS
	if w.PauseOnBackground == nil || *w.PauseOnBackground {
		t.Errorf("settings = %s, want the socket kept open in hidden tabs", m[1])
	}
	if w.ReconnectDelay != 2000 || w.ReconnectMaxDelay != 4000 || w.ReconnectJitter != 1 {
		t.Errorf("settings = %s, want reconnects spread over 0 to 4 s", m[1])
	}
}
