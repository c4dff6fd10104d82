package command

import (
	"bytes"
	"log/slog"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rollcall/accounts"
)

// A server and the doctor warn of passkeys that were made for another host than that of the public URL.
func TestPasskeysOfAnotherHost(t *testing.T) {
	place := filepath.Join(t.TempDir(), "board.db")
	store, err := accounts.Open(t.Context(), accounts.Config{Path: place, Actor: accounts.CommandLine, CheapHashes: true})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	ada, err := store.Create(t.Context(), accounts.NewUser{Username: "ada", Password: "correct horse battery"})
	if err != nil {
		t.Fatal(err)
	}
	for credential, host := range map[string]string{"a": "board.old", "b": "board.old", "c": "board.example"} {
		p := accounts.Passkey{Credential: credential, UserID: ada.ID, RPID: host, PublicKey: "key", Label: "Phone"}
		if err := store.AddPasskey(t.Context(), p, accounts.Once{Secret: credential, ExpiresAt: time.Now().Add(time.Hour)}); err != nil {
			t.Fatal(err)
		}
	}
	for public, want := range map[string][]string{
		"https://board.example/team": {"2 passkeys were made for board.old, so they don't work"},
		"https://board.old":          {"1 passkey was made for board.example, so it doesn't work"},
		"": {"1 passkey was made for board.example, so it doesn't work",
			"2 passkeys were made for board.old, so they don't work"},
	} {
		var log, out bytes.Buffer
		s := settings{storage: storage{DB: place, DbConns: 2}}
		if public != "" {
			if s.Public, err = url.Parse(public); err != nil {
				t.Fatal(err)
			}
		}
		if err := warnOfPasskeys(t.Context(), &app{settings: s, store: store, log: slog.New(slog.NewTextHandler(&log, nil))}); err != nil {
			t.Fatal(err)
		}
		f := &findings{out: &out}
		(&doctorCmd{settings: s}).checkPasskeys(t.Context(), f, true)
		if n := strings.Count(log.String(), "were made for another host"); n != len(want) || len(f.warnings) != n || len(f.problems) > 0 {
			t.Errorf("at %q, the log is %q, and the doctor warns of %q and %q, want %q", public, log.String(), f.warnings, f.problems, want)
			continue
		}
		for i, text := range want {
			if !strings.HasPrefix(f.warnings[i], text) {
				t.Errorf("at %q, the doctor warns of %q, want %q", public, f.warnings[i], text)
			}
		}
	}
}
