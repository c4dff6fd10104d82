package accounts

import (
	"net/url"
	"strings"
	"testing"
)

func TestParseOrigin(t *testing.T) {
	for text, want := range map[string]string{
		"https://example.org":           "https://example.org",
		"HTTPS://Example.ORG:443/":      "https://example.org",
		"http://wiki:8080":              "http://wiki:8080",
		"http://127.0.0.1:80":           "http://127.0.0.1",
		"https://[2001:DB8::1]:8443":    "https://[2001:db8::1]:8443",
		"https://xn--bcher-kva.example": "https://xn--bcher-kva.example",
		"":                              "",
		"*":                             "",
		"https://*.example.org":         "",
		"https://example.org/wiki":      "",
		"https://example.org?x":         "",
		"https://example.org?":          "",
		"https://example.org#":          "",
		"https://a@example.org":         "",
		"https://example.org:":          "",
		"https://example.org:0":         "",
		"https://example.org:08":        "",
		"https://example.org:70000":     "",
		"https://bücher.example":        "",
		"https://a b":                   "",
		"https://a;script-src *":        "",
		"https://2001:db8::1":           "",
		"https://[fe80::1%25en0]":       "",
		"ftp://example.org":             "",
		"example.org":                   "",
		"null":                          "",
		"javascript:alert(1)":           "",
	} {
		if got, ok := ParseOrigin(text); got != want || ok != (want != "") {
			t.Errorf("ParseOrigin(%q) = %q, %t, want %q", text, got, ok, want)
		}
	}
}

// An origin is safe in a header of a content security policy, and parsing it again gives the same.
func FuzzParseOrigin(f *testing.F) {
	for _, text := range []string{"https://example.org", "http://[::1]:8080/", "https://a;b", "http://a:1 b", "HTTP://A.:80"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		origin, ok := ParseOrigin(text)
		if !ok {
			return
		}
		if strings.ContainsAny(origin, " \t\r\n;,'\"*?#@") || strings.Count(origin, "/") != 2 {
			t.Errorf("ParseOrigin(%q) = %q, which isn't safe in a policy", text, origin)
		}
		if u, err := url.Parse(origin); err != nil || u.Scheme+"://"+u.Host != origin {
			t.Errorf("ParseOrigin(%q) = %q, which isn't only scheme and host", text, origin)
		}
		if again, ok := ParseOrigin(origin); !ok || again != origin {
			t.Errorf("ParseOrigin(%q) = %q, then %q", text, origin, again)
		}
	})
}

// Only a token of 27 digits and letters has a hash.
func FuzzShareHash(f *testing.F) {
	token, _ := newShareToken()
	for _, text := range []string{token, "", token[1:], token + "0", strings.Repeat("-", 27), strings.Repeat("é", 14)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		_, ok := shareHash(text)
		want := len(text) == shareTokenChars && strings.Trim(text, shareDigits) == ""
		for _, r := range text {
			want = want && strings.ContainsRune(shareDigits, r)
		}
		if ok != want {
			t.Errorf("shareHash(%q) is accepted: %t, want %t", text, ok, want)
		}
	})
}
