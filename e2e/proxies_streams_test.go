//go:build linux

package e2e_test

import (
	"net/http"
	"testing"
	"time"
)

// openStreams opens streams through the proxy, and checks that it passes every event on at once.
func (v *proxyClient) openStreams(s *server) []*streamReader {
	v.t.Helper()
	client := *v.client
	client.Timeout = 0
	var all []*streamReader
	for _, accept := range []string{"application/x-ndjson", "text/event-stream"} {
		r, err := http.NewRequest(http.MethodGet, "https://"+v.g.host+v.base+"/api/v1/stream", nil)
		if err != nil {
			v.t.Fatal(err)
		}
		r.Header.Set("Accept", accept)
		all = append(all, readStream(v.t, &client, r))
	}
	for _, x := range all {
		x.until(patience, `"snapshot"`)
	}
	s.addUser("streamed")
	for _, x := range all {
		took := x.until(patience, `"change"`, `"user":"streamed"`)
		v.t.Logf("a change passed the proxy within %v", took.Round(time.Millisecond))
	}
	return all
}

// A proxy that gathers and compresses everything else still passes the events of streams on at once.
func TestStreamsThroughGatheringProxy(t *testing.T) {
	patient(t)
	s := startServer(t, "--public-url=https://board.example.org/", "--trusted-proxies=127.0.0.1", "--signup=open")
	g := startNginx(t, "root.conf", "board.example.org", s, "proxy_buffering off;", "gzip on; gzip_types *;")
	anna := g.visitor(t, "127.0.0.1")
	anna.checkSignUp("anna")
	anna.openStreams(s)
}
