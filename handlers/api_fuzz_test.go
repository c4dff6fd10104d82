package handlers

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"rollcall/accounts"
)

// Whatever the body is, decode returns a value or says what is wrong with a 4xx.
func FuzzDecode(f *testing.F) {
	for _, body := range []string{`{"state":"dnd","for":"45m"}`, `{"until":null}`, `{"text":"\ud800"}`, `{"a":{"b":[{"c":1}]}}`, `[`, `null`, `{"text":1e999}`} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		r := httptest.NewRequest("PUT", "/", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		_, err := decode[statusInput](r)
		var known *failure
		switch {
		case err == nil, len(accounts.WrongFields(err)) > 0:
		case errors.As(err, &known) && known.Status >= 400 && known.Status < 500:
		default:
			t.Errorf("decode(%q) = %v, want a failure of the client", body, err)
		}
	})
}

// However many unknown fields a body has, the answer lists only some.
func TestDecodeListsSomeUnknownFields(t *testing.T) {
	fields := map[string]int{}
	for i := range 4000 {
		fields[fmt.Sprint("f", i)] = i
	}
	body, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("PUT", "/", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	_, err = decode[statusInput](r)
	if n := len(accounts.WrongFields(err)); n != maxUnknown {
		t.Errorf("decode lists %d of %d unknown fields, want %d", n, len(fields), maxUnknown)
	}
}

// No value of If-None-Match makes an answer match a tag that it doesn't name.
func FuzzMatches(f *testing.F) {
	f.Add(`W/"a", "b"`)
	f.Add("*")
	f.Fuzz(func(t *testing.T, header string) {
		if matches(header, `W/"tag"`) && !strings.Contains(header, `"tag"`) && !strings.Contains(header, "*") {
			t.Errorf("matches(%q) = true", header)
		}
	})
}

// A header names a token only if it's one header with the scheme Bearer and something that can be a token.
func FuzzBearer(f *testing.F) {
	for _, header := range []string{"Bearer rollcall_x", "bearer  x", "Basic YWRh", "Bearer", "Bearer\tx", ""} {
		f.Add(header)
	}
	f.Fuzz(func(t *testing.T, header string) {
		text, ok := bearer([]string{header})
		scheme, _, spaced := strings.Cut(header, " ")
		if ok != (spaced && strings.EqualFold(scheme, "bearer")) || strings.TrimSpace(text) != text {
			t.Errorf("bearer(%q) = %q, %t", header, text, ok)
		}
		if _, ok := bearer([]string{header, header}); ok {
			t.Errorf("bearer takes %q twice", header)
		}
	})
}

// A cursor of a list of accounts is text that can be a name, and only the text that makes it opens it.
func FuzzAfter(f *testing.F) {
	for _, text := range []string{"", "YWRh", "YWR", "_w", "AA", encodeAfter("ada\x1fAda")} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		after, err := decodeAfter(text)
		switch {
		case err != nil && !errors.Is(err, accounts.ErrCursor):
			t.Errorf("decodeAfter(%q) = %v", text, err)
		case err == nil && (!utf8.ValidString(after) || strings.Contains(after, "\x00")):
			t.Errorf("decodeAfter(%q) = %q, which can't be stored", text, after)
		}
		if utf8.ValidString(text) && !strings.Contains(text, "\x00") {
			if again, err := decodeAfter(encodeAfter(text)); err != nil || again != text {
				t.Errorf("decodeAfter(encodeAfter(%q)) = %q, %v", text, again, err)
			}
		}
	})
}

// Whatever is preferred, a request waits for at most longestWait.
func FuzzWantedWait(f *testing.F) {
	for _, value := range []string{"wait=20", "respond-async, wait=10", `wait="5"; x=y`, "wait=-1", "wait", "WAIT = 99999999999999999999"} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if d := wantedWait([]string{value}); d < 0 || d > longestWait {
			t.Errorf("wantedWait(%q) = %s", value, d)
		}
	})
}

// A duration that is read is within its limits, also one that would overflow.
func FuzzDuration(f *testing.F) {
	for _, text := range []string{"45m", "3d", "0s", "-1h", "9999999d", "2562047h47m16.854775807s", "1e9h", "d"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := elapsed("for", text, maxStatus)
		if err == nil && (d < 0 || d > maxStatus) || err != nil && len(accounts.WrongFields(err)) != 1 {
			t.Errorf("elapsed(%q) = %s, %v", text, d, err)
		}
	})
}

func TestReferencePage(t *testing.T) {
	fx := newFixture(t)
	b := fx.browser()
	a := b.get("/api")
	wantStatus(t, "GET /api", a, http.StatusOK)
	for _, o := range append(slices.Clone(operations), streamOperation) {
		if !strings.Contains(a.body, `id="`+o.id+`"`) {
			t.Errorf("the page lacks %s", o.id)
		}
	}
	for _, want := range []string{
		`-X PUT -H &#34;Content-Type: application/json&#34; -d &#39;{&#34;emoji&#34;:&#34;🎧&#34;`,
		"curl -H &#34;Authorization: Bearer $ROLLCALL_TOKEN&#34; -N &#39;http://board.local/api/v1/stream&#39;",
		"--data-binary @people.csv",
		"<code translate=\"no\">me:write, roster:read</code>", "http://board.local/api/v1/users/ada",
		"http://board.local/api/v1/presence?user=ada&amp;user=ben",
	} {
		if !strings.Contains(a.body, want) {
			t.Errorf("the page lacks %q:\n%s", want, a.body)
		}
	}
	if strings.Contains(a.body, originMark+"/") {
		t.Error("a command line has no origin")
	}
	const live = "ws?only=me"
	own := fx.member("ada").get("/api").body
	if strings.Contains(a.body, live) || !strings.Contains(own, live) || !strings.Contains(own, "htmx-config") {
		t.Error("the page has a live connection for strangers, or none for people who are signed in")
	}
}
