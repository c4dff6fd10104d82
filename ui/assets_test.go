package ui

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func fetch(u *UI, method, url string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, url, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	u.Assets().ServeHTTP(w, r)
	return w
}

func TestAssetsChooseEncoding(t *testing.T) {
	u := newUI(t, "")
	url := u.AssetURL("app.js")
	for accept, want := range map[string]string{
		"":                       "",
		"gzip, deflate, br":      "br",
		"gzip;q=1.0, BR;q=0.5":   "br",
		"gzip, br;q=0":           "gzip",
		"gzip; q=0.5":            "gzip",
		"gzip;q=0":               "",
		"br;q=x, gzip;q=y":       "",
		"zstd, identity":         "",
		"brotli, xgzip":          "",
		",,;q=1, ;,gzip ; q=1,,": "gzip",
	} {
		w := fetch(u, "GET", url, "Accept-Encoding", accept)
		if got := w.Header().Get("Content-Encoding"); got != want {
			t.Errorf("GET with Accept-Encoding %q: coding %q, want %q", accept, got, want)
		}
		body := map[string]string{"": "script", "br": "br", "gzip": "gz"}[want]
		if w.Code != 200 || w.Body.String() != body {
			t.Errorf("GET with Accept-Encoding %q = %d %q, want 200 %q", accept, w.Code, w.Body, body)
		}
		for header, want := range map[string]string{
			"Cache-Control": "public, max-age=31536000, immutable",
			"Vary":          "Accept-Encoding",
			"Content-Type":  "text/javascript; charset=utf-8",
		} {
			if got := w.Header().Get(header); got != want {
				t.Errorf("GET with Accept-Encoding %q: %s %q, want %q", accept, header, got, want)
			}
		}
	}
	// app.css has no compressed forms here.
	w := fetch(u, "GET", u.AssetURL("app.css"), "Accept-Encoding", "br")
	if w.Header().Get("Content-Encoding") != "" || w.Body.String() != "style" {
		t.Errorf("GET app.css = %q %q, want the file itself", w.Header(), w.Body)
	}
}

func TestAssetsValidate(t *testing.T) {
	u := newUI(t, "")
	url := u.AssetURL("app.js")
	plain := fetch(u, "GET", url).Header().Get("ETag")
	br := fetch(u, "GET", url, "Accept-Encoding", "br").Header().Get("ETag")
	if plain == "" || plain == br {
		t.Errorf("ETags of two forms = %s, %s, want different ones", plain, br)
	}
	for match, want := range map[string]int{
		br: 304, "W/" + br: 304, `"x", ` + br: 304, "*": 304, plain: 200, `"x"`: 200, "": 200,
	} {
		w := fetch(u, "GET", url, "Accept-Encoding", "br", "If-None-Match", match)
		if w.Code != want || (want == 304 && w.Body.Len() != 0) {
			t.Errorf("GET with If-None-Match %s = %d with %d bytes, want %d", match, w.Code, w.Body.Len(), want)
		}
	}
	if w := fetch(u, "HEAD", url); w.Code != 200 || w.Body.Len() != 0 || w.Header().Get("Content-Length") != "6" {
		t.Errorf("HEAD = %d %v %q, want 200, a length and no body", w.Code, w.Header(), w.Body)
	}
	if w := fetch(u, "POST", url); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST = %d, want 405", w.Code)
	}
}

func TestAssetsWrongName(t *testing.T) {
	u := newUI(t, "/base")
	good := u.AssetURL("app.js")
	if !strings.HasPrefix(good, "/base/a/app.") {
		t.Errorf("AssetURL = %q, want it under the base path", good)
	}
	if w := fetch(u, "GET", strings.TrimPrefix(good, "/base")); w.Code != 200 {
		t.Errorf("GET without the base path = %d, want 200, because the mount may have stripped it", w.Code)
	}
	for _, url := range []string{
		"/a/app.js", "/a/app.000000000000.js", "/a/", "/a/.keep", "/a/LICENSE.htmx.txt",
		good + ".br", "/a/..%2f..%2fgo.mod", "/a/" + strings.Repeat("x", 5000),
	} {
		w := fetch(u, "GET", url)
		if w.Code != 404 || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("GET %.80s = %d, %q, want 404, no-store", url, w.Code, w.Header().Get("Cache-Control"))
		}
	}
	if got := u.AssetURL("none.js"); got != "" {
		t.Errorf("AssetURL(none.js) = %q, want none", got)
	}
}
