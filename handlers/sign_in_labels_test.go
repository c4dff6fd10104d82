package handlers

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"rollcall/accounts"
	"rollcall/identity"
)

// Emails name the buttons that work for their recipient, exactly as the sign-in page shows them.
func TestSignInLabels(t *testing.T) {
	t.Parallel()
	p := newCorp(t)
	f := newFixture(t, publicURL(t, boardURL), byHeader(t, false, "10.0.0.1/32"),
		p.options("corp", identity.ProviderOptions{Name: "Example & Co"}), p.options("other", identity.ProviderOptions{}))
	f.person("bob")
	ada := f.member("ada")
	wantStatus(t, "registration", ada.register(newSoftPasskey(t, boardURL), "Phone"), http.StatusOK)
	header := f.server.cfg.Header.Issuer()
	for _, i := range []accounts.Identity{
		{Issuer: p.server.URL, Subject: "ada-1", Provider: "corp"},
		{Issuer: p.server.URL, Subject: "ada-2", Provider: "corp"},
		{Issuer: "https://gone.example", Subject: "ada", Provider: "gone"},
		{Issuer: header, Subject: "ada.l", Provider: header},
	} {
		if err := f.store.Link(acting(t.Context()), f.uid("ada"), i); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"Continue as ada.l", "Sign in with a passkey", "Sign in with Example & Co"}
	got, err := f.server.SignInLabels(t.Context(), f.uid("ada"))
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("SignInLabels(ada) = %q, %v, want %q", got, err, want)
	}
	if got, err := f.server.SignInLabels(t.Context(), f.uid("bob")); err != nil || len(got) != 0 {
		t.Errorf("SignInLabels(bob) = %q, %v, want none", got, err)
	}
	if _, err := f.server.SignInLabels(t.Context(), "nobody"); err == nil {
		t.Error("SignInLabels(nobody) = nil, want an error")
	}
	page := regexp.MustCompile(`</?bdi[^>]*>`).ReplaceAllString(f.behind("ada.l").get("/login").body, "")
	page, last := strings.ReplaceAll(page, "&amp;", "&"), -1
	for _, label := range want {
		at := strings.Index(page, ">"+label+"<")
		if at <= last {
			t.Errorf("the sign-in page has no button %q, or another order:\n%s", label, page)
		}
		last = at
	}
}
