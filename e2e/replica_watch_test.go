//go:build unix

package e2e_test

import (
	"bytes"
	"fmt"
	"html"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// view is what a client was shown, from frames or pages.
type view struct {
	name string

	mu           sync.Mutex
	states       map[string]string // as last shown, by username; guarded by mu, like all below
	names        map[string]string
	stale        map[string]bool   // rows marked as stale
	listed       map[string]string // usernames of the list, by the id of the row; nil before the first full list
	observations map[int][]observation
	lost         string // the message about other servers
	said         []string
}

func newView(name string) *view {
	return &view{name: name, states: map[string]string{}, names: map[string]string{}, stale: map[string]bool{},
		observations: map[int][]observation{}}
}

var (
	rowStart = regexp.MustCompile(`<li [^>]*data-user="[^>]*>`)
	userAttr = []byte(`data-user="`)
	stateOf  = []byte(`data-state="`)
	rowAttr  = []byte(` id="`)
	nameAttr = []byte(`<bdi>`)
	deletion = regexp.MustCompile(`<hx-partial id="([^"]*)" hx-swap="delete">`)
	lostPart = regexp.MustCompile(`(?s)id="lost"[^>]*>(.*?)</(?:hx-partial|p)>`)
	tagged   = regexp.MustCompile(`<[^>]*>`)
)

// take records every row in a page or frame.
func (v *view) take(data []byte, seen time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if m := lostPart.FindSubmatch(data); m != nil {
		if text := tagged.ReplaceAllString(string(m[1]), ""); text != v.lost {
			v.lost = text
			v.said = append(v.said, text)
		}
	}
	whole := bytes.Contains(data, []byte(`id="list"`))
	if whole {
		v.listed = map[string]string{}
	}
	for _, m := range deletion.FindAllSubmatch(data, -1) {
		delete(v.listed, string(m[1]))
	}
	for {
		at := rowStart.FindIndex(data)
		if at == nil {
			return
		}
		tag := data[at[0]:at[1]]
		data = data[at[1]:]
		user, state := string(after(tag, userAttr)), string(after(tag, stateOf))
		if v.listed != nil {
			v.listed[string(after(tag, rowAttr))] = user
		}
		if bytes.Contains(tag, []byte(`class="p`)) { // other rows leave out what is as before
			name := data[max(0, bytes.Index(data, nameAttr))+len(nameAttr):]
			v.names[user] = html.UnescapeString(string(before(name, '<')))
		}
		v.stale[user] = bytes.Contains(tag, []byte(" data-stale"))
		if v.states[user] == state {
			continue
		}
		v.states[user] = state
		if n, ok := userNumber(user); ok {
			v.observations[n] = append(v.observations[n], observation{seen, state})
		}
	}
}

// lists reports whether a person is on the list. It's true before the first full list.
func (v *view) lists(username string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.listed == nil || slices.Contains(slices.Collect(maps.Values(v.listed)), username)
}

// before returns data up to the first end.
func before(data []byte, end byte) []byte {
	return data[:max(0, bytes.IndexByte(data, end))]
}

// after returns the value of the first attribute attr.
func after(data, attr []byte) []byte {
	i := bytes.Index(data, attr)
	if i < 0 {
		return nil
	}
	return before(data[i+len(attr):], '"')
}

func userNumber(name string) (int, bool) {
	if len(name) != 5 || name[0] != 'u' {
		return 0, false
	}
	n, err := strconv.Atoi(name[1:])
	return n, err == nil
}

func (v *view) state(username string) string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.states[username]
}

func (v *view) nameOf(username string) string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.names[username]
}

func (v *view) notLive() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.lost
}

// everSaid returns all messages about other servers so far.
func (v *view) everSaid() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.said)
}

// staleCount returns how many people are shown present, and how many of those are marked as stale.
func (v *view) staleCount() (stale, present int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for user, state := range v.states {
		if state == "offline" {
			continue
		}
		present++
		if v.stale[user] {
			stale++
		}
	}
	return stale, present
}

func (v *view) record() record {
	v.mu.Lock()
	defer v.mu.Unlock()
	observations := make(map[int][]observation, len(v.observations))
	for u, s := range v.observations {
		observations[u] = slices.Clone(s)
	}
	return record{name: v.name, observations: observations}
}

// watcher is a live page. Like a page in a browser, it keeps what it shows when its connection ends. It reconnects to
// the same replica.
type watcher struct {
	*view
	s      *scene
	r      *replica
	query  string // of the page: "" or for example "?after=…"
	cookie string

	conn *websocket.Conn // guarded by view.mu, like all below
	ups  []span          // the last one has no end while the connection is open
	gone bool
}

// watchersPerPage is the number of watchers on each page of each replica.
const watchersPerPage = 2

