package handlers

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func TestCrossSitePosts(t *testing.T) {
	t.Parallel()
	tests := []struct {
		public, host, fetchSite, origin string
		want                            int
	}{
		{"", "board.local", "same-origin", "http://board.local", 303},
		{"", "board.local", "none", "", 303},
		{"", "board.local", "same-site", "http://sub.board.local", 403},
		{"", "board.local", "cross-site", "https://evil.example", 403},
		{"", "board.local", "cross-site", "", 403},
		{"", "board.local", "cross-site", "null", 403},
		{"", "board.local", "nonsense", "", 403},
		{"", "board.local", "", "http://board.local", 303},
		{"", "board.local", "", "http://board.local:81", 403},
		{"", "board.local", "", "https://evil.example", 403},
		{"", "board.local", "", "null", 403},
		{"", "board.local", "", "", 303}, // not a browser
		// A proxy on the same machine may send the address it connects to as Host. The public URL decides which origin
		// is ours.
		{"https://board.example", "127.0.0.1:8080", "", "https://board.example", 303},
		{"https://board.example", "127.0.0.1:8080", "", "https://evil.example", 403},
		{"https://board.example", "127.0.0.1:8080", "", "http://board.example", 403},
		{"https://board.example", "127.0.0.1:8080", "same-origin", "https://board.example", 303},
		{"https://board.example", "127.0.0.1:8080", "cross-site", "https://evil.example", 403},
	}
	for _, tt := range tests {
		t.Run(tt.public+" "+tt.fetchSite+" "+tt.origin, func(t *testing.T) {
			var changes []func(*Config)
			if tt.public != "" {
				changes = append(changes, publicURL(t, tt.public), func(cfg *Config) { cfg.Loopback = true })
			}
			f := newFixture(t, changes...)
			f.person("ada")
			b := f.browser()
			b.host = tt.host
			for name, value := range map[string]string{"Sec-Fetch-Site": tt.fetchSite, "Origin": tt.origin} {
				if value != "" {
					b.header.Set(name, value)
				}
			}
			a := b.do("POST", "/logout", url.Values{})
			wantStatus(t, "POST /logout", a, tt.want)
			if tt.want == 403 && (!strings.Contains(a.body, "another site") ||
				!strings.HasPrefix(a.Header.Get("Content-Type"), "text/html")) {
				t.Errorf("the refusal isn't an HTML page about another site:\n%s", a.body)
			}
			wantStatus(t, "GET /login", b.get("/login"), 200) // any site may link here
		})
	}
}

// A request from another site can't end the session, whatever its method and path.
func TestCrossSiteCannotSignOut(t *testing.T) {
	f := newFixture(t)
	f.person("ada")
	b := f.browser()
	b.login("ada", goodPassword)
	b.header.Set("Sec-Fetch-Site", "cross-site")
	for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "BREW"} {
		for _, path := range []string{"/logout", "/login", "/signup", "/", "/nowhere"} {
			wantStatus(t, method+" "+path, b.do(method, path, url.Values{}), 403)
		}
	}
	for _, method := range []string{"GET", "HEAD", "OPTIONS"} {
		b.do(method, "/logout", nil)
	}
	b.header.Del("Sec-Fetch-Site")
	if !b.signedIn() {
		t.Error("signed out by another site")
	}
}

