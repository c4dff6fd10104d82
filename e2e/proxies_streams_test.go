//go:build linux

package e2e_test

import (
	"net/http"
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
		r.Header.Set("Accept-Encoding", "gzip") // which must not make the proxy gather events
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
