package e2e_test

import (
	"bytes"
	"debug/elf"
	little "encoding/binary"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// wallClock is the wall clock of one server, which a test can set forward and back. The monotonic clock stays the same,
// as when somebody corrects the system time.
//
// Go programs get the time from a function in the vDSO (vdso(7)), kernel code that is mapped into each process. The
// test overwrites that function in the server's process before the program runs.
type wallClock struct {
	t      *testing.T
	pid    int
	offset int64 // the address in the process of the number of seconds to add
}

// begin starts a process with the correct time. It is for server.begin.
func (c *wallClock) begin(cmd *exec.Cmd) error {
	runtime.LockOSThread() // the tracer is a thread
	defer runtime.UnlockOSThread()
	cmd.SysProcAttr.Ptrace = true
	if err := cmd.Start(); err != nil {
		return err
	}
	c.pid = cmd.Process.Pid
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(c.pid, &status, 0, nil); err != nil || !status.Stopped() {
		return fmt.Errorf("the program isn't loaded: %v, %v", status, err)
	}
	if err := c.rewrite(); err != nil {
		return err
	}
	return syscall.PtraceDetach(c.pid)
}

// rewrite replaces the function with one that makes the system call and adds the offset.
func (c *wallClock) rewrite() error {
	at, size, err := c.timeFunction()
	if err != nil {
		return err
	}
	code := []byte{
		0xb8, 0xe4, 0, 0, 0, // mov $228, %eax: clock_gettime
		0x0f, 0x05, // syscall
		0x85, 0xff, // test %edi, %edi: 0 is CLOCK_REALTIME
		0x75, 13, // jnz to the end
		0x49, 0xba, 0, 0, 0, 0, 0, 0, 0, 0, // mov $offset, %r10
		0x4c, 0x01, 0x16, // add %r10, (%rsi): the seconds
		0xc3, // ret
	}
	const operand = 13
	nops := (8 - (at+operand)%8) % 8 // aligned, so that a write to the offset is atomic
	code = append(bytes.Repeat([]byte{0x90}, int(nops)), code...)
	if int(size) < len(code) {
		return fmt.Errorf("clock_gettime has %d bytes, want at least %d for the replacement", size, len(code))
	}
	c.offset = at + nops + operand
	return c.write(at, code)
}

// timeFunction finds clock_gettime in the memory of the process.
func (c *wallClock) timeFunction() (at, size int64, err error) {
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", c.pid))
	if err != nil {
		return 0, 0, err
	}
	var from, to int64
	for line := range strings.Lines(string(maps)) {
		if strings.HasSuffix(strings.TrimSpace(line), "[vdso]") {
			_, err = fmt.Sscanf(line, "%x-%x", &from, &to)
		}
	}
	if err != nil || from == 0 {
		return 0, 0, fmt.Errorf("the process has no vDSO: %v\n%s", err, maps)
	}
	memory, err := os.Open(c.memory())
	if err != nil {
		return 0, 0, err
	}
	defer memory.Close()
	library, err := elf.NewFile(io.NewSectionReader(memory, from, to-from))
	if err != nil {
		return 0, 0, err
	}
	symbols, err := library.DynamicSymbols()
	for _, s := range symbols {
		if s.Name == "__vdso_clock_gettime" {
			return from + int64(s.Value), int64(s.Size), nil
		}
	}
	return 0, 0, fmt.Errorf("the vDSO has no __vdso_clock_gettime: %v", err)
}

func (c *wallClock) memory() string { return fmt.Sprintf("/proc/%d/mem", c.pid) }

// write changes code of the process, which may be running.
func (c *wallClock) write(at int64, data []byte) error {
	memory, err := os.OpenFile(c.memory(), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer memory.Close()
	_, err = memory.WriteAt(data, at)
	return err
}

// setAhead sets the clock ahead of the correct time, or behind it if by is negative.
func (c *wallClock) setAhead(by time.Duration) {
	c.t.Helper()
	if err := c.write(c.offset, little.LittleEndian.AppendUint64(nil, uint64(by/time.Second))); err != nil {
		c.t.Fatal(err)
	}
}

// jumps are the offsets that the clock is set to, in order.
var jumps = []time.Duration{2 * time.Hour, -26 * time.Hour, 20 * 24 * time.Hour, -20 * 24 * time.Hour, 0}

// comeAndGo has a person connect to a server and leave, and waits until all watchers have seen both.
func (s *server) comeAndGo(name string, cookies []*http.Cookie, watchers ...*onlooker) {
	s.t.Helper()
	conn := connectAs(s.t, s, cookies)
	for _, o := range watchers {
		o.sees(name, "online")
	}
	_ = conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseGoingAway, ""),
		time.Now().Add(time.Second))
	for _, o := range watchers {
		o.sees(name, "offline")
	}
}

