package command

import (
	"io"
	"strings"
	"testing"

	"rollcall/accounts"
)

// An account at a provider is unlinked by the provider's key, unless it's the only way in.
func TestUnlink(t *testing.T) {
	t.Chdir(t.TempDir())
	const db = "rollcall.db"
	command(t, "user", "add", "ada", "--admin", "--create", "--db", db)
	store := openDatabase(t, db)
	ctx := accounts.As(t.Context(), accounts.AtProvider("corp"))
	signIn := func(provider, subject string) string {
		t.Helper()
		_, _, user, err := store.SignInByIdentity(ctx, accounts.IdentitySignIn{
			Identity: accounts.Identity{Issuer: "https://" + provider + ".example", Subject: subject, Provider: provider},
			New:      &accounts.Newcomer{Usernames: []string{"mei"}},
			SignIn:   accounts.SignIn{Method: accounts.ByProvider, Provider: provider},
		})
		if err != nil {
			t.Fatal(err)
		}
		return user.ID
	}
	mei := signIn("corp", "1")
	unlink := func(provider string) error {
		con := &console{env: environment{}, files: uiFiles(), stdin: strings.NewReader(""), stdout: io.Discard, stderr: io.Discard}
		return run(t.Context(), []string{"user", "unlink", "mei", provider, "--db", db}, con)
	}
	refused := func(provider, want string) {
		t.Helper()
		if err := unlink(provider); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("user unlink mei %s = %v, want %q", provider, err, want)
		}
	}
	refused("other", `mei has no account at "other", but at corp`)
	refused("corp", "the only way in which mei can sign in: first run rollcall user link mei")
	for _, subject := range []string{"2", "3"} {
		i := accounts.Identity{Issuer: "https://corp.example", Subject: subject, Provider: "corp"}
		if err := store.Link(ctx, mei, i); err != nil {
			t.Fatal(err)
		}
	}
	if out := command(t, "user", "unlink", "mei", "--db", db); out != "corp\ncorp\ncorp\n" {
		t.Errorf("user unlink mei prints %q, want what is linked", out)
	}
	refused("corp", "the only way in") // all three are at the same provider
	i := accounts.Identity{Issuer: "proxy:Remote-User", Subject: "mei", Provider: "proxy:Remote-User"}
	if err := store.Link(ctx, mei, i); err != nil {
		t.Fatal(err)
	}
	if out := command(t, "user", "unlink", "mei", "corp", "--db", db); out != "mei can't sign in with corp now.\n" {
		t.Errorf("user unlink prints %q", out)
	}
	left, err := store.Identities(t.Context(), mei)
	sessions, err2 := store.Sessions(t.Context(), mei)
	if err != nil || err2 != nil || len(left) != 1 || left[0].Provider != i.Provider || len(sessions) != 0 {
		t.Errorf("identities = %+v, %v, sessions = %+v, %v, want one at the proxy and no session", left, err, sessions, err2)
	}
	refused("proxy:Remote-User", "the only way in")
	command(t, "user", "passwd", "mei", "--db", db)
	command(t, "user", "unlink", "mei", i.Provider, "--db", db)
	refused("corp", "mei has no account at a provider")
}