func TestBodies(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	const form = "application/x-www-form-urlencoded"
	fill := func(n int) string { return "username=a&x=" + strings.Repeat("x", n-len("username=a&x=")) }
	tests := []struct {
		name, contentType, body string
		chunked                 bool
		want                    int
	}{
		{"64 KiB", form, fill(maxBody), false, 422},
		{"64 KiB and a byte", form, fill(maxBody + 1), false, 413},
		{"64 KiB in chunks", form, fill(maxBody), true, 422},
		{"64 KiB and a byte in chunks", form, fill(maxBody + 1), true, 413},
		{"10 MiB in chunks", form, fill(10 << 20), true, 413},
		{"charset", form + "; charset=utf-8", "username=a", false, 422},
		{"upper case type", strings.ToUpper(form), "username=a", false, 422},
		{"multipart", "multipart/form-data; boundary=x", "--x--", false, 415},
		{"multipart without boundary", "multipart/form-data", "", false, 415},
		{"multipart, mixed", "Multipart/Mixed; boundary=x", "", false, 415},
		{"multipart, damaged", "multipart/form-data; boundary=\"", "", false, 415},
		{"JSON", "application/json", `{"username":"a"}`, false, 415},
		{"text", "text/plain", "username=a", false, 415},
		{"no type", "", "username=a", false, 415},
		{"damaged type", ";;;", "username=a", false, 415},
		{"empty", form, "", false, 422},
		{"50 fields", form, strings.Repeat("a=b&", 49) + "a=b", false, 422},
		{"51 fields", form, strings.Repeat("a=b&", 50) + "a=b", false, 400},
		{"30,000 fields", form, strings.Repeat("a&", 30_000), false, 400},
		{"bad escape", form, "username=%zz", false, 400},
		{"semicolon", form, "username=a;password=b", false, 400},
		{"bad UTF-8", form, "username=%ff%fe&password=%ff", false, 422},
		{"NUL", form, "username=%00&password=%00", false, 422},
	}
	for _, tt := range tests {
		for _, path := range []string{"/login", "/signup"} {
			t.Run(path+" "+tt.name, func(t *testing.T) {
				var body io.Reader = strings.NewReader(tt.body)
				if tt.chunked {
					body = io.MultiReader(body) // hides the length
				}
				r := httptest.NewRequest("POST", path, body)
				if tt.contentType != "" {
					r.Header.Set("Content-Type", tt.contentType)
				}
				wantStatus(t, "POST "+path, f.browser().send(r), tt.want)
			})
		}
	}
}

// No route accepts uploads, so no upload ever reaches the disk.
func TestMultipartIsRefusedEverywhere(t *testing.T) {
	f := newFixture(t)
	for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "GET"} {
		for _, path := range []string{"/", "/login", "/signup", "/logout", "/ws", "/me.css", "/a/x", "/healthz", "/nowhere",
			"/settings", "/settings/profile", "/settings/my-data.json"} {
			r := httptest.NewRequest(method, path, strings.NewReader("--x--"))
			r.Header.Set("Content-Type", "multipart/form-data; boundary=x")
			wantStatus(t, method+" "+path, f.browser().send(r), http.StatusUnsupportedMediaType)
		}
	}
}

func TestMethods(t *testing.T) {
	f := newFixture(t)
	f.person("ada")
	tests := []struct {
		method, path string
		want         int
		allow        string
	}{
		{"HEAD", "/login", 200, ""},
		{"HEAD", "/", 303, ""},
		{"HEAD", "/healthz", 200, ""},
		{"OPTIONS", "/login", 204, "OPTIONS, GET, HEAD, POST"},
		{"OPTIONS", "/logout", 204, "OPTIONS, POST"},
		{"OPTIONS", "/nowhere", 404, ""},
		{"TRACE", "/", 405, "OPTIONS, GET, HEAD"},
		{"TRACE", "/login", 405, "OPTIONS, GET, HEAD, POST"},
		{"PUT", "/login", 405, "OPTIONS, GET, HEAD, POST"},
		{"CONNECT", "/login", 405, "OPTIONS, GET, HEAD, POST"},
		{"GET", "/logout", 405, "OPTIONS, POST"},
		{"PROPFIND", "/", 405, "OPTIONS, GET, HEAD"},
		{"POST", "/healthz", 405, "OPTIONS, GET, HEAD"},
	}
	for _, tt := range tests {
		a := f.browser().do(tt.method, tt.path, nil)
		wantStatus(t, tt.method+" "+tt.path, a, tt.want)
		if got := a.Header.Get("Allow"); tt.allow != "" && got != tt.allow {
			t.Errorf("%s %s: Allow = %q, want %q", tt.method, tt.path, got, tt.allow)
		}
		if strings.Contains(a.body, "TRACE /") {
			t.Errorf("%s %s echoes the request:\n%s", tt.method, tt.path, a.body)
		}
	}
}

