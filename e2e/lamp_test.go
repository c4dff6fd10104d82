//go:build unix

package e2e_test

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// lampScript returns the lamp in README.md.
func lampScript(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile("(?s)A lamp in ten lines.*?```sh\n(.*?)```").FindSubmatch(text)
	if m == nil {
		t.Fatal("README.md has no lamp")
	}
	if lines := strings.Count(string(m[1]), "\n"); lines > 10 {
		t.Errorf("the lamp has %d lines, want up to 10", lines)
	}
	return string(m[1])
}

// The lamp in README.md shows a person's state, follows it, and goes on after a restart of the server.
func TestLamp(t *testing.T) {
	patient(t)
	s := startServer(t, "--grace-clean=0s", "--warming=0s")
	s.addUser("ada")
	ada, err := login(s.url, "ada", password)
	if err != nil {
		t.Fatal(err)
	}
	said := strings.Split(s.command("token", "create", "--user", "ada", "--scope", "roster:read"), "\n")
	folder := t.TempDir()
	colors := filepath.Join(folder, "colors")
	lamp := fmt.Sprintf("#!/bin/sh\necho \"$1\" >> '%s'\n", colors)
	if err := os.WriteFile(filepath.Join(folder, "lamp"), []byte(lamp), 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-c", lampScript(t))
	cmd.Env = append(cleanEnv(), "ROLLCALL_URL="+s.url, "ROLLCALL_TOKEN="+said[len(said)-1], "PATH="+folder+":"+os.Getenv("PATH"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // to end all of its processes
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
	})
	shows := func(want ...string) {
		t.Helper()
		err := within(2*patience, func() (bool, string) {
			text, _ := os.ReadFile(colors)
			got := slices.Compact(strings.Fields(string(text)))
			return slices.Equal(got, want), fmt.Sprintf("it was %q", got)
		})
		if err != nil {
			t.Fatalf("the lamp wasn't %q: %v", want, err)
		}
	}
	shows("off")
	at := &replica{server: s, name: "the server"}
	arrive(t, at, ada)
	shows("off", "green")
	postAs(t, at, ada, "/me/status", url.Values{"state": {"dnd"}}, http.StatusSeeOther)
	shows("off", "green", "red")
	s.terminate()
	s.start()
	shows("off", "green", "red", "off")
	arrive(t, at, ada)
	shows("off", "green", "red", "off", "red")
}
