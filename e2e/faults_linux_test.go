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

// mayWrite lets the server write to files up to a size, or everything with -1: a disk that refuses. It needs no rights.
// What the system answers then is not "no space left" but "file too large"; TestDiskFull has the other.
func (s *server) mayWrite(size int64) {
	s.t.Helper()
	limit := syscall.Rlimit{Cur: uint64(size), Max: ^uint64(0)}
	const fileSize = 1
	_, _, errno := syscall.Syscall6(syscall.SYS_PRLIMIT64, uintptr(s.cmd.Process.Pid), fileSize, uintptr(unsafe.Pointer(&limit)), 0, 0, 0)
	if errno != 0 {
		s.t.Fatalf("prlimit --fsize=%d = %v", size, errno)
	}
}

// try sends a form, as somebody who is signed in if there are cookies, and returns the answer with its body read.
func (s *server) try(path string, form url.Values, cookies ...*http.Cookie) (*http.Response, string) {
	s.t.Helper()
	return s.send(http.MethodPost, path, form.Encode(), cookies)
}

// get is the status of a page for somebody.
func (s *server) get(path string, cookies []*http.Cookie) int {
	s.t.Helper()
	answer, _ := s.send(http.MethodGet, path, "", cookies)
	return answer.StatusCode
}

// send sends a request, and follows no redirect.
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

// wantNotSaved fails the test unless a form is refused in words, with a time to come back.
func (s *server) wantNotSaved(path, name string) {
	s.t.Helper()
	answer, body := s.try(path, credentials(name))
	if answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") == "" || !strings.Contains(body, "nothing was changed") {
		s.t.Errorf("POST %s while nothing can be stored = %d, Retry-After %q, want 503 and words:\n%s", path, answer.StatusCode, answer.Header.Get("Retry-After"), body)
	}
}

// wantUnharmed fails the test unless people who are signed in go on: their pages, and what they see of each other.
func (s *server) wantUnharmed(ada, bob []*http.Cookie) {
	s.t.Helper()
	for path, cookies := range map[string][]*http.Cookie{"/": ada, "/me": bob, "/settings": bob, "/readyz": nil, "/healthz": nil} {
		if got := s.get(path, cookies); got != http.StatusOK {
			s.t.Errorf("GET %s while nothing can be stored = %d, want 200", path, got)
		}
	}
	eyes := s.watchAs(ada)
	defer eyes.close()
	conn := connectAs(s.t, s, bob)
	eyes.sees("bob", "online")
	_ = conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseGoingAway, ""), time.Now().Add(time.Second))
	eyes.sees("bob", "offline")
}

// refuseWrites is the whole of the scene: two people are in, then nothing can be stored, then it can be again.
func (s *server) refuseWrites(fill, free func()) {
	s.t.Helper()
	s.faulty = true
	ada, bob := s.signUp("ada"), s.signUp("bob")
	fill()
	s.wantNotSaved("/signup", "carol")
	s.wantNotSaved("/login", "ada")
	s.wantUnharmed(ada, bob)
	free()
	s.signUp("carol") // no restart between
	s.signIn("carol")
	s.signIn("ada")
	s.wantUnharmed(ada, bob)
}

func TestDiskRefusesWrites(t *testing.T) {
	patient(t)
	s := startServer(t, "--grace-clean=50ms", "--warming=0s")
	s.refuseWrites(func() { s.mayWrite(0) }, func() { s.mayWrite(-1) })
}

// mounts is how this user may mount things for one process; nil: not at all.
func mounts(t *testing.T) []string {
	t.Helper()
	for _, with := range [][]string{{"unshare", "--mount"}, {"unshare", "--user", "--map-root-user", "--mount"}} {
		if exec.Command(with[0], append(with[1:], "mount", "-t", "tmpfs", "tmpfs", "/mnt")...).Run() == nil {
			return with
		}
	}
	t.Log("this user may not mount anything, not even for itself: the disk that is full is one that lets no file grow")
	return nil
}

// TestDiskFull: the database is alone on a disk of 1 MiB, and something else takes all of it.
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

// fillUp takes all the space there is, and has people sign up until the log of the database wants more.
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
	s.t.Fatal("50 people signed up on a disk that is full")
}

// TestReadOnlyAtStart: a folder that cannot be written ends the start with one line that says what to do.
func TestReadOnlyAtStart(t *testing.T) {
	patient(t)
	s := newServer(t)
	folder := filepath.Dir(s.db)
	args := []string{binary, "serve", "--addr", s.addr, "--db", s.db}
	if with := mounts(t); with != nil {
		args = append(append(with, "sh", "-c", `mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"`, folder), args...)
	} else if err := os.Chmod(folder, 0o500); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
	cmd.Env = cleanEnv()
	out, err := cmd.CombinedOutput()
	if lines := strings.Count(string(out), "\n"); err == nil || lines != 1 || !strings.HasPrefix(string(out), "rollcall: ") || !strings.Contains(string(out), "cannot write") {
		t.Errorf("rollcall serve in a folder that cannot be written = %v with %d lines, want an error and one that says so:\n%s", err, lines, out)
	}
}
