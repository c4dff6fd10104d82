package ui

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
)

// picture is a PNG of a size, with noise that doesn't compress.
func picture(t testing.TB, w, h int, noise bool) []byte {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, w, h))
	if noise {
		r := rand.New(rand.NewPCG(1, 2))
		for i := range img.Pix {
			img.Pix[i] = byte(r.Uint32())
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// svg is a picture that holds something.
func svg(inside string) []byte {
	return []byte(`<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 8 8">` +
		inside + `</svg>`)
}

func TestReadLogo(t *testing.T) {
	for name, data := range map[string][]byte{
		"PNG":        picture(t, 64, 32, false),
		"SVG":        svg(`<path d="M0 0h8v8z" style="fill:#123"/>`),
		"with a BOM": append([]byte("\ufeff"), svg(`<circle r="3"/>`)...),
		"as editors write it": []byte(`<?xml version="1.0" encoding="UTF-8" standalone="no"?>
			<!-- Created with Inkscape -->
			<svg width="10" height="10" xmlns="http://www.w3.org/2000/svg" xmlns:svg="http://www.w3.org/2000/svg"
				xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:inkscape="http://www.inkscape.org/namespaces/inkscape"
				xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" inkscape:export-filename="C:\logo.png">
				<metadata><rdf:RDF><rdf:li rdf:resource="http://purl.org/dc/dcmitype/StillImage"/></rdf:RDF></metadata>
				<style>/* url(x) */ .a { fill: url(#g) } @media (prefers-color-scheme: dark) { .a { fill: #fff } }</style>
				<defs><linearGradient id="g"><stop stop-color="red"/></linearGradient><filter id="f"><feGaussianBlur/></filter></defs>
				<use xlink:href="#g"/><svg:g filter="url(#f)" clip-path="url('#c')"><text>R&amp;D</text></svg:g></svg>`),
	} {
		if _, err := ReadLogo(data); err != nil {
			t.Errorf("ReadLogo(%s) = %v, want it accepted", name, err)
		}
	}
}

func TestReadLogoRefuses(t *testing.T) {
	whole := picture(t, 64, 64, true)
	damaged := bytes.Clone(whole)
	damaged[len(damaged)/2] ^= 1
	for _, c := range []struct {
		name string
		data []byte
		says string
	}{
		{"nothing", nil, "neither a valid SVG nor a PNG"},
		{"text", []byte("hello"), "neither"},
		{"a page", []byte("<html><body>x</body></html>"), "neither a PNG nor an SVG"},
		{"another namespace", []byte(`<svg xmlns="http://www.w3.org/1999/xhtml"/>`), "neither a PNG nor an SVG"},
		{"no namespace", []byte(`<svg/>`), "neither a PNG nor an SVG"},
		{"latin-1", []byte("<svg xmlns=\"http://www.w3.org/2000/svg\"><text>\xe9</text></svg>"), "UTF-8"},
		{"another encoding", []byte(`<?xml version="1.0" encoding="utf-16"?>` + string(svg(""))), "valid"},
		{"a JPEG", []byte("\xff\xd8\xff\xe0\x00\x10JFIF"), "neither"},
		{"too large", append(svg(""), bytes.Repeat([]byte(" "), MaxLogo)...), "larger than 64 KiB"},
		{"a large PNG", picture(t, 400, 400, true), "larger than 64 KiB"},
		{"a damaged PNG", damaged, "valid PNG"},
		{"half a PNG", whole[:len(whole)/2], "valid PNG"},
		{"a tiny PNG", picture(t, 8, 64, false), "8 × 64 pixels"},
		{"a huge PNG", picture(t, 4000, 40, false), "4000 × 40 pixels"},
		{"unclosed", []byte(`<svg xmlns="http://www.w3.org/2000/svg"><g>`), "valid"},
		{"a script", svg(`<script>alert(1)</script>`), "<script>"},
		{"a script with a prefix", []byte(`<s:svg xmlns:s="http://www.w3.org/2000/svg"><s:script/></s:svg>`), "<script>"},
		{"a script of XHTML", svg(`<x:script xmlns:x="http://www.w3.org/1999/xhtml"/>`), "<script>"},
		{"an event handler", svg(`<g onload="alert(1)"/>`), "onload"},
		{"an event handler of the root", []byte(`<svg xmlns="http://www.w3.org/2000/svg" OnLoad="x"/>`), "OnLoad"},
		{"a foreign object", svg(`<foreignObject/>`), "<foreignObject>"},
		{"an animation", svg(`<animate attributeName="href" to="javascript:1"/>`), "<animate>"},
		{"a link", svg(`<a href="javascript:alert(1)"/>`), "<a>"},
		{"an image", svg(`<image href="https://evil.example/x.png"/>`), "<image>"},
		{"a filter that loads", svg(`<filter><feImage href="#x"/></filter>`), "<feImage>"},
		{"a reference", svg(`<use href="https://evil.example/x.svg#a"/>`), "href="},
		{"an old reference", svg(`<use xlink:href="/x.svg#a"/>`), "href="},
		{"a base", svg(`<g xml:base="https://evil.example/"/>`), "base="},
		{"a fill", svg(`<rect fill="url(https://evil.example/x#a)"/>`), "url(h"},
		{"a style", svg(`<rect style="fill:URL( 'https://evil.example/x' )"/>`), "other files"},
		{"an import", svg(`<style>@import "https://evil.example/x.css";</style>`), "@import"},
		{"a hidden import", svg(`<style>@im/**/port "x"; @\69mport "x";</style>`), "other files"},
		{"a style with an element", svg(`<style><g/></style>`), "<style>"},
		{"a document type", []byte(`<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "x">` + string(svg(""))), "<!DOCTYPE"},
		{"entities", []byte(`<!DOCTYPE svg [<!ENTITY x "y">]>` + string(svg("<text>&x;</text>"))), "<!DOCTYPE"},
		{"an unknown entity", svg("<text>&x;</text>"), "valid"},
		{"a stylesheet", []byte(`<?xml-stylesheet href="https://evil.example/x.css"?>` + string(svg(""))),
			"<?xml-stylesheet"},
		{"depth", svg(strings.Repeat("<g>", 200) + strings.Repeat("</g>", 200)), "nested"},
	} {
		if _, err := ReadLogo(c.data); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("ReadLogo(%s) = %v, want an error that says %q", c.name, err, c.says)
		}
	}
}

// Whatever passes the check holds none of what it refuses.
func FuzzReadLogo(f *testing.F) {
	f.Add(svg(`<g onload="x"><script/></g>`))
	f.Add(svg(`<style>.a{fill:url(#b)}</style>`))
	f.Add(picture(f, 20, 20, false))
	f.Fuzz(func(t *testing.T, data []byte) {
		logo, err := ReadLogo(data)
		if err != nil || logo.asset.ext != ".svg" {
			return
		}
		text := strings.ToLower(string(data))
		for _, bad := range []string{"<script", "<!doctype", "<foreignobject", "<?xml-stylesheet"} {
			if strings.Contains(text, bad) && !strings.Contains(text, "<!--") && !strings.Contains(text, "<![cdata[") {
				t.Errorf("ReadLogo accepts %q, which holds %q", data, bad)
			}
		}
	})
}

func TestLogoIsServed(t *testing.T) {
	data := svg(`<circle r="3"/>`)
	logo, err := ReadLogo(data)
	if err != nil {
		t.Fatal(err)
	}
	u := newUI(t, "/rollcall")
	u.Configure(Options{Name: "Harbor Works", Logo: logo})
	if !strings.HasPrefix(u.LogoURL(), "/rollcall/logo/logo.") {
		t.Errorf("LogoURL = %q, want it under the base path, with a hash", u.LogoURL())
	}
	w := fetch(u, "GET", u.LogoURL())
	if w.Code != http.StatusOK || !bytes.Equal(w.Body.Bytes(), data) ||
		w.Header().Get("Content-Type") != "image/svg+xml" ||
		!strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
		t.Errorf("GET %s = %d %v %q, want the logo for good", u.LogoURL(), w.Code, w.Header(), w.Body)
	}
	out := render(t, u, LoginPage{})
	if !strings.Contains(out, `<img class="logo" src="`+u.LogoURL()+`" alt=""><bdi>Harbor Works</bdi>`) ||
		strings.Contains(out, `class="logo" viewBox`) {
		t.Errorf("the header doesn't show the logo:\n%s", out)
	}
	if !strings.Contains(out, u.AssetURL("favicon.svg")) {
		t.Errorf("an SVG is also the icon:\n%s", out)
	}
}

