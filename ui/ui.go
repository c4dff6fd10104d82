// Package ui renders HTML from typed pages, rows of the board, and changes to it. It also serves the stylesheet, the
// script and the icon.
//
// It doesn't know who may see what, or where the data comes from. It gets plain values and imports no other package of
// Rollcall. html/template escapes everything that people typed. Only HTML that this package has rendered skips
// escaping.
package ui

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"io"
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

	pages  map[string]*template.Template
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

// everyPage holds a zero value of each page. New renders all of them, so that it fails if a template can't be escaped.
var everyPage = [...]Page{
	BoardPage{}, LoginPage{}, SignupPage{}, WaitingPage{}, ResetPage{}, SetupPage{}, ErrorPage{}, MePage{}, SettingsPage{},
	StoredPage{}, PersonPage{}, ProvePage{}, RetryPage{}, DownloadPage{}, ContinuePage{}, AdminPeoplePage{},
	AdminConfirmPage{}, AdminPersonPage{}, AdminTeamsPage{},
	ForgotPage{}, MailedPage{}, AddressPage{}, SignupMailPage{},
	AdminTeamPage{}, AdminInvitationsPage{}, AdminImportPage{}, AdminImportedPage{}, AdminSettingsPage{}, AdminLogPage{},
	LoginCodePage{}, WaysPage{}, AddPasskeyPage{}, AddAppPage{}, RecoveryCodesPage{}, TokensPage{}, APIPage{}, SharesPage{},
	WallPage{}, EmbedPage{}, HooksPage{}, HookPage{}, HookSecretPage{},
}

// New parses all templates and reads the assets. files holds templates/ and static/. base is the base path of the
// public URL: "" or a path such as "/rollcall", without a slash at the end. New returns an error if a template is
// wrong, or if the build of the assets is missing.
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
	if u.pages, u.parts, err = parsePages(files, u.funcs()); err != nil {
		return nil, err
	}
	u.row, u.brief = u.parts.Lookup("row"), u.parts.Lookup("brief")
	return u, u.tryAll()
}

// layoutOf returns the template around a page.
func layoutOf(p Page) string {
	if own, ok := p.(interface{ root() string }); ok {
		return own.root()
	}
	return "layout"
}

// parsePages reads all templates. A page is the layout with the blocks of that page.
func parsePages(files fs.FS, funcs template.FuncMap) (map[string]*template.Template, *template.Template, error) {
	parts, err := template.New("parts").Funcs(funcs).ParseFS(files, "templates/parts/*.html")
	if err != nil {
		return nil, nil, fmt.Errorf("ui: parse parts: %w", err)
	}
	pages := make(map[string]*template.Template)
	for _, p := range everyPage {
		name := p.template()
		layout := layoutOf(p) + ".html"
		t, err := template.New(layout).Funcs(funcs).ParseFS(files, "templates/"+layout, "templates/"+name+".html")
		if err == nil {
			err = addParts(t, parts)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("ui: parse page %s: %w", name, err)
		}
		pages[name] = t
	}
	return pages, parts, nil
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
		// rendered skips escaping. It's only for the output of Row and List.
		"rendered": func(html []byte) template.HTML { return template.HTML(html) },
	}
}

// tryAll renders every page and part once, because html/template reports a template that it can't escape only when it's
// first executed.
func (u *UI) tryAll() error {
	var errs []error
	for _, p := range everyPage {
		_, err := u.Page(p)
		errs = append(errs, err)
	}
	_, rowErr := u.Row(Row{State: Offline})
	_, briefErr := u.Row(Row{State: Offline, Brief: true})
	some := []Section{{Rows: [][]byte{nil}}}
	_, listErr := u.List(List{Sections: some})
	_, flatErr := u.List(List{Sections: some, Flat: true, Index: some})
	_, teamErr := u.Team(some[0])
	_, emptyErr := u.List(List{Warming: true})
	_, wallRowErr := u.WallRow(Row{State: Offline})
	_, wallErr := u.WallList(List{Sections: some})
	_, badgeErr := u.Badge(Badge{})
	headlineErr := u.part(io.Discard, "headline", headline{})
	arrivedErr := u.part(io.Discard, "arrived", Arrivals{})
	_, panelErr := u.Panel(Panel{})
	for name, data := range map[string]any{"me": Me{}, "self": Me{}, "set": SetStatus{}, "states": Me{}, "note": Me{},
		"why": Me{}, "claims": []Claim{{}}, "told": Told{}, "faces": []Face{{}}} {
		errs = append(errs, u.part(io.Discard, name, data))
	}
	return errors.Join(append(errs, rowErr, briefErr, listErr, flatErr, teamErr, emptyErr, headlineErr, arrivedErr, panelErr,
		wallRowErr, wallErr, badgeErr)...)
}

// Page renders a page in memory, so that no part of it is sent if there is an error.
func (u *UI) Page(p Page) ([]byte, error) {
	var b bytes.Buffer
	if board, ok := p.(BoardPage); ok {
		b.Grow(len(board.List) + 8<<10)
	}
	if err := u.pages[p.template()].Execute(&b, p); err != nil {
		return nil, fmt.Errorf("ui: render page %s: %w", p.template(), err)
	}
	return b.Bytes(), nil
}

// part renders a template of templates/parts.
func (u *UI) part(w io.Writer, name string, data any) error {
	if err := u.parts.ExecuteTemplate(w, name, data); err != nil {
		return fmt.Errorf("ui: render %s: %w", name, err)
	}
	return nil
}