// watch opens watchers at every replica on every page with people of the crowd.
func (s *scene) watch() {
	s.t.Helper()
	queries := s.queries()
	n := 0
	for _, r := range s.replicas {
		for range watchersPerPage {
			for _, q := range queries {
				name := watcherName(n % watcherCount)
				w := &watcher{view: newView(fmt.Sprintf("%s at %s", name, r.name)), s: s, r: r, query: q,
					cookie: s.cast.cookies[name]}
				n++
				path, err := w.load()
				if err != nil {
					s.t.Fatal(err)
				}
				conn, err := dialSocket(r, path, w.cookie)
				if err != nil {
					s.t.Fatal(err)
				}
				w.connected(conn)
				s.watchers = append(s.watchers, w)
				s.work.Go(func() { w.run(path, conn) })
			}
		}
	}
}

var (
	socketAttr = []byte(`hx-ws:connect="`)
	nextLink   = regexp.MustCompile(`<a rel="next" href="/([^"]*)"`)
)

// queries returns the queries of all pages with people of the crowd.
func (s *scene) queries() []string {
	s.t.Helper()
	queries := []string{"?show=everyone"}
	for {
		body, _, err := s.get(s.replicas[0], "/"+queries[len(queries)-1])
		if err != nil {
			s.t.Fatal(err)
		}
		m := nextLink.FindSubmatch(body)
		if m == nil || len(queries)*200 >= s.cast.people {
			return queries
		}
		queries = append(queries, html.UnescapeString(string(m[1])))
	}
}

var pageClient = &http.Client{Timeout: 15 * time.Second,
	Transport: &http.Transport{MaxIdleConnsPerHost: 8, IdleConnTimeout: time.Second}}

// get loads a page as the last watcher.
func (s *scene) get(r *replica, path string) ([]byte, time.Duration, error) {
	return s.getAs(r, path, s.cast.cookies[watcherName(watcherCount-1)])
}

func (s *scene) getAs(r *replica, path, cookie string) ([]byte, time.Duration, error) {
	req, err := http.NewRequest(http.MethodGet, r.url+path, nil)
	if err != nil {
		return nil, 0, err
	}
	req.Header.Set("Cookie", cookie)
	began := time.Now()
	answer, err := pageClient.Do(req)
	if err != nil {
		return nil, time.Since(began), err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("GET %s at %s = %d, want 200", path, r.name, answer.StatusCode)
	}
	return body, time.Since(began), err
}

// load loads the page and returns the path of its socket.
func (w *watcher) load() (socket string, err error) {
	body, _, err := w.s.getAs(w.r, "/"+w.query, w.cookie)
	if err != nil {
		return "", err
	}
	w.take(body, time.Now())
	return html.UnescapeString(string(after(body, socketAttr))), nil
}

func (w *watcher) connected(conn *websocket.Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.conn = conn
	w.ups = append(w.ups, span{from: time.Now()})
}

func (w *watcher) disconnected() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.conn = nil
	w.ups[len(w.ups)-1].to = time.Now()
}

// run reads the socket, and reconnects, until the scene ends.
func (w *watcher) run(path string, conn *websocket.Conn) {
	for {
		for {
			_, frame, err := conn.ReadMessage()
			if err != nil {
				break
			}
			w.take(frame, time.Now())
		}
		_ = conn.Close()
		w.disconnected()
		for {
			select {
			case <-w.s.quit:
				return
			case <-time.After(50 * time.Millisecond):
			}
			if !w.r.up() {
				continue
			}
			var err error
			if conn, err = dialSocket(w.r, path, w.cookie); err == nil {
				break
			}
		}
		w.connected(conn)
		w.mu.Lock()
		gone := w.gone
		w.mu.Unlock()
		if gone {
			_ = conn.Close()
		}
	}
}

// shownAt returns the state that the first watcher at r with a row for user shows.
func (s *scene) shownAt(r *replica, user int) string {
	for _, w := range s.watchers {
		if state := w.state(userName(user)); w.r == r && state != "" {
			return state
		}
	}
	return ""
}

func (w *watcher) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.gone = true
	if w.conn != nil {
		_ = w.conn.Close()
	}
}

func (w *watcher) record() record {
	r := w.view.record()
	w.mu.Lock()
	defer w.mu.Unlock()
	r.replica, r.up = w.r, []span{}
	for i, u := range w.ups {
		if u.to.IsZero() {
			u.to = time.Now().Add(time.Minute)
		}
		if i > 0 {
			u.from = u.from.Add(time.Second) // it shows old rows until its first frame
		}
		r.up = append(r.up, u)
	}
	return r
}

// live reports whether the watcher is connected.
func (w *watcher) live() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.conn != nil
}

func (s *scene) records() []record {
	var all []record
	for _, w := range s.watchers {
		all = append(all, w.record())
	}
	for _, p := range s.probes {
		r := p.record()
		r.replica = p.r
		all = append(all, r)
	}
	return all
}
