//go:build unix

package e2e_test

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// proof selects the long versions of the tests in this file, as `make proof` does. The short ones run the same code.
var proof = os.Getenv("ROLLCALL_PROOF") == "full"

// proving returns short, or long if proof is set.
func proving[T any](short, long T) T {
	if proof {
		return long
	}
	return short
}

// TestKilledDuringSignUps: sixteen clients sign people up, and the process is killed at random times and restarted.
// Everyone whose sign-up succeeded can sign in.
func TestKilledDuringSignUps(t *testing.T) {
	if !proof { // otherwise it runs alone, because it measures starts
		patient(t)
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	s := startServer(t, "--limit-signups=0", "--limit-logins=0", "--access-log=off")
	var acknowledged []string
	kills := proving(5, 50)
	for kill := range kills {
		after := time.Duration(rnd.IntN(300)) * time.Millisecond
		acknowledged = append(acknowledged, s.signUpUntilKilled(fmt.Sprintf("k%d", kill), after)...)
		began := time.Now()
		s.start()
		if took := time.Since(began); proof && took > 3*time.Second {
			t.Errorf("the start after kill %d took %v, want 3 s or less", kill+1, took)
		}
	}
	if len(acknowledged) < kills {
		t.Fatalf("%d accounts were acknowledged over %d kills, too few to prove anything", len(acknowledged), kills)
	}
	s.wantAccounts(acknowledged)
	t.Logf("%d kills, %d accounts acknowledged, all of them can sign in", kills, len(acknowledged))
}

// signUpUntilKilled kills the process some time after it acknowledged the first sign-up. It returns all usernames that
// were acknowledged.
func (s *server) signUpUntilKilled(prefix string, after time.Duration) (acknowledged []string) {
	client := &http.Client{
		Timeout: startWait, Transport: &http.Transport{MaxIdleConnsPerHost: 16},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	defer client.CloseIdleConnections()
	var mu sync.Mutex
	var clients sync.WaitGroup
	first, begun := make(chan struct{}), sync.Once{}
	for worker := range 16 {
		clients.Go(func() {
			for i := 0; ; i++ {
				name := fmt.Sprintf("%s.%d.%d", prefix, worker, i)
				answer, err := client.PostForm(s.url+"/signup", url.Values{"username": {name}, "password": {password}})
				if err != nil {
					return // killed
				}
				answer.Body.Close()
				if answer.StatusCode == http.StatusSeeOther {
					mu.Lock()
					acknowledged = append(acknowledged, name)
					mu.Unlock()
					begun.Do(func() { close(first) })
				}
			}
		})
	}
	select {
	case <-first:
	case <-time.After(startWait):
		s.t.Errorf("nobody was signed up within %v", startWait)
	}
	<-time.After(after)
	s.kill()
	clients.Wait()
	return acknowledged
}

// wantAccounts signs everyone in.
func (s *server) wantAccounts(names []string) {
	s.t.Helper()
	each(s.t, 4, len(names), func(i int) error {
		_, err := login(s.url, names[i], password)
		if err != nil {
			err = fmt.Errorf("%s was acknowledged and cannot sign in: %w", names[i], err)
		}
		return err
	})
}

// size is what a process uses, by its own metrics. files excludes the two files of each database reader, because these
// connections are opened on demand and kept.
type size struct{ goroutines, files, heap float64 }

// sizeOf reads the size at the addresses for metrics and profiles, after a garbage collection.
func (s *server) sizeOf(metrics, debug string) size {
	s.t.Helper()
	for range 2 { // objects with finalizers are freed by the second
		fetch(s.t, "http://"+debug+"/debug/pprof/heap?gc=1")
	}
	values := map[string]float64{}
	lines := bufio.NewScanner(strings.NewReader(fetch(s.t, "http://"+metrics+"/metrics")))
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), " ")
		values[name], _ = strconv.ParseFloat(value, 64)
	}
	readers, known := values[`rollcall_sql_connections{pool="reader"}`]
	if !known {
		s.t.Fatal("the metrics don't have the number of open database connections")
	}
	return size{values["go_goroutines"], values["process_open_fds"] - 2*readers,
		values["go_memstats_heap_alloc_bytes"] / (1 << 20)}
}

func fetch(t *testing.T, address string) string {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: startWait}
	answer, err := client.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var text strings.Builder
	if _, err := bufio.NewReader(answer.Body).WriteTo(&text); err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("GET %s = %d, %v", address, answer.StatusCode, err)
	}
	return text.String()
}

// The number of people in the soak test, and how many connections each has at most.
const (
	soakers  = 24
	soakTabs = 5
)

// soakSignIns is how often each person signs in at most. A person may do so 100 times in 15 minutes.
const soakSignIns = 80

