package handlers

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"rollcall/accounts"
	"rollcall/accounts/pgtest"
)

// lateLink forwards TCP connections and delays every byte, like a long network path. It doesn't limit the throughput.
type lateLink struct {
	listener net.Listener
	target   string
	late     time.Duration // one way
	work     sync.WaitGroup

	mu    sync.Mutex
	conns []net.Conn // guarded by mu
}

// newLateLink forwards to target until the test ends. A round trip takes trip longer.
func newLateLink(t testing.TB, target string, trip time.Duration) *lateLink {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	k := &lateLink{listener: l, target: target, late: trip / 2}
	k.work.Go(k.accept)
	t.Cleanup(func() {
		_ = l.Close()
		k.mu.Lock()
		for _, c := range k.conns {
			_ = c.Close()
		}
		k.mu.Unlock()
		k.work.Wait()
	})
	return k
}

func (k *lateLink) accept() {
	for {
		near, err := k.listener.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", k.target)
		if err != nil {
			_ = near.Close()
			continue
		}
		k.mu.Lock()
		k.conns = append(k.conns, near, far)
		k.mu.Unlock()
		k.work.Go(func() { k.carry(near, far) })
		k.work.Go(func() { k.carry(far, near) })
	}
}

// carry moves bytes one way.
func (k *lateLink) carry(from, to net.Conn) {
	type parcel struct {
		due  time.Time
		data []byte
	}
	underway := make(chan parcel, 1024)
	k.work.Go(func() {
		defer to.Close()
		for p := range underway {
			time.Sleep(time.Until(p.due))
			if _, err := to.Write(p.data); err != nil {
				_ = from.Close() // ends the reading below
			}
		}
	})
	defer close(underway)
	for {
		data := make([]byte, 16<<10)
		n, err := from.Read(data)
		if err != nil {
			return
		}
		underway <- parcel{time.Now().Add(k.late), data[:n]}
	}
}

// farPostgres is a change for newFixture: accounts in a real Postgres with a round trip of trip and a pool of conns
// connections.
func farPostgres(t testing.TB, trip time.Duration, conns int) func(*Config) {
	t.Helper()
	server, err := pgtest.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	k := newLateLink(t, fmt.Sprintf("127.0.0.1:%d", server.Port), trip)
	return func(cfg *Config) {
		url := fmt.Sprintf("postgres://postgres@%s/postgres?sslmode=disable", k.listener.Addr())
		store, err := accounts.Open(t.Context(), accounts.Config{CheapHashes: true, URL: url, Conns: conns, Log: cfg.Log})
		if err != nil {
			t.Fatalf("accounts.Open = %v", err)
		}
		t.Cleanup(func() { _ = store.Close() })
		cfg.Accounts = store
	}
}

// loadAtOnce lets n visitors load the board at once, each of them several times. It returns how often the accounts were
// queried for changes meanwhile.
func (f *fixture) loadAtOnce(b *browser, n, times int) (looks uint64) {
	f.t.Helper()
	before := f.looks()
	failed := make(chan string, n)
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			for range times {
				if status := f.load(b); status != http.StatusOK {
					failed <- fmt.Sprint(status)
					return
				}
			}
		})
	}
	all.Wait()
	if len(failed) > 0 {
		f.t.Fatalf("%d of %d pages failed, the first with %s", len(failed), n, <-failed)
	}
	return f.looks() - before
}

// load loads the board and returns the response's status. Unlike browser.get, it may be called from many goroutines.
func (f *fixture) load(b *browser) (status int) {
	r, err := http.NewRequestWithContext(f.t.Context(), http.MethodGet, "/", nil)
	if err != nil {
		return 0
	}
	r.Host, r.RemoteAddr = b.host, b.remote
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	w := newStatusOnly()
	f.handler.ServeHTTP(w, r)
	return w.status
}

func (f *fixture) looks() uint64 {
	return f.server.live.Stats().Reads
}

// statusOnly is an http.ResponseWriter that keeps only the status.
type statusOnly struct {
	io.Writer
	header http.Header
	status int
}

func newStatusOnly() *statusOnly { return &statusOnly{io.Discard, http.Header{}, http.StatusOK} }

func (d *statusOnly) Header() http.Header    { return d.header }
func (d *statusOnly) WriteHeader(status int) { d.status = status }

// TestPageLoadsShareTheirLooks: one query for changes serves all page loads that wait for it.
func TestPageLoadsShareTheirLooks(t *testing.T) {
	t.Parallel()
	f := newFixture(t, quick, farPostgres(t, 20*time.Millisecond, 0))
	f.person("ada")
	b := f.browser()
	b.enter("ada")
	b.get("/")
	const pages = 100
	if looks := f.loadAtOnce(b, pages, 1); looks > pages/2 {
		t.Errorf("%d page loads at once queried the accounts for changes %d times, want at most %d", pages, looks, pages/2)
	}
}

// BenchmarkPagesFarDatabase measures how many pages per second a board with a distant Postgres serves to 100 visitors
// at once. Each page reads its session, so the number of connections is the limit.
func BenchmarkPagesFarDatabase(b *testing.B) {
	const visitors, times = 100, 10
	for _, trip := range []time.Duration{0, 20 * time.Millisecond, 80 * time.Millisecond} {
		for _, conns := range []int{accounts.DefaultConns, 4 * accounts.DefaultConns} {
			b.Run(fmt.Sprintf("%s/conns=%d", trip, conns), func(b *testing.B) {
				f := newFixture(b, quick, farPostgres(b, trip, conns))
				f.person("ada")
				ada := f.browser()
				ada.enter("ada")
				f.loadAtOnce(ada, visitors, 1) // opens the connections
				var looks uint64
				for b.Loop() {
					looks += f.loadAtOnce(ada, visitors, times)
				}
				pages := float64(visitors * times * b.N)
				b.ReportMetric(pages/b.Elapsed().Seconds(), "pages/s")
				b.ReportMetric(float64(looks)/pages, "looks/page")
			})
		}
	}
}
