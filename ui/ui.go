// Package ui renders HTML from typed pages, rows of the board, and changes to it. It also serves the stylesheet, the
// script and the icon.
//
// It doesn't know who may see what, or where the data comes from. It gets plain values and imports no other package of
// Rollcall. html/template escapes everything that people typed. Only HTML that this package has rendered skips
// escaping: it fills holes of templates.
package ui

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// UI holds the parsed templates and the assets. After New and Configure, only the name of the board changes, so it's
// safe for concurrent use.
type UI struct {
	base     string
	name     atomic.Pointer[string] // of the board
	robots   bool
	logo     *asset // nil: that of Rollcall
	logoSide int    // pixels of a square logo that is also the icon; 0 if it isn't

	pages  map[string]func() (*template.Template, error)
	parts  *template.Template
	row    *template.Template
	brief  *template.Template // of a row, for frames
	assets map[string]*asset
	served map[string]*asset

	choices sync.Map // rendered buttons for a state, by choice
}

// Page is one of the typed pages of this package.
type Page interface {
	template() string
}

// everyPage holds a zero value of each page. Tests render all of them.
var everyPage = [...]Page{
	BoardPage{}, LoginPage{}, SignupPage{}, WaitingPage{}, ResetPage{}, SetupPage{}, ErrorPage{}, MePage{}, SettingsPage{},
	StoredPage{}, PersonPage{}, ProvePage{}, RetryPage{}, DownloadPage{}, ContinuePage{}, AdminPeoplePage{},
	AdminConfirmPage{}, AdminPersonPage{}, AdminTeamsPage{},
	ForgotPage{}, MailedPage{}, AddressPage{}, SignupMailPage{},
	AdminTeamPage{}, AdminInvitationsPage{}, AdminImportPage{}, AdminImportedPage{}, AdminSettingsPage{}, AdminLogPage{},
	LoginCodePage{}, WaysPage{}, AddPasskeyPage{}, AddAppPage{}, RecoveryCodesPage{}, TokensPage{}, APIPage{}, SharesPage{},
	WallPage{}, EmbedPage{}, HooksPage{}, HookPage{}, HookSecretPage{},
}

// New reads the templates and the assets. files holds templates/ and static/. base is the base path of the public URL:
// "" or a path such as "/rollcall", without a slash at the end. New returns an error if the build of the assets is
// missing.
func New(files fs.FS, base string) (*UI, error) {
	if base != "" && (!strings.HasPrefix(base, "/") || strings.HasSuffix(base, "/")) {
		return nil, fmt.Errorf("ui: base path %q must be empty or start with a slash and not end with one", base)
	}
	assets, err := readAssets(files, base)
	if err != nil {
		return nil, err
	}
	u := &UI{base: base, assets: assets, served: byServedName(assets)}
	u.SetName("")
	parts, err := parseParts(files, u.funcs())
	if err != nil {
		return nil, err
	}
	if u.parts, err = parts.Clone(); err != nil { // pages copy from the other, because rendering changes a template
		return nil, fmt.Errorf("ui: copy parts: %w", err)
	}
	u.row, u.brief = u.parts.Lookup("row"), u.parts.Lookup("brief")
	u.pages = make(map[string]func() (*template.Template, error), len(everyPage))
	for _, p := range everyPage {
		u.pages[p.template()] = sync.OnceValues(func() (*template.Template, error) { return parsePage(files, p, parts) })
	}
	return u, nil
}

// layoutOf returns the template around a page.
func layoutOf(p Page) string {
	if own, ok := p.(interface{ root() string }); ok {
		return own.root()
	}
	return "layout"
}

func parseParts(files fs.FS, funcs template.FuncMap) (*template.Template, error) {
	t, err := template.New("parts").Funcs(funcs).ParseFS(files, "templates/parts/*.html")
	if err != nil {
		return nil, fmt.Errorf("ui: parse parts: %w", err)
	}
	return t, nil
}

// parsePage reads the templates of a page: the layout with the blocks of that page. It happens when the page is first
// shown. All pages at once would take most of the time of a start, and 5 MB.
func parsePage(files fs.FS, p Page, parts *template.Template) (*template.Template, error) {
	layout, name := layoutOf(p)+".html", p.template()+".html"
	t, err := parts.Clone()
	if err != nil {
		return nil, err
	}
	return t.New(layout).ParseFS(files, "templates/"+layout, "templates/"+name)
}

// funcs returns the functions that templates may call.
func (u *UI) funcs() template.FuncMap {
	return template.FuncMap{
		"base":     func() string { return u.base },
		"board":    u.Name,
		"robots":   u.Robots,
		"logo":     u.LogoURL,
		"icon":     u.iconURL,
		"asset":    u.assetURL,
		"label":    Label,
		"hue":      Hue,
		"initials": Initials,
		"teamid":   TeamID,
		"lost":     lost,
		"summary":  summary,
		"headline": Counts.headline,
		"title":    func(c Counts) string { return title(c, u.Name()) },
		"today":    func() string { return time.Now().UTC().Format("2 January 2006, 15:04 UTC") },
		"now":      func() int64 { return time.Now().UnixMilli() },
		"hole":     func() template.HTML { return hole },
	}
}

// Page renders a page in memory, so that no part of it is sent if there is an error.
func (u *UI) Page(p Page) ([]byte, error) {
	var b bytes.Buffer
	err := u.WritePage(&b, p)
	return b.Bytes(), err
}

// WritePage appends a page to b. If there is an error, b doesn't change.
func (u *UI) WritePage(b *bytes.Buffer, p Page) error {
	var html [][][]byte
	if with, ok := p.(interface{ rendered() [][]byte }); ok {
		for _, piece := range with.rendered() {
			html = append(html, [][]byte{piece})
		}
	}
	t, err := u.pages[p.template()]()
	if err == nil {
		err = fill(b, t, p, html...)
	}
	if err != nil {
		return fmt.Errorf("ui: render page %s: %w", p.template(), err)
	}
	return nil
}

// part appends a template of templates/parts to b. html fills its holes.
func (u *UI) part(b *bytes.Buffer, name string, data any, html ...[][]byte) error {
	if err := fill(b, u.parts.Lookup(name), data, html...); err != nil {
		return fmt.Errorf("ui: render %s: %w", name, err)
	}
	return nil
}
