package handlers

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

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

func TestReferencePage(t *testing.T) {
	fx := newFixture(t)
	b := fx.browser()
	a := b.get("/api")
	wantStatus(t, "GET /api", a, http.StatusOK)
	for _, o := range operations {
		if !strings.Contains(a.body, `id="`+o.id+`"`) {
			t.Errorf("the page lacks %s", o.id)
		}
	}
	for _, want := range []string{`-X PUT -H &#34;Content-Type: application/json&#34; -d &#39;{&#34;emoji&#34;:&#34;🎧&#34;`,
		"http://board.local/api/v1/users/ada", "http://board.local/api/v1/presence?user=ada&amp;user=ben"} {
		if !strings.Contains(a.body, want) {
			t.Errorf("the page lacks %q:\n%s", want, a.body)
		}
	}
	if strings.Contains(a.body, originMark+"/") {
		t.Error("a command line has no origin")
	}
}
