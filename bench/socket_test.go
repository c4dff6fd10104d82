package main

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/gorilla/websocket"
)

func TestCrowdSpreadsOverServers(t *testing.T) {
	var opened [2]atomic.Int64
	var bases []*url.URL
	for i := range opened {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			opened[i].Add(1)
			conn, err := (&websocket.Upgrader{}).Upgrade(w, r, nil)
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			_, _, _ = conn.ReadMessage() // until it is closed
		}))
		defer s.Close()
		base, err := url.Parse(s.URL)
		if err != nil {
			t.Fatal(err)
		}
		bases = append(bases, base)
	}
	c := newCrowd(bases...)
	defer c.close()
	if _, err := c.dialAll(t.Context(), people("user", 7, 0), 3, "", "bench", nil); err != nil {
		t.Fatal(err)
	}
	if got, want := []int64{opened[0].Load(), opened[1].Load()}, []int64{4, 3}; !slices.Equal(got, want) {
		t.Errorf("dialAll(7 people) on two servers opened %v sockets, want %v", got, want)
	}
}
