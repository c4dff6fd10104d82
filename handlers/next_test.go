package handlers

import (
	"net/url"
	"strings"
	"testing"
)

var hostileNext = []string{
	"", "//evil.example", "///evil.example", "////evil.example", "/\\evil.example", "\\\\evil.example", "\\/evil.example",
	"/\\/evil.example", "\\evil.example",
	"/%09/evil.example", "/%5cevil.example", "/%5Cevil.example", "/%2f%2fevil.example", "/%2fevil.example",
	"/%2Fevil.example", "//%2fevil.example",
	"/\t/evil.example", "/\n/evil.example", "/\r/evil.example", "\t//evil.example", " //evil.example", " /", "\n/",
	"/ /evil.example", "/%0d%0aSet-Cookie:x=1",
	"/\r\nSet-Cookie: x=1", "/%00", "/\x00", "/%7f", "/x\x7f", "/%c2%85x", "/%ff", "/é", "https://evil.example",
	"http://evil.example", "HTTPS://evil.example", "https:evil.example",
	"https:/evil.example", "https:///evil.example", "javascript:alert(1)", "javascript://%0aalert(1)", "data:text/html,x",
	"vbscript:x", "file:///etc/passwd", "ftp://evil.example",
	"evil.example", "@evil.example", "?next=//evil.example", "#//evil.example", ".", "..", "../", "./login",
	"/..//evil.example", "/../evil", "/./", "/%2e%2e/evil", "/%2e%2e//evil.example",
	"/x/..//evil.example", "/x//evil.example", "//", "///", "/%", "/%zz", "/%2", ":80/", "//evil.example/..",
	"//evil.example%2f..", "/;//\\x", "mailto:a@b.example", "x:y",
	"//[::1]/", "//127.0.0.1", "//localhost:80", "/\u2028//evil.example", "\u3000//evil.example", "／／evil.example",
	"/" + strings.Repeat("a", maxNext),
}

func TestNextStaysHere(t *testing.T) {
	if len(hostileNext) < 50 {
		t.Fatalf("only %d payloads", len(hostileNext))
	}
	for _, base := range []string{"", "/rollcall"} {
		place := site{base: base}
		for _, raw := range hostileNext {
			if got := place.next(raw); got != base+"/" {
				t.Errorf("base %q: next(%q) = %q, want %q", base, raw, got, base+"/")
			}
		}
	}
}

func TestNextOwnPaths(t *testing.T) {
	tests := []struct{ base, raw, want string }{
		{"", "/", "/"},
		{"", "/?q=ada", "/?q=ada"},
		{"", "/?q=ada+lovelace&team=red%2Fblue", "/?q=ada+lovelace&team=red%2Fblue"},
		{"", "/?q=%C3%A9%20x", "/?q=%C3%A9%20x"},
		{"", "/settings", "/settings"},
		{"", "/a/b-c_d~e.f", "/a/b-c_d~e.f"},
		{"", "/@evil", "/@evil"},
		{"", "/x?u=https://example.org//y", "/x?u=https://example.org//y"},
		{"", "/x#part", "/x"},
		{"", "/a%2Fb", "/a%2Fb"},
		{"/rollcall", "/rollcall/", "/rollcall/"},
		{"/rollcall", "/rollcall/?q=x", "/rollcall/?q=x"},
		{"/rollcall", "/rollcall", "/rollcall/"},
		{"/rollcall", "/", "/rollcall/"},
		{"/rollcall", "/other", "/rollcall/"},
		{"/rollcall", "/rollcallx/", "/rollcall/"},
		{"/rollcall", "/rollcall/../other", "/rollcall/"},
		{"/rollcall", "/rollcall/%2e%2e/other", "/rollcall/"},
	}
	for _, tt := range tests {
		if got := (site{base: tt.base}).next(tt.raw); got != tt.want {
			t.Errorf("base %q: next(%q) = %q, want %q", tt.base, tt.raw, got, tt.want)
		}
	}
}

// The sign-in page, its form and the redirect after signing in all refuse a hostile next.
func TestNextOverHTTP(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.person("ada")
	b := f.browser()
	b.login("ada", goodPassword)
	for _, raw := range hostileNext {
		wantRedirect(t, "GET /login?next="+raw, b.get("/login?next="+url.QueryEscape(raw)), "/")
		if raw == "" {
			continue
		}
		a := f.browser().do("POST", "/login", url.Values{"next": {raw}})
		if !strings.Contains(a.body, `name="next" value=""`) {
			t.Errorf("the form of POST /login with next=%q holds it:\n%s", raw, a.body)
		}
	}
	a := f.browser().do("POST", "/login",
		url.Values{"username": {"ada"}, "password": {goodPassword}, "next": {"//evil.example"}})
	wantRedirect(t, "POST /login with next=//evil.example", a, "/")
}

func FuzzNext(f *testing.F) {
	for _, seed := range append(hostileNext, "/?q=ada", "/rollcall/x?y=z", "/a%2Fb") {
		f.Add(seed)
	}
	here := &url.URL{Scheme: "https", Host: "board.example", Path: "/login"}
	f.Fuzz(func(t *testing.T, raw string) {
		for _, base := range []string{"", "/rollcall"} {
			place := site{base: base}
			got := place.next(raw)
			to, err := here.Parse(got)
			if err != nil || to.Scheme != "https" || to.Host != "board.example" || to.User != nil {
				t.Fatalf("base %q: next(%q) = %q, which leads to %v, %v", base, raw, got, to, err)
			}
			if !strings.HasPrefix(got, base+"/") || strings.HasPrefix(got, "//") || strings.ContainsAny(got, "\\\r\n\t\x00 ") ||
				!strings.HasPrefix(to.Path, base+"/") {
				t.Fatalf("base %q: next(%q) = %q leaves the base or is ambiguous", base, raw, got)
			}
			if again := place.next(got); again != got {
				t.Fatalf("base %q: next(next(%q)) = %q, want %q", base, raw, again, got)
			}
		}
	})
}
