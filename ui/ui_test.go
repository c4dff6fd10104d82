package ui

import (
	"bytes"
	"errors"
	"html/template"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/jba/templatecheck"
	"golang.org/x/net/html"
)

// sources returns the templates and fake assets, so that these tests don't need Node. TestBuild checks the real assets.
func sources(t testing.TB) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	err := fs.WalkDir(os.DirFS("."), "templates", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(filepath.FromSlash(path))
		files[path] = &fstest.MapFile{Data: data}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string]string{
		"app.js": "script", "app.js.br": "br", "app.js.gz": "gz",
		"app.css": "style", "admin.css": "more style", "admin.js": "more script", "passkey.js": "passkeys", "wall.css": "style of walls", "wall.js": "walls", "embed.js": "embeds", "favicon.svg": "<svg/>", "emoji.json": "[]", ".keep": "", "LICENSE.htmx.txt": "words",
		"favicon.ico": "icons", "apple-touch-icon.png": "icon", "icon-192.png": "small", "icon-512.png": "large",
		"icon-maskable.png": "full",
	} {
		files[buildFolder+"/"+name] = &fstest.MapFile{Data: []byte(data)}
	}
	return files
}

func newUI(t testing.TB, base string) *UI {
	t.Helper()
	u, err := New(sources(t), base)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// TestEveryTemplate renders every page and part, because html/template reports a template that it can't escape only
// when it's first executed.
func TestEveryTemplate(t *testing.T) {
	u := newUI(t, "")
	var errs []error
	for _, p := range everyPage {
		_, err := u.Page(p)
		errs = append(errs, err)
	}
	_, rowErr := u.Row(Row{State: Offline})
	_, briefErr := u.Row(Row{State: Offline, Brief: true})
	some := []Section{{Rows: [][]byte{nil}}}
	_, listErr := u.List(List{Sections: some})
	_, flatErr := u.List(List{Sections: some, Flat: true})
	_, indexErr := u.Index(some)
	_, teamErr := u.Team(some[0])
	_, emptyErr := u.List(List{Warming: true})
	_, wallRowErr := u.WallRow(Row{State: Offline})
	_, wallErr := u.WallList(List{Sections: some})
	_, badgeErr := u.Badge(Badge{})
	headlineErr := u.part(new(bytes.Buffer), "headline", headline{})
	arrivedErr := u.part(new(bytes.Buffer), "arrived", Arrivals{})
	_, panelErr := u.Panel(Panel{})
	for name, data := range map[string]any{"me": Me{}, "self": Me{}, "set": SetStatus{}, "states": Me{}, "note": Me{},
		"why": Me{}, "claims": []Claim{{}}, "told": Told{}, "faces": []Face{{}}} {
		errs = append(errs, u.part(new(bytes.Buffer), name, data))
	}
	errs = append(errs, rowErr, briefErr, listErr, flatErr, indexErr, teamErr, emptyErr, headlineErr,
		arrivedErr, panelErr, wallRowErr, wallErr, badgeErr)
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
}

func render(t testing.TB, u *UI, p Page) string {
	t.Helper()
	b, err := u.Page(p)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func row(t testing.TB, u *UI, r Row) []byte {
	t.Helper()
	b, err := u.Row(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestNewWithoutAssets(t *testing.T) {
	files := sources(t)
	delete(files, buildFolder+"/app.js")
	_, err := New(files, "")
	if err == nil || !strings.Contains(err.Error(), "make assets") {
		t.Errorf("New(without app.js) = %v, want an error that says what to run", err)
	}
	files = sources(t)
	delete(files, buildFolder+"/app.css")
	if _, err = New(files, ""); err == nil || !strings.Contains(err.Error(), "make assets") {
		t.Errorf("New(without app.css) = %v, want an error that says what to run", err)
	}
}

func TestNewBase(t *testing.T) {
	for base, ok := range map[string]bool{
		"": true, "/rollcall": true, "/a/b": true, "/": false, "rollcall": false, "/rollcall/": false,
	} {
		if _, err := New(sources(t), base); (err == nil) != ok {
			t.Errorf("New(base %q) = %v, want ok %v", base, err, ok)
		}
	}
	out := render(t, newUI(t, "/rollcall"), BoardPage{Layout: Layout{Viewer: &Viewer{UID: "u1"}}})
	for _, tag := range regexp.MustCompile(`(?:href|src|action)="(/[^"]*)"`).FindAllStringSubmatch(out, -1) {
		if !strings.HasPrefix(tag[1], "/rollcall/") {
			t.Errorf("the URL %q doesn't start with the base path", tag[1])
		}
	}
}

// A page whose template is broken is an error, and no part of it is returned.
func TestBrokenTemplates(t *testing.T) {
	for name, body := range map[string]string{
		"does not parse":       `{{define "main"}}{{`,
		"asset does not exist": `{{define "main"}}{{asset "none.js"}}{{end}}`,
		"cannot be escaped":    `{{define "main"}}<a href="{{if .Status}}x{{else}}"y{{end}}">{{end}}`,
	} {
		files := sources(t)
		files["templates/error.html"] = &fstest.MapFile{Data: []byte(body)}
		u, err := New(files, "")
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if b, err := u.Page(ErrorPage{}); err == nil || len(b) > 0 {
				t.Errorf("Page(a template that %s) = %q, %v, want an error", name, b, err)
			}
		}
	}
}

// All branches of the templates fit the types of their data.
func TestTemplateTypes(t *testing.T) {
	u := newUI(t, "")
	check := func(name string, tmpl *template.Template, data any) {
		t.Helper()
		if err := templatecheck.CheckHTML(tmpl, data); err != nil {
			t.Errorf("template %s: %v", name, err)
		}
	}
	// Parse the templates again, because rendering changes them.
	parts, err := parseParts(sources(t), u.funcs())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range everyPage {
		page, err := parsePage(sources(t), p, parts)
		if err != nil {
			t.Fatal(err)
		}
		check(p.template(), page, p)
	}
	check("row", parts.Lookup("row"), &rowView{})
	check("section", parts.Lookup("section"), sectionView{})
	check("flat", parts.Lookup("flat"), sectionView{})
	check("index", parts.Lookup("index"), indexView{})
	check("headline", parts.Lookup("headline"), headline{})
	check("empty", parts.Lookup("empty"), emptyView{})
	check("panel", parts.Lookup("panel"), Panel{})
	for _, name := range []string{"me", "self", "states", "note", "why"} {
		check(name, parts.Lookup(name), Me{})
	}
	check("set", parts.Lookup("set"), SetStatus{})
	check("claims", parts.Lookup("claims"), []Claim{})
	check("wall-row", parts.Lookup("wall-row"), rowView{})
	check("wall-list", parts.Lookup("wall-list"), wallView{})
	check("badge", parts.Lookup("badge"), badgeView{})
	check("admin-nav", parts.Lookup("admin-nav"), Admin{})
	check("account-of", parts.Lookup("account-of"), Account{})
	check("once", parts.Lookup("once"), OnceLink{})
	check("log-line", parts.Lookup("log-line"), LogLine{})
	check("next", parts.Lookup("next"), Next{})
}

// everyLook renders all pages in different states.
func everyLook(t testing.TB, u *UI) map[string]string {
	t.Helper()
	viewer := &Viewer{UID: "0190-a", Username: "ada", Name: "Ada", Me: Me{State: Online, Why: "there was input"}}
	rows := [][]byte{
		row(t, u, Row{UID: "0190-a", Username: "ada", Name: "Ada", State: DND, Since: time.Now(), Text: "x", Emoji: "🎉"}),
		row(t, u, Row{UID: "0190-b", Username: "bob", Name: "Bob", State: Offline, Seen: "today"}),
	}
	list := func(s []Section, q Query, warming bool) []byte { return []byte(list(t, u, s, q, warming)) }
	flat := listOf(t, u, List{
		Flat: true, Query: Query{Show: Here}, Sections: []Section{{Rows: rows}},
		Index: indexOf(t, u, Section{Key: "p", Name: "P", Here: 1}, Section{Key: "q"}),
	})
	full := list([]Section{{Key: "p", Name: "Platform", Here: 1, People: 2, Rows: rows}}, Query{}, false)
	atMe := &Viewer{UID: "0190-a", Username: "ada", Name: "Ada", AtMe: true}
	panel, err := u.Panel(somePanel())
	if err != nil {
		t.Fatal(err)
	}
	q := Query{Q: "a b", Team: "Platform", Show: Away}
	layout := Layout{Viewer: viewer}
	looks := map[string]string{"panel": string(panel)}
	for name, page := range map[string]Page{
		"board": BoardPage{
			Layout: layout, Counts: Counts{People: 2, DND: 1}, List: full, Socket: "/ws?v=1&q=a", OnePage: true,
		},
		"board paged": BoardPage{
			Layout: layout, Counts: Counts{People: 999}, Query: q, List: full, Next: "?after=x", Prev: "?before=x",
		},
		"board here": BoardPage{
			Layout: layout, Counts: Counts{People: 999, Online: 2}, Chosen: Here, List: []byte(flat), Next: "?after=x",
			Pages: []PageLink{{N: 1, Href: "?page=1", Current: true}, {Gap: true}, {N: 5, Href: "?page=5"}},
		},
		"board warming": BoardPage{Layout: layout, Warming: true, List: list(nil, Query{}, true)},
		"board empty":   BoardPage{Query: q, List: list(nil, q, false)},
		"login":         LoginPage{Layout: Layout{SignupOpen: true}, Next: "/?q=1"},
		"login refused": LoginPage{Username: "ada", Message: "No."},
		"login deleted": LoginPage{Deleted: true},
		"login reset":   LoginPage{Reset: true},
		"signup":        SignupPage{Action: "/signup"},
		"signup approval": SignupPage{
			Action: "/signup", Approval: true, Note: "Hi", Errors: map[string]string{"note": "too long"},
		},
		"join":    SignupPage{Layout: layout, Action: "/join/x", Invited: true, Team: "Ops"},
		"waiting": WaitingPage{Name: "Ada"},
		"reset":   ResetPage{Action: "/reset/x", Username: "ada", Error: "too short", Message: "No."},
		"signup refused": SignupPage{
			Username: "ada", Message: "No.",
			Errors: map[string]string{"username": "taken", "display_name": "too long", "password": "short"},
		},
		"settings": settingsPage(layout),
		"settings saved": SettingsPage{
			Layout: Layout{Viewer: viewer, Scheme: "dark"}, Saved: DevicesSection, TeamRule: "fixed",
			Devices: []Device{{ID: "s1", Name: "Firefox on Linux", This: true}},
		},
		"settings refused": SettingsPage{Layout: layout, Failed: DataSection, Errors: map[string]string{
			"confirm_username": "no", "confirm_password": "no", "display_name": "no", "team": "no", "idle_after": "no",
			"last_seen": "no", "time_zone": "no", "theme": "no", "old_password": "no", "password": "no",
		}},
		"stored": StoredPage{
			Layout: layout, ID: "0190-a", DisplayName: "Ada", Text: "x", Until: time.Now(), LastSeen: time.Now(),
			Invisible: true, InvisibleSince: time.Now(), ShowLastSeen: "nobody", Replicas: true,
		},
		"error":        ErrorPage{Status: 404},
		"error inside": ErrorPage{Layout: layout, Status: 500, RequestID: "r1"},
		"me":           MePage{Layout: Layout{Viewer: atMe}, Panel: somePanel()},
		"me refused": MePage{Layout: Layout{Viewer: atMe}, Panel: Panel{
			Me: Me{Invisible: true}, Presets: []Preset{{ID: "lunch", Text: "Lunch"}},
			Status: StatusForm{
				Lasts: "at", Errors: map[string]string{"state": "no", "text": "no", "emoji": "no", "until": "no"},
			},
		}},
	} {
		looks[name] = render(t, u, page)
	}
	for name, page := range shareLooks(t, u, layout, "some") {
		looks[name] = render(t, u, page)
	}
	boss := &Viewer{UID: "0190-b", Username: "boss", Name: "Boss", Admin: true}
	for name, page := range adminLooks(Layout{Viewer: boss}, "some") {
		looks[name] = render(t, u, page)
	}
	return looks
}

// The pages work with a strict Content-Security-Policy, their IDs are unique, and references to IDs are valid.
func TestPagesAreValid(t *testing.T) {
	for name, page := range everyLook(t, newUI(t, "")) {
		ids, names := map[string]bool{}, map[string]bool{}
		var refs []string
		each(t, page, func(n *html.Node) {
			switch {
			case n.Data == "style":
				t.Errorf("%s: has a <style>", name)
			case n.Data == "script" && (attr(n, "src") == "" || n.FirstChild != nil):
				t.Errorf("%s: has an inline script", name)
			case n.Data == "input" && attr(n, "type") != "hidden":
				names[attr(n, "name")] = true
			}
			for _, a := range n.Attr {
				if a.Key == "style" || strings.HasPrefix(a.Key, "on") || strings.HasPrefix(a.Val, "javascript:") {
					t.Errorf("%s: <%s %s=%q>", name, n.Data, a.Key, a.Val)
				}
				if a.Key == "id" && ids[a.Val] {
					t.Errorf("%s: two elements have the ID %q", name, a.Val)
				}
				if a.Key == "id" {
					ids[a.Val] = true
				}
				switch a.Key {
				case "for", "aria-labelledby", "aria-describedby", "aria-controls", "form":
					refs = append(refs, strings.Fields(a.Val)...)
				}
			}
		})
		for _, id := range refs {
			if !ids[id] {
				t.Errorf("%s: an attribute refers to %q, but there is no such element", name, id)
			}
		}
	}
}

// The board has all elements that frames change.
func TestBoardHasElementsOfFrames(t *testing.T) {
	u := newUI(t, "")
	f := u.NewFrame()
	f.Row("0190-a", nil)
	f.List(nil)
	f.Counts(Counts{}, Counts{}, true)
	f.Team("p", 1, 2, 1, false)
	f.Warming(true)
	f.Me(Me{}, Me{State: Online, Why: "why"})
	looks := everyLook(t, u)
	page := looks["board"]
	// Opening the menu puts the panel on the board.
	closed := regexp.MustCompile(`(?s)<div class="panel" id="panel">.*?</div>`)
	open := closed.ReplaceAllLiteralString(page, `<div id="panel">`+looks["panel"]+`</div>`)
	for _, m := range regexp.MustCompile(`<hx-partial id="([^"]+)"`).FindAllStringSubmatch(string(f.Bytes()), -1) {
		if strings.Count(open, ` id="`+m[1]+`"`) != 1 {
			t.Errorf("the board doesn't have exactly one element %q", m[1])
		}
	}
	if !strings.Contains(page, `hx-ws:connect="/ws?v=1&amp;q=a" hx-swap="none"`) {
		t.Errorf("the board has no live connection: %s", page)
	}
	if !strings.Contains(page, "<title>1 here · Rollcall</title>") {
		t.Errorf("the board's title doesn't say how many people are here")
	}
}

// Text that people typed is always escaped.
func TestMaliciousTextIsEscaped(t *testing.T) {
	u := newUI(t, "")
	for _, evil := range []string{
		`<script>alert(1)</script>`,
		`"><img src=x onerror=alert(1)>`,
		`' onmouseover='alert(1)`,
		`</li></ul></template><hx-partial id="list" hx-swap="innerHTML">gone</hx-partial>`,
		`<title>(0) Gone</title>`, `</title><script>alert(1)</script>`,
		`{{.}} {{template "layout"}}`, "\u202eright to left", "a\x00b", `javascript:alert(1)`, `&lt;b&gt;`,
	} {
		r := row(t, u, Row{
			UID: evil, Username: evil, Name: evil, Team: evil, TeamKey: evil, State: DND, Since: time.Now(),
			Text: evil, Emoji: evil, Seen: evil,
		})
		sections := []Section{{Key: evil, Name: evil, Rows: [][]byte{r}}}
		list := []byte(listOf(t, u, List{Sections: sections, Index: indexOf(t, u, sections...), Query: Query{Q: evil, Team: evil, Show: evil}}))
		empty := []byte(listOf(t, u, List{Query: Query{Q: evil}}))
		layout := Layout{Title: evil, Scheme: evil, Viewer: &Viewer{
			UID: evil, Username: evil, Name: evil, Me: Me{State: evil, Why: evil}, TimeZone: evil,
		}}
		panel := Panel{
			Me: Me{State: evil, Why: evil, Next: Next{Before: evil, At: time.Now(), After: evil},
				Set: SetStatus{State: evil, Text: evil, Emoji: evil}, By: SetBy{Key: evil},
				Claims: []Claim{{Key: evil, State: evil, Text: evil, Emoji: evil}}}, Said: evil,
			Status: StatusForm{Text: evil, Emoji: evil, Lasts: evil, At: evil, Zone: evil, Live: true,
				Errors: map[string]string{"state": evil, "text": evil, "emoji": evil, "until": evil}},
			Presets: []Preset{{evil, evil, evil, evil, evil, true}},
		}
		for _, page := range []Page{
			BoardPage{
				Layout: layout, List: list, Query: Query{evil, evil, evil, evil, evil}, Counts: Counts{Team: evil, Search: evil},
				Chosen: evil, Socket: evil, Next: evil, Prev: evil,
			},
			BoardPage{Layout: layout, List: empty, OnePage: true},
			LoginPage{Layout: layout, Username: evil, Next: evil, Message: evil},
			SignupPage{
				Layout: layout, Username: evil, DisplayName: evil, Next: evil, Message: evil,
				Errors: map[string]string{"username": evil},
			},
			settingsPageOf(layout, evil),
			StoredPage{
				Layout: layout, ID: evil, Username: evil, DisplayName: evil, Team: evil, State: evil, Text: evil, Emoji: evil,
				ShowLastSeen: evil, TimeZone: evil, Theme: evil,
			},
			ErrorPage{Layout: layout, Heading: evil, Message: evil, RequestID: evil},
			MePage{Layout: layout, Panel: panel},
		} {
			harmless(t, evil, render(t, u, page))
		}
		for _, page := range adminLooks(layout, evil) {
			harmless(t, evil, render(t, u, page))
		}
		f := u.NewFrame()
		f.Row(evil, r)
		f.Me(Me{}, Me{UID: evil, Name: evil, State: Online, Why: evil, Next: Next{Before: evil, After: evil},
			Set: SetStatus{Text: evil, Emoji: evil}, By: SetBy{Key: evil},
			Claims: []Claim{{Key: evil, State: evil, Text: evil, Emoji: evil}}})
		f.Team(evil, 1, 1, 1, false)
		f.Counts(Counts{People: 1}, Counts{People: 1, Search: evil}, false)
		frame := string(f.Bytes())
		harmless(t, evil, frame)
		if n := strings.Count(frame, "<hx-partial"); n != 14 {
			t.Errorf("a frame about %q has %d partials, want 14", evil, n)
		}
		answer, err := u.Panel(panel)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range [][]byte{answer, u.Refused(422, evil, evil)} {
			harmless(t, evil, string(part))
			if n := strings.Count(string(part), "<hx-partial"); n != 1 {
				t.Errorf("an answer about %q has %d partials, want 1", evil, n)
			}
		}
		if css := string(u.MeCSS(evil, TeamID(evil), true, []string{evil})); css != "" {
			t.Errorf("MeCSS(%q) = %q, want nothing", evil, css)
		}
	}
}

// harmless fails the test if evil has become an element or an attribute of markup.
func harmless(t *testing.T, evil, markup string) {
	t.Helper()
	each(t, markup, func(n *html.Node) {
		if n.Data == "img" || (n.Data == "script" && attr(n, "src") == "") {
			t.Errorf("%q became an element <%s>", evil, n.Data)
		}
		for _, a := range n.Attr {
			if strings.HasPrefix(a.Key, "on") || (a.Key == "href" && strings.HasPrefix(strings.ToLower(a.Val), "javascript:")) {
				t.Errorf("%q became <%s %s=%q>", evil, n.Data, a.Key, a.Val)
			}
		}
	})
	if n := strings.Count(markup, "<title>"); n > 1 {
		t.Errorf("%q became a second title", evil)
	}
}

// No function gives templates HTML that isn't escaped, except for holes and one sentence without anything that people
// typed.
func TestOnlyRenderedHTMLSkipsEscaping(t *testing.T) {
	for name, f := range newUI(t, "").funcs() {
		if out := reflect.TypeOf(f).Out(0); out.PkgPath() == "html/template" && name != "hole" && name != "lost" {
			t.Errorf("the function %s returns %v, which skips escaping", name, out)
		}
	}
}

func each(t *testing.T, markup string, do func(*html.Node)) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(markup))
	if err != nil {
		t.Fatal(err)
	}
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode {
			do(n)
		}
	}
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}