// A path exists only in the exact spelling of the route table. No other spelling gets around a check.
func TestSpellingsOfPaths(t *testing.T) {
	f := newFixture(t)
	for _, path := range []string{
		"//", "/./", "/../", "/%2f", "/%2e/", "/;", "/index.html", "//me.css", "/./me.css", "/x/../me.css", "/me.css/",
		"/me.css%00", "/ME.CSS",
		"/%6de.css", "/me%2ecss", "/me.css;x", "/login/", "/LOGIN", "/%6cogin", "/login%2f", "/login%09", "/ws/", "//ws",
		"/%77s", "/a", "/a/", "/a/../me.css",
		"/a/..%2fme.css", "/a/%2e%2e/me.css", "/healthz/", "/metrics", "/debug/pprof/", "/.git/config", "/.env",
		"/static/app.js", "/ui/templates/login.html",
	} {
		r := httptest.NewRequest("GET", "/", nil)
		u, err := url.ParseRequestURI(path)
		if err != nil {
			t.Fatalf("ParseRequestURI(%q) = %v", path, err)
		}
		r.URL = u
		wantStatus(t, "GET "+path, f.browser().send(r), http.StatusNotFound)
	}
}

func FuzzForms(f *testing.F) {
	for _, seed := range []string{
		"username=ada&password=x", "username=%00&next=//evil", "&&&&", "=", "%", "username=a;b", strings.Repeat("a&", 100),
		"display_name=%ff&username=%e2%80%ae",
		"username=<script>&display_name=\"'>&next=/%0a", "\x00\xff", "username=a&username=b",
	} {
		f.Add([]byte(seed))
	}
	fx := newFixture(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		fields, err := url.ParseQuery(string(body))
		if err == nil && fields.Get("password") != "" {
			fields.Set("password", "") // saves the hashing, which isn't tested here
			body = []byte(fields.Encode())
		}
		for _, path := range []string{"/login", "/signup"} {
			r := httptest.NewRequest("POST", path, bytes.NewReader(body))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			w := httptest.NewRecorder()
			fx.handler.ServeHTTP(w, r)
			if w.Code < 400 || w.Code > 499 {
				t.Errorf("POST %s with %q = %d, want 4xx", path, body, w.Code)
			}
			if w.Body.Len() > 32<<10 {
				t.Errorf("POST %s with %d bytes answers with %d", path, len(body), w.Body.Len())
			}
			if w.Header().Get("Content-Security-Policy") == "" {
				t.Errorf("POST %s with %q: no Content-Security-Policy", path, body)
			}
		}
	})
}

// Whatever the request, the server answers with its own headers and never with a 5xx.
func FuzzRequests(f *testing.F) {
	f.Add("GET", "/", "Cookie", "rollcall=x", "")
	f.Add("POST", "//login", "Content-Type", "application/x-www-form-urlencoded", "username=a&password=")
	f.Add("OPTIONS", "/%2e%2e/login?next=%zz", "X-Forwarded-For", "1.1.1.1, ,", "")
	f.Add("GET", "/a/..%2f..%09?&&;", "Range", "bytes=0-1,5-", "x")
	f.Add("BREW", "/ws?v=1&after=%ff", "Sec-Websocket-Key", "x", "")
	f.Add("HEAD", "/?q="+strings.Repeat("%41", 1000), "Accept", "application/json;q=x,,", "")
	f.Add("GET", "/login", "Cookie", `rollcall="; rollcall-known=`+strings.Repeat("x", 5000), "")
	f.Add("GET", "/favicon.ico", "If-None-Match", `W/"`, "")
	fx := newFixture(f)
	f.Fuzz(func(t *testing.T, method, target, name, value, body string) {
		u, err := url.ParseRequestURI(target)
		if err != nil || method == "" {
			t.Skip("no such request reaches a handler")
		}
		if strings.Contains(body, "password") {
			t.Skip("nothing is hashed here")
		}
		r := httptest.NewRequest("GET", "/", strings.NewReader(body))
		r.Method, r.URL, r.RequestURI = method, u, target
		r.Header[http.CanonicalHeaderKey(name)] = []string{value}
		w := httptest.NewRecorder()
		fx.handler.ServeHTTP(w, r)
		if w.Code >= 500 || w.Code < 200 {
			t.Errorf("%q %q with %q: %q = %d", method, target, name, value, w.Code)
		}
		if w.Header().Get("Content-Security-Policy") == "" || w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%q %q with %q: %q lacks our headers: %v", method, target, name, value, w.Header())
		}
		for _, internal := range []string{"goroutine ", ".go:", "SQL"} {
			if strings.Contains(w.Body.String(), internal) {
				t.Errorf("%q %q shows %q:\n%s", method, target, internal, w.Body)
			}
		}
	})
}
