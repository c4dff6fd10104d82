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

// wallClock is the time of day of one server, which a test may put forward and back. What counts how long something
// takes is not touched, as when somebody puts the system's time right.
//
// Programs in Go are told the time by a function of the vDSO (vdso(7)): code of the kernel's that stands in each process.
// In the server's copy of it that function is written anew before the program runs.
type wallClock struct {
	t      *testing.T
	pid    int
	offset int64 // the address, in the process, of the seconds that are added
}

// begin starts a process with a clock that is right. It is for server.begin.
func (c *wallClock) begin(cmd *exec.Cmd) error {
	runtime.LockOSThread() // it is this thread that traces
	defer runtime.UnlockOSThread()
	cmd.SysProcAttr.Ptrace = true
	if err := cmd.Start(); err != nil {
		return err
	}
	c.pid = cmd.Process.Pid
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(c.pid, &status, 0, nil); err != nil || !status.Stopped() {
		return fmt.Errorf("the program is not loaded: %v, %v", status, err)
	}
	if err := c.rewrite(); err != nil {
		return err
	}
	return syscall.PtraceDetach(c.pid)
}

// rewrite has the process ask the system for the time, and add to it.
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
	nops := (8 - (at+operand)%8) % 8 // so that the offset changes at once and not byte by byte
	code = append(bytes.Repeat([]byte{0x90}, int(nops)), code...)
	if int(size) < len(code) {
		return fmt.Errorf("the function that tells the time has %d bytes, want %d for another one", size, len(code))
	}
	c.offset = at + nops + operand
	return c.write(at, code)
}

// timeFunction finds clock_gettime in the process.
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
		return 0, 0, fmt.Errorf("there is no vDSO: %v\n%s", err, maps)
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
	return 0, 0, fmt.Errorf("the vDSO does not tell the time: %v", err)
}

func (c *wallClock) memory() string { return fmt.Sprintf("/proc/%d/mem", c.pid) }

// write changes code of the process, which may run.
func (c *wallClock) write(at int64, data []byte) error {
	memory, err := os.OpenFile(c.memory(), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer memory.Close()
	_, err = memory.WriteAt(data, at)
	return err
}

// isAhead puts the clock ahead of the right time; behind it, if negative.
func (c *wallClock) isAhead(by time.Duration) {
	c.t.Helper()
	if err := c.write(c.offset, little.LittleEndian.AppendUint64(nil, uint64(by/time.Second))); err != nil {
		c.t.Fatal(err)
	}
}

// jumps are where the clock is put, one after the other.
var jumps = []time.Duration{2 * time.Hour, -26 * time.Hour, 20 * 24 * time.Hour, -20 * 24 * time.Hour, 0}

// comeAndGo has somebody arrive at a server and leave it, before the eyes of all.
func (s *server) comeAndGo(name string, cookies []*http.Cookie, eyes ...*onlooker) {
	s.t.Helper()
	conn := connectAs(s.t, s, cookies)
	for _, o := range eyes {
		o.sees(name, "online")
	}
	_ = conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseGoingAway, ""), time.Now().Add(time.Second))
	for _, o := range eyes {
		o.sees(name, "offline")
	}
}

// wantSeen compares all states that somebody was shown in, after offline at the beginning.
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

// Somebody puts the clock of the server right, by hours and by weeks, forward and back. Nobody who is here is shown to
// leave or to idle, all that happens then is seen at once, a status ends when its time by the clock has come, and so does
// a session.
func TestClockJumps(t *testing.T) {
	patient(t)
	clock := &wallClock{t: t}
	s := newServer(t, "--grace-clean=50ms", "--warming=0s")
	s.begin = clock.begin
	s.start()
	ada, bob, carol := s.signUp("ada"), s.signUp("bob"), s.signUp("carol")
	eyes := s.watchAs(ada)
	connectAs(t, s, bob)
	eyes.sees("bob", "online")
	for i, by := range jumps {
		clock.isAhead(by)
		s.comeAndGo("carol", carol, eyes)
		name := fmt.Sprint("new", i)
		s.comeAndGo(name, s.signUp(name), eyes)
		s.addUser(name + "b") // by another process, whose clock is right
		eyes.sees(name+"b", "offline")
		for _, cookies := range [][]*http.Cookie{ada, bob, carol} {
			if got := s.get("/", cookies); got != http.StatusOK {
				t.Errorf("GET / at %v = %d, want 200: nobody's session has ended", by, got)
			}
		}
	}
	eyes.wantSeen("bob", "online")

	if answer, body := s.try("/me/status", url.Values{"state": {"dnd"}, "lasts": {"30m"}}, bob...); answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("POST /me/status = %d, want 303\n%s", answer.StatusCode, body)
	}
	eyes.sees("bob", "dnd")
	clock.isAhead(31 * time.Minute)
	eyes.seesWithin("bob", "online", 35*time.Second) // docs/operations.md promises 30
	eyes.wantSeen("bob", "online", "dnd", "online")
	clock.isAhead(31 * 24 * time.Hour)
	if got := s.get("/", bob); got != http.StatusSeeOther {
		t.Errorf("GET / after 31 days by the clock = %d, want 303 to the sign-in", got)
	}
}

// The clock of one of two replicas is wrong: both show the same people all the same, and none of them leaves.
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
		clock.isAhead(by)
		a.comeAndGo("dan", dan, atA, atB)
		b.comeAndGo("dan", dan, atA, atB)
		a.addUser(fmt.Sprintf("u%d", time.Now().UnixNano()))
	}
	// For longer than a lease, so that a replica which took the other's for ended would show it.
	for until := time.Now().Add(11 * time.Second); time.Now().Before(until); {
		clock.isAhead(time.Hour)
		a.comeAndGo("dan", dan, atA, atB)
		clock.isAhead(-time.Hour)
		b.comeAndGo("dan", dan, atA, atB)
	}
	for _, o := range []*onlooker{atA, atB} {
		o.wantSeen("bob", "online")
		o.wantSeen("carol", "online")
	}
}