// wantSeen compares all states of a person that o has seen, without an initial offline.
func (o *onlooker) wantSeen(user string, want ...string) {
	o.t.Helper()
	got := o.states(user)
	if len(got) > 0 && got[0] == "offline" {
		got = got[1:]
	}
	if !slices.Equal(got, want) {
		o.t.Errorf("%s was shown %q, want %q", user, got, want)
	}
}

// The wall clock of a server jumps by hours and weeks, forward and back. Nobody who is online goes offline or away,
// changes still show at once, and statuses and sessions end by the new time.
func TestClockJumps(t *testing.T) {
	t.Parallel() // without a slot: it mostly sleeps
	clock := &wallClock{t: t}
	s := newServer(t, "--grace-clean=50ms", "--warming=0s")
	s.begin = clock.begin
	s.start()
	ada, bob, carol := s.signUp("ada"), s.signUp("bob"), s.signUp("carol")
	watcher := s.watchAs(ada)
	connectAs(t, s, bob)
	watcher.sees("bob", "online")
	for i, by := range jumps {
		clock.setAhead(by)
		s.comeAndGo("carol", carol, watcher)
		name := fmt.Sprint("new", i)
		s.comeAndGo(name, s.signUp(name), watcher)
		s.addUser(name + "b") // by another process, which has the correct time
		watcher.sees(name+"b", "offline")
		for _, cookies := range [][]*http.Cookie{ada, bob, carol} {
			if got := s.get("/", cookies); got != http.StatusOK {
				t.Errorf("GET / at %v = %d, want 200, no session has ended", by, got)
			}
		}
	}
	watcher.wantSeen("bob", "online")

	if answer, body := s.try("/me/status", url.Values{"state": {"dnd"}, "lasts": {"30m"}},
		bob...); answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("POST /me/status = %d, want 303\n%s", answer.StatusCode, body)
	}
	watcher.sees("bob", "dnd")
	clock.setAhead(31 * time.Minute)
	watcher.seesWithin("bob", "online", 35*time.Second) // docs/operations.md promises 30
	watcher.wantSeen("bob", "online", "dnd", "online")
	clock.setAhead(31 * 24 * time.Hour)
	if got := s.get("/", bob); got != http.StatusSeeOther {
		t.Errorf("GET / after the clock moved 31 days = %d, want 303 to the sign-in page", got)
	}
}

// The clock of one of two replicas is wrong. Both still show the same people, and nobody goes offline.
func TestReplicaClockJumps(t *testing.T) {
	patient(t)
	redis := newRedis(t)
	redis.start()
	db := filepath.Join(t.TempDir(), "rollcall.db")
	clock := &wallClock{t: t}
	a, b := newReplica(t, "A", db, redis), newReplica(t, "B", db, redis)
	a.begin = clock.begin
	for _, r := range []*replica{a, b} {
		t.Cleanup(r.cleanup)
		r.start("--warming=50ms", "--grace-clean=50ms")
	}
	redis.joined(2)
	ada, bob, carol, dan := a.signUp("ada"), a.signUp("bob"), b.signUp("carol"), b.signUp("dan")
	atA, atB := a.watchAs(ada), b.watchAs(ada)
	connectAs(t, a.server, bob)
	connectAs(t, b.server, carol)
	for _, o := range []*onlooker{atA, atB} {
		o.sees("bob", "online")
		o.sees("carol", "online")
	}
	for _, by := range jumps {
		clock.setAhead(by)
		a.comeAndGo("dan", dan, atA, atB)
		b.comeAndGo("dan", dan, atA, atB)
		a.addUser(fmt.Sprintf("u%d", time.Now().UnixNano()))
	}
	// This takes longer than a lease, so it would show if a replica took the other's lease for expired.
	for until := time.Now().Add(11 * time.Second); time.Now().Before(until); {
		clock.setAhead(time.Hour)
		a.comeAndGo("dan", dan, atA, atB)
		clock.setAhead(-time.Hour)
		b.comeAndGo("dan", dan, atA, atB)
	}
	for _, o := range []*onlooker{atA, atB} {
		o.wantSeen("bob", "online")
		o.wantSeen("carol", "online")
	}
}