// TestSoak: people connect, leave, reload, sign in, and change their status for a while. Afterward the process uses no
// more resources than before.
func TestSoak(t *testing.T) {
	patient(t)
	metrics, debug := freeAddr(t), freeAddr(t)
	s := startServer(t, "--grace-clean=100ms", "--grace-dropped=200ms", "--limit-signups=0", "--limit-logins=0",
		"--limit-acts=0", "--access-log=off",
		"--metrics-addr="+metrics, "--debug-addr="+debug)
	var cookies []string
	for i := range soakers {
		cookies = append(cookies, cookieHeader(s.signUp(fmt.Sprint("soak", i))))
	}
	s.churn(cookies, time.Second) // creates what is created once and kept
	s.wantEmpty(metrics)
	base := s.sizeOf(metrics, debug)
	actions, peak := s.churn(cookies, proving(8*time.Second, 10*time.Minute)), s.sizeOf(metrics, debug)
	s.wantEmpty(metrics)
	var end size
	for deadline := time.Now().Add(patience); ; { // keep-alive connections take a while to close
		end = s.sizeOf(metrics, debug)
		if end.goroutines <= base.goroutines+10 && end.files <= base.files+2 && end.heap <= 1.2*base.heap+1 {
			break
		}
		if time.Now().After(deadline) {
			t.Errorf("after the soak the process uses %+v, want at most 10 goroutines, 2 files, and a fifth of the heap more than %+v",
				end, base)
			break
		}
	}
	t.Logf("%d actions; before %+v, right after the last %+v, at rest %+v", actions, base, peak, end)
}

// soaker is one person in the soak test, with their open connections.
type soaker struct {
	s       *server
	cookie  string
	rnd     *rand.Rand
	open    []*websocket.Conn
	client  *http.Client
	signIns int
}

// churn has everyone do random things for a time and then leave. It returns the number of actions.
func (s *server) churn(cookies []string, during time.Duration) int {
	s.t.Helper()
	var actions atomic.Int64
	client := &http.Client{Timeout: startWait, Transport: &http.Transport{MaxIdleConnsPerHost: 8},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	end := time.Now().Add(during)
	each(s.t, len(cookies), len(cookies), func(i int) error {
		p := &soaker{s: s, cookie: cookies[i], rnd: rand.New(rand.NewPCG(uint64(i), uint64(during))), client: client}
		defer p.leave()
		for time.Now().Before(end) {
			if err := p.act(i); err != nil {
				return err
			}
			actions.Add(1)
			time.Sleep(time.Duration(p.rnd.IntN(500)) * time.Millisecond) // paces the load; nothing waits for it
		}
		return nil
	})
	return int(actions.Load())
}

// act does one random thing that people do.
func (p *soaker) act(who int) error {
	switch n := p.rnd.IntN(100); {
	case n < 35 && len(p.open) < soakTabs:
		conn, answer, err := dialer.Dial("ws://"+p.s.addr+"/ws", http.Header{"Origin": {p.s.url}, "Cookie": {p.cookie}})
		if err != nil {
			return fmt.Errorf("open a connection: %w (%v)", err, answer)
		}
		p.open = append(p.open, conn)
		go drainFrames(conn)
		return conn.WriteMessage(websocket.TextMessage, []byte("a"))
	case n < 60 && len(p.open) > 0:
		conn := p.open[0]
		p.open = p.open[1:]
		if n%2 == 0 {
			_ = conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseGoingAway, ""),
				time.Now().Add(time.Second))
		}
		return conn.Close()
	case n < 62 && p.signIns < soakSignIns:
		p.signIns++
		_, err := login(p.s.url, fmt.Sprint("soak", who), password)
		return err
	case n < 75:
		return p.ask(http.MethodPost, "/me/status", url.Values{"text": {fmt.Sprint("text ", n)}}.Encode(),
			http.StatusSeeOther)
	case n < 90:
		return p.ask(http.MethodGet, "/", "", http.StatusOK)
	default:
		return p.ask(http.MethodGet, "/me", "", http.StatusOK)
	}
}

func (p *soaker) ask(method, path, form string, want int) error {
	request, err := http.NewRequest(method, p.s.url+path, strings.NewReader(form))
	if err != nil {
		return err
	}
	request.Header.Set("Cookie", p.cookie)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := p.client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return err
	}
	if answer.StatusCode != want {
		return fmt.Errorf("%s %s = %d, want %d", method, path, answer.StatusCode, want)
	}
	return nil
}

func (p *soaker) leave() {
	for _, conn := range p.open {
		_ = conn.Close()
	}
}

// drainFrames reads until the connection ends. Reading also answers pings.
func drainFrames(conn *websocket.Conn) {
	for {
		if _, _, err := conn.NextReader(); err != nil {
			return
		}
	}
}

func cookieHeader(cookies []*http.Cookie) string {
	var all []string
	for _, c := range cookies {
		all = append(all, c.Name+"="+c.Value)
	}
	return strings.Join(all, "; ")
}

// wantEmpty waits until no live connection is left.
func (s *server) wantEmpty(metrics string) {
	s.t.Helper()
	for deadline := time.Now().Add(patience); ; {
		text := fetch(s.t, "http://"+metrics+"/metrics")
		if strings.Contains(text, `rollcall_connections{tab="seen"} 0`) &&
			strings.Contains(text, `rollcall_connections{tab="hidden"} 0`) {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatal("live connections are left after all clients closed theirs")
		}
	}
}
