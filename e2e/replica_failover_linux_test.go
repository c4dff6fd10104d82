package e2e_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"rollcall/accounts/pgtest"
)

// failover is a scene whose accounts are in a Postgres with a standby, which gets changes through link.
type failover struct {
	*scene
	primary, standby *pgtest.Server
	link             *proxy
}

const failoverBound = 10 * time.Second // promised: from the promotion until everything works

// newFailover starts both servers, with synchronous commit, and two replicas that know the addresses of both.
func newFailover(t *testing.T) *failover {
	t.Helper()
	primary, err := pgtest.StartPrimary() // before the scene, so that it stops after it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(primary.Stop)
	f := &failover{primary: primary, link: newProxy(t, primary.Address())}
	if f.standby, err = primary.Standby("spare", f.link.addr()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.standby.Stop)
	f.must(t, primary.Exec("postgres", "CREATE ROLE rollcall LOGIN", "CREATE DATABASE rollcall OWNER rollcall"),
		primary.Synchronous("spare"))
	f.scene = newScene(t, setting{flags: []string{"--limit-signups=0", "--webhook-allow=127.0.0.1"}})
	database := "DATABASE_URL=postgres://rollcall@" + primary.Address() + "," + f.standby.Address() +
		"/rollcall?target_session_attrs=read-write&sslmode=disable"
	copied := exec.Command(binary, "db", "copy", "--from", f.replicas[0].db)
	copied.Env = append(cleanEnv(), database)
	if out, err := copied.CombinedOutput(); err != nil {
		t.Fatalf("rollcall db copy: %v\n%s", err, out)
	}
	for _, r := range f.replicas {
		r.env, r.faulty = []string{database}, true
	}
	f.begin()
	f.watch()
	f.fill(crowdSize() / 2)
	f.settle(healBound)
	f.wantDoctor(primary.Address()+" takes writes (timeline 1), "+f.standby.Address()+" is a standby",
		"wait for a standby (spare), 1 replication connection", "no problems")
	return f
}

