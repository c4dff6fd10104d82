//go:build unix

package e2e_test

import (
	"net/http"
	"testing"
)

// A change on one replica reaches a stream on the other one, and a session that ends on one ends streams on the other.
func TestReplicaStreams(t *testing.T) {
	patient(t)
	s := newScene(t, setting{})
	s.begin()
	a, b := s.replicas[0], s.replicas[1]
	r, err := http.NewRequest(http.MethodGet, b.url+"/api/v1/stream?user="+userName(1), nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Cookie", s.cast.cookies[userName(0)])
	x := readStream(t, http.DefaultClient, r)
	x.until(patience, `"snapshot"`, userName(1))
	tab := s.mustOpen(1, a)
	t.Logf("online at A, told by B after %v", x.until(patience, `"change"`, `"state":"online"`))
	a.cli("passwd", userName(1), "--password-stdin")
	t.Logf("signed out at A, told by B after %v", x.until(patience, `"change"`, `"state":"offline"`))
	tab.leave()
	a.cli("passwd", userName(0), "--password-stdin")
	s.until("the stream at B has ended, because its reader's session has", patience, x.over)
}
