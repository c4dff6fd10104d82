package main

import (
	"strings"
	"testing"
)

func TestParseTarget(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"http://127.0.0.1:8080", "http://127.0.0.1:8080"},
		{"127.9.9.9:80/", "http://127.9.9.9:80"},
		{"http://[::1]:8080/board/", "http://[::1]:8080/board"},
		{"http://127.0.0.1", "http://127.0.0.1:80"},
	} {
		got, err := parseTarget(t.Context(), c.in)
		if err != nil || got.String() != c.want {
			t.Errorf("parseTarget(%q) = %v, %v, want %v", c.in, got, err, c.want)
		}
	}
	for _, c := range []struct{ in, want string }{
		{"http://192.0.2.1:8080", "only servers on this machine"},
		{"http://0.0.0.0:8080", "only servers on this machine"},
		{"http://[::ffff:192.0.2.1]:80", "only servers on this machine"},
		{"https://127.0.0.1", "write an address like"},
		{"http://user@127.0.0.1", "write an address like"},
		{"http://", "write an address like"},
		{"%", "write an address like"},
	} {
		if got, err := parseTarget(t.Context(), c.in); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("parseTarget(%q) = %v, %v, want an error with %q", c.in, got, err, c.want)
		}
	}
}

func TestSocketURL(t *testing.T) {
	base, err := parseTarget(t.Context(), "127.0.0.1:80/board")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := socketURL(base, ""), "ws://127.0.0.1:80/board/ws?rows=brief"; got != want {
		t.Errorf("socketURL(%v, \"\") = %v, want %v", base, got, want)
	}
	if got, want := socketURL(base, emptyPage), "ws://127.0.0.1:80/board/ws?"+emptyPage+"&rows=brief"; got != want {
		t.Errorf("socketURL(%v, emptyPage) = %v, want %v", base, got, want)
	}
}
