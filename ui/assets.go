package ui

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
)

// buildFolder is where ui/build.mjs writes the files that browsers load.
const buildFolder = "static/build"

// assetTypes maps the extensions of the files that are served to their content types. The build folder also holds
// their compressed forms and a license.
var assetTypes = map[string]string{
	".js":   "text/javascript; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".svg":  "image/svg+xml",
	".png":  "image/png",
	".ico":  "image/x-icon",
	".json": "application/json",
}

// asset is one file and its compressed forms. Its name in a URL holds a hash of its content, so browsers may cache it
// forever.
type asset struct {
	served, url, hash string
	ext, contentType  string
	forms             map[string][]byte // by content coding; "" is the file itself
}

// readAssets reads the build folder. It returns an error that says what to run if the build is missing.
func readAssets(files fs.FS, base string) (map[string]*asset, error) {
	for _, name := range []string{"app.js", "app.css"} {
		if _, err := fs.Stat(files, buildFolder+"/"+name); errors.Is(err, fs.ErrNotExist) {
			return nil, errors.New("ui: the browser's files are missing (htmx is not part of the source): " +
				"run `make assets`, then build again")
		} else if err != nil {
			return nil, fmt.Errorf("ui: read assets: %w", err)
		}
	}
	entries, err := fs.ReadDir(files, buildFolder)
	if err != nil {
		return nil, fmt.Errorf("ui: read assets: %w", err)
	}
	assets := make(map[string]*asset)
	for _, e := range entries {
		if contentType := assetTypes[path.Ext(e.Name())]; contentType != "" {
			a, err := readAsset(files, base, e.Name(), contentType)
			if err != nil {
				return nil, fmt.Errorf("ui: read asset %s: %w", e.Name(), err)
			}
			assets[e.Name()] = a
		}
	}
	return assets, nil
}

func readAsset(files fs.FS, base, name, contentType string) (*asset, error) {
	a := &asset{contentType: contentType, ext: path.Ext(name), forms: make(map[string][]byte)}
	for coding, end := range map[string]string{"": "", "br": ".br", "gzip": ".gz"} {
		data, err := fs.ReadFile(files, buildFolder+"/"+name+end)
		if err != nil && (coding == "" || !errors.Is(err, fs.ErrNotExist)) {
			return nil, err
		}
		if err == nil {
			a.forms[coding] = data
		}
	}
	a.name(strings.TrimSuffix(name, path.Ext(name)), base+"/a/")
	return a, nil
}

// name derives the served name and the address in folder from the content.
func (a *asset) name(stem, folder string) {
	sum := sha256.Sum256(a.forms[""])
	a.hash = hex.EncodeToString(sum[:6])
	a.served = stem + "." + a.hash + a.ext
	a.url = folder + a.served
}

// newAsset returns a file that isn't from the build. It's served once it has a name.
func newAsset(ext string, data []byte) *asset {
	return &asset{contentType: assetTypes[ext], ext: ext, forms: map[string][]byte{"": data}}
}

func byServedName(assets map[string]*asset) map[string]*asset {
	served := make(map[string]*asset, len(assets))
	for _, a := range assets {
		served[a.served] = a
	}
	return served
}

// assetURL is AssetURL for templates. For a missing asset it returns an error.
func (u *UI) assetURL(name string) (string, error) {
	a := u.assets[name]
	if a == nil {
		return "", fmt.Errorf("no asset %q: run `make assets`, then build again", name)
	}
	return a.url, nil
}

// AssetURL returns the URL of an asset such as "favicon.svg", or "" if there is none.
func (u *UI) AssetURL(name string) string {
	if a := u.assets[name]; a != nil {
		return a.url
	}
	return ""
}

// Asset returns the content of an asset, or nil if there's none.
func (u *UI) Asset(name string) []byte {
	if a := u.assets[name]; a != nil {
		return a.forms[""]
	}
	return nil
}

// Assets serves /a/<name>.<hash>.<ext> under any mount path. Its answers may be cached forever, except the 404 for an
// old or wrong hash.
func (u *UI) Assets() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := u.served[path.Base(r.URL.Path)]
		if a == nil {
			w.Header().Set("Cache-Control", "no-store")
			http.Error(w, "no such file", http.StatusNotFound)
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
			return
		}
		a.serve(w, r)
	})
}

func (a *asset) serve(w http.ResponseWriter, r *http.Request) {
	coding := a.choose(r.Header.Values("Accept-Encoding"))
	etag := `"` + a.hash + `"`
	h := w.Header()
	if coding != "" {
		etag = `"` + a.hash + "-" + coding + `"`
	}
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Vary", "Accept-Encoding")
	h.Set("ETag", etag)
	if matches(r.Header.Values("If-None-Match"), etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if coding != "" {
		h.Set("Content-Encoding", coding)
	}
	h.Set("Content-Type", a.contentType)
	h.Set("Content-Length", strconv.Itoa(len(a.forms[coding])))
	if r.Method != http.MethodHead {
		_, _ = w.Write(a.forms[coding]) // fails only if the browser has gone
	}
}

// choose returns the coding of the smallest form that the browser accepts.
func (a *asset) choose(accept []string) string {
	for _, coding := range [...]string{"br", "gzip"} {
		if a.forms[coding] != nil && accepts(accept, coding) {
			return coding
		}
	}
	return ""
}

// accepts reports whether an Accept-Encoding header names the coding with a weight other than zero. It ignores "*",
// because browsers name the codings they accept.
func accepts(headers []string, coding string) bool {
	for _, header := range headers {
		for item := range strings.SplitSeq(header, ",") {
			name, params, _ := strings.Cut(item, ";")
			if !strings.EqualFold(strings.TrimSpace(name), coding) {
				continue
			}
			weight, found := strings.CutPrefix(strings.ToLower(strings.ReplaceAll(params, " ", "")), "q=")
			q, err := strconv.ParseFloat(weight, 64)
			return !found || (err == nil && q > 0)
		}
	}
	return false
}

// matches reports whether an If-None-Match header names the tag, as a weak or a strong one.
func matches(headers []string, etag string) bool {
	for _, header := range headers {
		for item := range strings.SplitSeq(header, ",") {
			item = strings.TrimPrefix(strings.TrimSpace(item), "W/")
			if item == etag || item == "*" {
				return true
			}
		}
	}
	return false
}
