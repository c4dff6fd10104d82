package e2e_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A webhook is added, tested, and deleted in the browser, by keyboard and on a phone's width, with and without a
// script.
func TestWebhookPages(t *testing.T) {
	parallel(t)
	got := make(chan http.Header, 1)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got <- r.Header
		w.WriteHeader(http.StatusNoContent)
	}))
	defer receiver.Close()
	s := startServer(t, "--webhook-allow=127.0.0.1")
	anna := s.person(t, "anna").tab()
	anna.allow(`status of 422`)
	anna.open("/settings")
	anna.clickThrough(`a[href="/settings/hooks"]`)
	anna.clickThrough(`a[href="/settings/hooks/new"]`)
	anna.fill("#hook-name", "Lamp")
	anna.fill("#hook-url", "https://anna:secret@example.org/")
	anna.clickThrough(".settings button.main")
	wantAccessible(anna, "a refused webhook")
	if at := ask[string](anna, `document.activeElement.id + ' ' + document.querySelector('#hook-name').value`); at != "hook-url Lamp" {
		t.Errorf("after the refusal, the cursor and the name are %q, want them at the address, and as typed", at)
	}
	anna.fill("#hook-url", receiver.URL+"/in")
	anna.clickThrough(".settings button.main")
	secret := ask[string](anna, `document.querySelector('.key').textContent`)
	if !strings.HasPrefix(secret, "whsec_") {
		t.Fatalf("the page shows %q, want the secret", secret)
	}
	wantAccessible(anna, "the secret")
	anna.clickThrough(".sheet a.main")
	anna.clickThrough("#test button")
	said := ask[string](anna, `document.querySelector('#test .saved').textContent + document.querySelector('#test .key').textContent`)
	if h := <-got; !strings.Contains(said, "The address answered 204") || !strings.Contains(said, h.Get("webhook-signature")) {
		t.Errorf("the page says %q, want the answer, and the signature %q", said, h.Get("webhook-signature"))
	}
	wantAccessible(anna, "a test")
	anna.click(".danger summary")
	anna.clickThrough(".danger button.grave")
	if text := ask[string](anna, `document.querySelector('main').textContent`); !strings.Contains(text, "Webhook deleted.") {
		t.Errorf("after the deletion, the page says %q", text)
	}
}
