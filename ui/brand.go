package ui

import (
	"encoding/json"
	"strconv"
)

// Options are what an operator chooses about all pages.
type Options struct {
	Name   string // of the board; "": DefaultName
	Logo   *Logo  // nil: that of Rollcall
	Robots bool   // search engines may list public pages
}

// DefaultName is the name of a board to which nobody has given one.
const DefaultName = "Rollcall"

// Configure sets what an operator chose. Call it before anything is served.
func (u *UI) Configure(o Options) {
	u.SetName(o.Name)
	u.robots = o.Robots
	if o.Logo != nil {
		logo := *o.Logo.asset
		logo.name("logo", u.base+"/logo/")
		u.logo, u.logoSide = &logo, o.Logo.side
		u.served[logo.served] = &logo
	}
}

// SetName changes the name of the board on all pages that are rendered from now on; "" is the default. It may be called
// at any time.
func (u *UI) SetName(name string) {
	if name == "" {
		name = DefaultName
	}
	u.name.Store(&name)
}

// Name returns the name of the board.
func (u *UI) Name() string { return *u.name.Load() }

// Robots reports whether search engines may list pages.
func (u *UI) Robots() bool { return u.robots }

// LogoURL is the address of the operator's logo, or "".
func (u *UI) LogoURL() string {
	if u.logo == nil {
		return ""
	}
	return u.logo.url
}

// iconURL is the address of the logo if it's the icon, too, or "".
func (u *UI) iconURL() string {
	if u.logoSide == 0 {
		return ""
	}
	return u.logo.url
}

// FaviconURL is the address of the icon for programs that only know its usual path.
func (u *UI) FaviconURL() string {
	if url := u.iconURL(); url != "" {
		return url
	}
	return u.AssetURL("favicon.ico")
}

// TouchIconURL is the same for home screens.
func (u *UI) TouchIconURL() string {
	if url := u.iconURL(); url != "" {
		return url
	}
	return u.AssetURL("apple-touch-icon.png")
}

// manifest says how the board is installed as an app.
type manifest struct {
	ID          string         `json:"id"`
	Name        string         `json:"name"`
	ShortName   string         `json:"short_name"`
	Description string         `json:"description"`
	Lang        string         `json:"lang"`
	StartURL    string         `json:"start_url"`
	Scope       string         `json:"scope"`
	Display     string         `json:"display"`
	Theme       string         `json:"theme_color"`
	Background  string         `json:"background_color"`
	Icons       []manifestIcon `json:"icons"`
}

type manifestIcon struct {
	Src     string `json:"src"`
	Sizes   string `json:"sizes"`
	Type    string `json:"type"`
	Purpose string `json:"purpose"`
}

// paper is the background of a page, as in tokens.css.
const paper = "#f5f4ef"

// Manifest returns the web app manifest.
func (u *UI) Manifest() ([]byte, error) {
	root, name := u.base+"/", u.Name()
	return json.Marshal(manifest{
		ID: root, Name: name, ShortName: name, Description: "See who is here, live.", Lang: "en", StartURL: root, Scope: root,
		Display: "standalone", Theme: paper, Background: paper, Icons: u.manifestIcons(),
	})
}

func (u *UI) manifestIcons() []manifestIcon {
	icon := func(url, sizes, purpose string) manifestIcon { return manifestIcon{url, sizes, "image/png", purpose} }
	if url := u.iconURL(); url != "" {
		side := strconv.Itoa(u.logoSide)
		return []manifestIcon{icon(url, side+"x"+side, "any")}
	}
	return []manifestIcon{
		icon(u.AssetURL("icon-192.png"), "192x192", "any"),
		icon(u.AssetURL("icon-512.png"), "512x512", "any"),
		icon(u.AssetURL("icon-maskable.png"), "512x512", "maskable"),
	}
}
