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

// buildFolder is where ui/build.mjs puts what browsers load.
const buildFolder = "static/build"

// assetTypes are the files that are served, by the end of their names. The
// others in the build folder are their compressed forms and notes.
var assetTypes = map[string]string{
	".js":   "text/javascript; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".svg":  "image/svg+xml",
	".json": "application/json",
}

// asset is one file with its forms. It is served under a name that holds a hash
// of its content, so browsers may keep it for good.
type asset struct {
	served, url, hash string
	contentType       string
	// forms by content coding; "" is the file itself.
	forms map[string][]byte
}

// readAssets reads the build folder. It fails when the build was not run.
func readAssets(files fs.FS, base string) (map[string]*asset, error) {
	if _, err := fs.Stat(files, buildFolder+"/app.js"); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, errors.New("ui: the browser's files are missing (htmx is not part of the source): run `make assets`, then build again")
		}
		return nil, fmt.Errorf("ui: read assets: %w", err)
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
	a := &asset{contentType: contentType, forms: make(map[string][]byte)}
	for coding, end := range map[string]string{"": "", "br": ".br", "gzip": ".gz"} {
		data, err := fs.ReadFile(files, buildFolder+"/"+name+end)
		if err != nil && (coding == "" || !errors.Is(err, fs.ErrNotExist)) {
			return nil, err
		}
		if err == nil {
			a.forms[coding] = data
		}
	}
	sum := sha256.Sum256(a.forms[""])
	a.hash = hex.EncodeToString(sum[:6])
	ext := path.Ext(name)
	a.served = strings.TrimSuffix(name, ext) + "." + a.hash + ext
	a.url = base + "/a/" + a.served
	return a, nil
}

func byServedName(assets map[string]*asset) map[string]*asset {
	served := make(map[string]*asset, len(assets))
	for _, a := range assets {
		served[a.served] = a
	}
	return served
}

// assetURL is what templates call; a name that does not exist stops the start.
func (u *UI) assetURL(name string) (string, error) {
	a := u.assets[name]
	if a == nil {
		return "", fmt.Errorf("no asset %q: run `make assets`, then build again", name)
	}
	return a.url, nil
}

// AssetURL is the address of an asset such as "favicon.svg", "" if there is none.
func (u *UI) AssetURL(name string) string {
	if a := u.assets[name]; a != nil {
		return a.url
	}
	return ""
}

// Assets serves /a/<name>.<hash>.<ext>, under whatever path it is mounted. What
// it serves may be kept for good; an old or wrong hash is a 404 that may not.
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
		// The only error here is a browser that went away.
		_, _ = w.Write(a.forms[coding])
	}
}

// choose picks the smallest form the browser takes.
func (a *asset) choose(accept []string) string {
	for _, coding := range [...]string{"br", "gzip"} {
		if a.forms[coding] != nil && accepts(accept, coding) {
			return coding
		}
	}
	return ""
}

// accepts reports whether an Accept-Encoding header names the coding and does
// not refuse it with a weight of zero. "*" is not looked at: browsers name what they take.
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

// matches reports whether an If-None-Match header names the tag, weak or not.
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