func (f *failover) must(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// wantDoctor fails the test unless rollcall doctor says all of this.
func (f *failover) wantDoctor(says ...string) {
	f.t.Helper()
	cmd := exec.Command(binary, "doctor", "--addr", f.replicas[0].addr)
	cmd.Env = append(append(cleanEnv(), "REDIS_URL="+f.replicas[0].redis), f.replicas[0].env...)
	out, err := cmd.CombinedOutput()
	for _, text := range says {
		if !strings.Contains(string(out), text) {
			f.t.Errorf("rollcall doctor (%v) doesn't say %q:\n%s", err, text, out)
		}
	}
}

// signUps signs people up at all replicas until stop.
type signUps struct {
	f       *failover
	running sync.WaitGroup
	over    atomic.Bool

	mu           sync.Mutex
	acknowledged []string       // guarded by mu, like all below
	refused      map[string]int // by heading of the page
	strange      []string       // answers that are neither
}

func (f *failover) startSignUps() *signUps {
	s := &signUps{f: f, refused: map[string]int{}}
	for i, r := range f.replicas {
		s.running.Go(func() {
			for n := 0; !s.over.Load(); n++ {
				s.signUp(r, fmt.Sprintf("zzz%d.%d", i, n))
				time.Sleep(20 * time.Millisecond)
			}
		})
	}
	return s
}

func (s *signUps) signUp(r *replica, name string) {
	client := &http.Client{Timeout: startWait, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.PostForm(r.url+"/signup", url.Values{"username": {name}, "password": {password}})
	if err != nil {
		s.note(func() { s.strange = append(s.strange, err.Error()) })
		return
	}
	defer answer.Body.Close()
	body, _ := io.ReadAll(answer.Body)
	_, heading, _ := strings.Cut(string(body), "<h1")
	_, heading, _ = strings.Cut(heading, ">")
	heading, _, _ = strings.Cut(heading, "<")
	s.note(func() {
		switch {
		case answer.StatusCode == http.StatusSeeOther:
			s.acknowledged = append(s.acknowledged, name)
		case answer.StatusCode == http.StatusServiceUnavailable && answer.Header.Get("Retry-After") != "":
			s.refused[heading]++
		default:
			s.strange = append(s.strange, fmt.Sprintf("%s %q", answer.Status, heading))
		}
	})
}

func (s *signUps) note(do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	do()
}

func (s *signUps) counts() (acknowledged, refused int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.refused {
		refused += n
	}
	return len(s.acknowledged), refused
}

// more waits until n more people have signed up.
func (s *signUps) more(n int, limit time.Duration) time.Duration {
	s.f.t.Helper()
	before, _ := s.counts()
	return s.f.until(fmt.Sprintf("%d more people have signed up", n), limit, func() bool {
		now, _ := s.counts()
		return now >= before+n
	})
}

// stop fails the test if somebody who signed up has no account.
func (s *signUps) stop() {
	s.f.t.Helper()
	s.over.Store(true)
	s.running.Wait()
	there := map[string]bool{}
	for line := range strings.Lines(s.f.replicas[0].command("user", "list")) {
		name, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		there[name] = true
	}
	var lost []string
	for _, name := range s.acknowledged {
		if !there[name] {
			lost = append(lost, name)
		}
	}
	s.f.t.Logf("%d people signed up; refused: %v", len(s.acknowledged), s.refused)
	s.f.wantNone("people signed up and have no account", lost)
	s.f.wantNone("answers to a sign-up other than 303, or 503 with Retry-After", s.strange)
}

// failures are the ways in which the primary ends. Each is followed by the promotion of the standby.
var failures = map[string]func(*pgtest.Server) error{
	"killed":  (*pgtest.Server).Kill,
	"stopped": func(s *pgtest.Server) error { s.Stop(); return nil },
	"frozen":  (*pgtest.Server).Freeze,
}

// While people sign up, the primary is lost and its standby promoted. Nobody who signed up loses their account, pages
// in the meantime say that nothing can be saved, nobody on the board is shown as gone, and everything works within 10 s
// of the promotion. Webhooks go on, too.
func TestReplicaFailover(t *testing.T) {
	t.Parallel()
	for name, fail := range failures {
		if name != "killed" && !chaos {
			continue // accounts tests all of them, without replicas
		}
		t.Run(name, func(t *testing.T) {
			patient(t)
			f := newFailover(t)
			inbox := &hookInbox{knows: map[string]string{}, ids: map[string]bool{}}
			receiver := httptest.NewServer(inbox)
			defer receiver.Close()
			owner := f.cast.cookies[userName(0)]
			postAs(t, f.replicas[0], owner, "/settings/hooks/new", url.Values{"name": {"Lamp"}, "url": {receiver.URL},
				"format": {"standard"}, "about": {"all"}, "states": {"on"}, "settle": {"0"},
				"confirm_password": {password}}, http.StatusOK) // the cast may have signed in too long ago to be trusted
			s := f.startSignUps()
			s.more(10, startWait)
			f.must(t, fail(f.primary))
			_, before := s.counts()
			f.until("sign-ups are refused", startWait, func() bool { _, now := s.counts(); return now > before })
			f.wait(2 * time.Second)
			f.must(t, f.standby.Promote())
			promoted := time.Now()
			took := s.more(2, startWait)
			for _, r := range f.replicas {
				f.until(r.name+" is ready", startWait, r.ready)
			}
			f.settle(startWait)
			well := time.Since(promoted)
			t.Logf("sign-ups work %v after the promotion, everything %v", took.Round(time.Millisecond), well.Round(time.Millisecond))
			if well > failoverBound {
				t.Errorf("everything works %v after the promotion, want %v or less", well, failoverBound)
			}
			if name == "frozen" {
				f.must(t, f.primary.Resume())
				s.more(10, startWait)
				f.wantDoctor("several servers take writes")
			}
			s.stop()
			known := inbox.messages()
			postAs(t, f.replicas[1], owner, "/me/status", url.Values{"state": {"dnd"}}, http.StatusSeeOther)
			f.until("the webhook is told of a change", time.Minute, func() bool { return inbox.messages() > known })
			f.settle(healBound)
			f.report()
			f.wantDoctor(f.standby.Address() + " takes writes (timeline 2)")
		})
	}
}

// Without synchronous commit, the standby may lack what was committed last. Every replica takes it back, although the
// new primary gave the same revs to other changes before a replica could look.
func TestReplicaFailoverLosesChanges(t *testing.T) {
	patient(t)
	f := newFailover(t)
	f.must(t, f.primary.Synchronous(""))
	f.link.freeze()
	busy := userName(0)
	f.must(t, signedUp(f.replicas[1], "a-lost"))
	postAs(t, f.replicas[0], f.cast.cookies[busy], "/me/status", url.Values{"state": {"dnd"}}, http.StatusSeeOther)
	f.showEverywhere(busy, "dnd")
	f.showEverywhere("a-lost", "offline")
	f.wantDoctor("don't wait for a streaming standby", "a failover can lose the last changes")
	f.signalReplicas(syscall.SIGSTOP)
	f.must(t, f.primary.Kill(), f.standby.Promote(),
		f.standby.Exec("rollcall", "UPDATE meta SET value = value + 100 WHERE name = 'rev'"))
	f.signalReplicas(syscall.SIGCONT)
	f.until("a-new has signed up", startWait, func() bool { return signedUp(f.replicas[0], "a-new") == nil })
	f.showEverywhere("a-new", "offline")
	f.showEverywhere(busy, "online")
	f.until("no page lists a-lost, whose account is lost", startWait, func() bool {
		return !slices.ContainsFunc(f.watchers, func(w *watcher) bool { return w.lists("a-lost") })
	})
	f.settle(healBound)
}

// showEverywhere waits until a page of each replica shows a person in a state, and no page in another one. Pages of a
// large crowd don't list everybody.
func (f *failover) showEverywhere(username, state string) {
	f.t.Helper()
	f.until("all pages show "+username+" as "+state, startWait, func() bool {
		shows := map[*replica]bool{}
		for _, w := range f.watchers {
			switch w.state(username) {
			case state:
				shows[w.r] = true
			case "": // not on this page
			default:
				return false
			}
		}
		return len(shows) == len(f.replicas)
	})
}

func (f *failover) signalReplicas(sig syscall.Signal) {
	f.t.Helper()
	for _, r := range f.replicas {
		f.must(f.t, r.cmd.Process.Signal(sig))
	}
}

func signedUp(r *replica, name string) error {
	answer, err := postForm(r.url+"/signup", name, password)
	if err == nil && answer.StatusCode != http.StatusSeeOther {
		err = fmt.Errorf("POST /signup = %s", answer.Status)
	}
	return err
}
