package e2e_test

import (
	"os"
	"os/exec"
	"regexp"
	"syscall"
	"testing"
	"time"
)

var (
	demoURL   = regexp.MustCompile(`(?m)^Rollcall is at (http://\S+)$`)
	demoLogin = regexp.MustCompile(`(?m)^Sign in as (\S+) with the password (\S+)$`)
)

// The demo prints a login that works, shows a board that changes, and leaves no files behind.
func TestDemo(t *testing.T) {
	parallel(t)
	folder := t.TempDir()
	var out buffer
	cmd := exec.Command(binary, "demo", "--addr", "127.0.0.1:0")
	cmd.Env = append(cleanEnv(), "TMPDIR="+folder)
	cmd.Stdout, cmd.Stderr = &out, &out
	dieWithUs(cmd)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	err := within(startWait, func() (bool, string) { return demoLogin.MatchString(out.String()), out.String() })
	if err != nil {
		t.Fatalf("rollcall demo printed no login: %v", err)
	}
	// It may accept connections a moment after it prints its address.
	s := &server{t: t, url: demoURL.FindStringSubmatch(out.String())[1]}
	if err := within(startWait, func() (bool, string) { return s.ready(), out.String() }); err != nil {
		t.Fatalf("the demo is not ready: %v", err)
	}

	login := demoLogin.FindStringSubmatch(out.String())
	visitor := s.visitor(t).tab()
	visitor.open("/")
	visitor.fill("#username", login[1])
	visitor.fill("#password", login[2])
	visitor.clickThrough("form button.main")
	visitor.untilLive()
	visitor.untilState(login[1], "online", soon)
	if got := ask[int](visitor, `document.querySelectorAll('.team').length`); got != 6 {
		t.Errorf("the demo shows %d teams, want 6", got)
	}
	if people, here := ask[int](visitor, `test.visible().length`),
		ask[int](visitor, `document.querySelectorAll('[data-user]:not([data-state=offline])').length`); people < 20 ||
		here*2 < people {
		t.Errorf("the demo shows %d people, %d of them here, want 20 or more and at least half of them here", people, here)
	}
	visitor.tell(`window.changed = new Set; new MutationObserver(all => all.forEach(r => changed.add(r.target.id)))
		.observe(document.querySelector('#list'), { subtree: true, attributeFilter: ['data-state'] })`)
	visitor.until("three people have arrived, left, or changed", `changed.size >= 3`, 20*time.Second)

	visitor.close()
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("rollcall demo after Ctrl-C: %v, want exit code 0\n%s", err, out.String())
		}
	case <-time.After(stopWait):
		t.Fatalf("rollcall demo still runs %v after Ctrl-C", stopWait)
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
		t.Errorf("the demo left behind %v (%v), want nothing", left, err)
	}
}
