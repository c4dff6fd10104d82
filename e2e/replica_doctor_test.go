//go:build unix

package e2e_test

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

// rollcall doctor lists the replicas, the number of people on each, and the repairs they made after keys were tampered
// with.
func TestReplicaDoctor(t *testing.T) {
	patient(t)
	s := newScene(t, setting{})
	s.begin()
	a, b := s.replicas[0], s.replicas[1]
	for user := range 3 {
		s.mustOpen(user, a)
	}
	s.mustOpen(3, b)
	doctor := func() string {
		cmd := exec.Command(binary, "doctor", "--db", a.db, "--addr", a.addr)
		cmd.Env = append(cleanEnv(), "REDIS_URL="+a.redis)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("rollcall doctor: %v\n%s", err, out)
		}
		return string(out)
	}
	says := func(pattern string) {
		t.Helper()
		want := regexp.MustCompile("(?m)" + pattern)
		var got string
		for deadline := time.Now().Add(startWait); time.Now().Before(deadline); s.wait(100 * time.Millisecond) {
			if got = doctor(); want.MatchString(got) {
				return
			}
		}
		t.Errorf("rollcall doctor printed\n%swant a line like %s", got, pattern)
	}
	says(`^redis +reached in .+, changes are announced$`)
	says(`^address +\S+: Rollcall is running and ready$`)
	says(`^people +4 with a connection$`)
	says(`^verdict +no problems$`)
	says(`^\S+ +3 +\S+s +none +renewed \S+ ago$`)
	says(`^\S+ +1 +\S+s +none +renewed \S+ ago$`)

	for _, key := range s.redis.keys("rollcall:presence:*") {
		fields, err := s.redis.do("HGETALL", key).AsStrMap()
		if err != nil {
			t.Fatal(err)
		}
		for replica := range fields {
			s.redis.do("HSET", key, replica, "0 "+strings.Repeat("9", 12))
		}
	}
	says(`^\S+ +3 +\S+s +3 repaired, the last \d+s ago; 0 resyncs +renewed \S+ ago$`)
	says(`^\S+ +1 +\S+s +1 repaired, the last \d+s ago; 0 resyncs +renewed \S+ ago$`)
}
