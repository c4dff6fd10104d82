package e2e_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/gorilla/websocket"
)

// mayWrite limits the size of files that the server can write, or removes the limit with -1. It needs no privileges.
// Writes fail with "file too large", not with "no space left", which TestDiskFull covers.
func (s *server) mayWrite(size int64) {
	s.t.Helper()
	limit := syscall.Rlimit{Cur: uint64(size), Max: ^uint64(0)}
	const fileSize = 1
	_, _, errno := syscall.Syscall6(syscall.SYS_PRLIMIT64, uintptr(s.cmd.Process.Pid), fileSize,
		uintptr(unsafe.Pointer(&limit)), 0, 0, 0)
	if errno != 0 {
		s.t.Fatalf("prlimit --fsize=%d = %v", size, errno)
	}
}

// try posts a form with the cookies, if any, and returns the response and its body.
func (s *server) try(path string, form url.Values, cookies ...*http.Cookie) (*http.Response, string) {
	s.t.Helper()
	return s.send(http.MethodPost, path, form.Encode(), cookies)
}

// get requests a page with the cookies and returns the status.
func (s *server) get(path string, cookies []*http.Cookie) int {
	s.t.Helper()
	answer, _ := s.send(http.MethodGet, path, "", cookies)
	return answer.StatusCode
}

// send sends a request without following redirects, and returns the response and its body.
func (s *server) send(method, path, form string, cookies []*http.Cookie) (*http.Response, string) {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(form))
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, c := range cookies {
		request.AddCookie(c)
	}
	answer, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer, string(body)
}

func credentials(name string) url.Values {
	return url.Values{"username": {name}, "password": {password}}
}

// wantNotSaved fails the test unless a form is refused with an explanation and Retry-After.
func (s *server) wantNotSaved(path, name string) {
	s.t.Helper()
	answer, body := s.try(path, credentials(name))
	if answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") == "" ||
		!strings.Contains(body, "nothing was changed") {
		s.t.Errorf("POST %s while writes fail = %d, Retry-After %q, want 503 and an explanation:\n%s",
			path, answer.StatusCode, answer.Header.Get("Retry-After"), body)
	}
}

// wantUnharmed fails the test unless pages still work for people who are signed in, and they see each other come and
// go.
func (s *server) wantUnharmed(ada, bob []*http.Cookie) {
	s.t.Helper()
	for path, cookies := range map[string][]*http.Cookie{"/": ada, "/me": bob, "/settings": bob, "/readyz": nil,
		"/healthz": nil} {
		if got := s.get(path, cookies); got != http.StatusOK {
			s.t.Errorf("GET %s while writes fail = %d, want 200", path, got)
		}
	}
	watcher := s.watchAs(ada)
	defer watcher.close()
	conn := connectAs(s.t, s, bob)
	watcher.sees("bob", "online")
	_ = conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseGoingAway, ""),
		time.Now().Add(time.Second))
	watcher.sees("bob", "offline")
}

// refuseWrites signs two people up, makes writes fail with fill, and makes them work again with free.
func (s *server) refuseWrites(fill, free func()) {
	s.t.Helper()
	s.faulty = true
	ada, bob := s.signUp("ada"), s.signUp("bob")
	fill()
	s.wantNotSaved("/signup", "carol")
	s.wantNotSaved("/login", "ada")
	s.wantUnharmed(ada, bob)
	free()
	s.signUp("carol") // without a restart in between
	s.signIn("carol")
	s.signIn("ada")
	s.wantUnharmed(ada, bob)
}

func TestDiskRefusesWrites(t *testing.T) {
	patient(t)
	s := startServer(t, "--grace-clean=50ms", "--warming=0s")
	s.refuseWrites(func() { s.mayWrite(0) }, func() { s.mayWrite(-1) })
}

// mounts returns the command with which this user can mount things for one process, or nil.
func mounts(t *testing.T) []string {
	t.Helper()
	for _, with := range [][]string{{"unshare", "--mount"}, {"unshare", "--user", "--map-root-user", "--mount"}} {
		if exec.Command(with[0], append(with[1:], "mount", "-t", "tmpfs", "tmpfs", "/mnt")...).Run() == nil {
			return with
		}
	}
	t.Log("this user can't mount anything, so the full disk is simulated by a limit on the file size")
	return nil
}

// TestDiskFull: the database is on its own 1 MiB disk, and another file fills it.
func TestDiskFull(t *testing.T) {
	patient(t)
	s := newServer(t, "--grace-clean=50ms", "--warming=0s")
	with, folder := mounts(t), filepath.Dir(s.db)
	if with == nil {
		s.start()
		wal := func() int64 {
			info, err := os.Stat(s.db + "-wal")
			if err != nil {
				t.Fatal(err)
			}
			return info.Size()
		}
		s.refuseWrites(func() { s.mayWrite(wal() / 2) }, func() { s.mayWrite(-1) })
		return
	}
	s.wrap = append(with, "sh", "-c", `mount -t tmpfs -o size=1m tmpfs "$0" && exec "$@"`, folder)
	s.start()
	inside := fmt.Sprintf("/proc/%d/root%s/filler", s.cmd.Process.Pid, folder)
	s.refuseWrites(func() {
		s.fillUp(inside)
	}, func() {
		if err := os.Remove(inside); err != nil {
			t.Fatal(err)
		}
	})
}

// fillUp fills the disk with a file and signs people up until the WAL of the database needs more space.
func (s *server) fillUp(filler string) {
	s.t.Helper()
	f, err := os.Create(filler)
	if err != nil {
		s.t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 4096); ; {
		if _, err := f.Write(block); errors.Is(err, syscall.ENOSPC) {
			break
		} else if err != nil {
			s.t.Fatal(err)
		}
	}
	for i := range 50 {
		if answer, _ := s.try("/signup", credentials(fmt.Sprint("filler", i))); answer.StatusCode != http.StatusSeeOther {
			return
		}
	}
	s.t.Fatal("50 people signed up on a full disk")
}

// TestReadOnlyAtStart: if the folder isn't writable, the server doesn't start and prints one line that says what to do.
func TestReadOnlyAtStart(t *testing.T) {
	patient(t)
	s := newServer(t)
	folder := filepath.Dir(s.db)
	args := []string{binary, "serve", "--addr", s.addr, "--db", s.db}
	if with := mounts(t); with != nil {
		args = append(append(with, "sh", "-c", `mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"`,
			folder), args...)
	} else if err := os.Chmod(folder, 0o500); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
	cmd.Env = cleanEnv()
	out, err := cmd.CombinedOutput()
	if lines := strings.Count(string(out), "\n"); err == nil || lines != 1 ||
		!strings.HasPrefix(string(out), "rollcall: ") || !strings.Contains(string(out), "cannot write") {
		t.Errorf("rollcall serve in a folder that isn't writable = %v with %d lines, want an error and one line that says so:\n%s",
			err, lines, out)
	}
}
