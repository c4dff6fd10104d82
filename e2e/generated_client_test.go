package e2e_test

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// A client that oapi-codegen makes from the OpenAPI document of a server compiles, and reads who is here.
func TestGeneratedClient(t *testing.T) {
	patient(t)
	s := startServer(t, "--warming=0s")
	s.addUser("ada")
	s.addUser("ben")
	said := s.command("token", "create", "--user", "ada", "--scope", "me:write", "--scope", "roster:read", "--name", "Client")
	token := regexp.MustCompile(`rollcall_[0-9A-Za-z]{46}`).FindString(said)

	dir := t.TempDir()
	for _, name := range []string{"go.mod", "go.sum", "main.go"} {
		text, err := os.ReadFile(filepath.Join("client", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	answer, err := http.Get(s.url + "/api/v1/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	document, err := io.ReadAll(answer.Body)
	answer.Body.Close()
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "openapi.json"), document, 0o600)
	}
	if err == nil {
		err = os.Mkdir(filepath.Join(dir, "api"), 0o700)
	}
	if err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "ROLLCALL_TOKEN="+token, "GOWORK=off")
		var said bytes.Buffer // also what it downloads
		cmd.Stderr = &said
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("go %q: %v\n%s%s", args, err, &said, out)
		}
		return string(out)
	}
	run("tool", "oapi-codegen", "-generate", "types,client", "-package", "api", "-o", "api/client.go", "openapi.json")
	want := "ada offline\nben offline\nada Set by a generated client\n404\n"
	if got := run("run", ".", s.url, "ada"); got != want {
		t.Errorf("the generated client prints %q, want %q", got, want)
	}
}