// Only a square PNG that is large enough replaces the icons.
func TestLogoAsIcon(t *testing.T) {
	for _, c := range []struct {
		w, h int
		icon bool
	}{{512, 512, true}, {600, 600, true}, {511, 511, false}, {600, 512, false}} {
		logo, err := ReadLogo(picture(t, c.w, c.h, false))
		if err != nil {
			t.Fatal(err)
		}
		u := newUI(t, "")
		u.Configure(Options{Logo: logo})
		var m manifest
		body, err := u.Manifest()
		if err == nil {
			err = json.Unmarshal(body, &m)
		}
		if err != nil {
			t.Fatal(err)
		}
		want := []manifestIcon{{u.LogoURL(), fmt.Sprintf("%dx%d", c.w, c.h), "image/png", "any"}}
		if got := m.Icons; c.icon != (len(got) == 1 && got[0] == want[0]) {
			t.Errorf("icons with a logo of %d × %d = %v, want the logo: %t", c.w, c.h, got, c.icon)
		}
		page := render(t, u, LoginPage{})
		if got := strings.Contains(page, `<link rel="apple-touch-icon" href="`+u.LogoURL()+`">`); got != c.icon {
			t.Errorf("the page with a logo of %d × %d has it as its icon: %t, want %t", c.w, c.h, got, c.icon)
		}
		if got := u.FaviconURL() == u.LogoURL() && u.TouchIconURL() == u.LogoURL(); got != c.icon {
			t.Errorf("FaviconURL with a logo of %d × %d = %s", c.w, c.h, u.FaviconURL())
		}
	}
}
