package handlers

import (
	"fmt"
	"html"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"rollcall/accounts"
	"rollcall/presence"
)

var (
	sectionPattern = regexp.MustCompile(`(?s)<section .*?</section>`)
	teamPattern    = regexp.MustCompile(`<p id="(t-[^"]*)">(\d+) of (\d+) here</p>`)
	titlePattern   = regexp.MustCompile(`<title>\((\d+)\)`)
	numberPattern  = regexp.MustCompile(`id="(n-[a-z]+|summary)"[^>]*>([^<]*)<`)
)

// sheet is what a page that lists everybody says in its several places. It is applied frame by frame.
type sheet struct {
	rows    map[string]string // state by username
	teamOf  map[string]string // id of the team's number by username
	teams   map[string]string // number beside each team, as "here of people here"
	numbers map[string]string // n-all and so on, and the summary
	title   string
}

func newSheet(page string) *sheet {
	s := &sheet{numbers: map[string]string{}}
	list, _, _ := strings.Cut(page, `<div id="pager"`)
	s.list(list)
	for _, m := range numberPattern.FindAllStringSubmatch(page, -1) {
		s.numbers[m[1]] = m[2]
	}
	s.head(page)
	return s
}

func (s *sheet) list(text string) {
	s.rows, s.teamOf, s.teams = map[string]string{}, map[string]string{}, map[string]string{}
	for _, section := range sectionPattern.FindAllString(text, -1) {
		team := teamPattern.FindStringSubmatch(section)
		s.teams[team[1]] = team[2] + " of " + team[3]
		for _, row := range rowPattern.FindAllString(section, -1) {
			user := userPattern.FindStringSubmatch(row)[1]
			s.rows[user], s.teamOf[user] = statePattern.FindStringSubmatch(row)[1], team[1]
		}
	}
}

func (s *sheet) head(text string) {
	if m := titlePattern.FindStringSubmatch(text); m != nil {
		s.title = m[1]
	}
}

// apply does to the page what htmx does with a frame.
func (s *sheet) apply(frame string) {
	for _, m := range partialPattern.FindAllStringSubmatch(frame, -1) {
		switch id, text := m[1], m[3]; {
		case id == "list":
			s.list(text)
		case strings.HasPrefix(id, "u-"):
			user := userPattern.FindStringSubmatch(text)[1]
			if _, listed := s.rows[user]; listed {
				s.rows[user] = statePattern.FindStringSubmatch(text)[1]
			}
		case strings.HasPrefix(id, "t-"):
			s.teams[id] = strings.TrimSuffix(text, " here")
		case strings.HasPrefix(id, "n-") || id == "summary":
			s.numbers[id] = text
		}
	}
	s.head(frame)
}

// contradiction says where two places of the page disagree, "" if they don't. While people come back the list shows only
// those who are here, and the number of those who aren't stays open.
func (s *sheet) contradiction() string {
	count, here, people := map[string]int{}, map[string]int{}, map[string]int{}
	present := 0
	for user, state := range s.rows {
		count[state]++
		people[s.teamOf[user]]++
		if state != "offline" {
			present++
			here[s.teamOf[user]]++
		}
	}
	partial := s.numbers["n-offline"] == "–"
	want := map[string]string{
		"n-online": fmt.Sprint(count["online"]), "n-away": fmt.Sprint(count["away"]), "n-dnd": fmt.Sprint(count["dnd"]),
	}
	if !partial {
		want["n-offline"], want["n-all"] = fmt.Sprint(count["offline"]), fmt.Sprint(len(s.rows))
	}
	for id, number := range want {
		if s.numbers[id] != number {
			return fmt.Sprintf("the bar says %s is %q, and the list %v", id, s.numbers[id], s.rows)
		}
	}
	if s.title != fmt.Sprint(present) {
		return fmt.Sprintf("the title says %s, and the list shows %d present", s.title, present)
	}
	if first, _, _ := strings.Cut(s.numbers["summary"], " "); leading(first) != present {
		return fmt.Sprintf("the summary says %q, and the list shows %d present", s.numbers["summary"], present)
	}
	for team, says := range s.teams {
		told, of, _ := strings.Cut(says, " of ")
		if told != fmt.Sprint(here[team]) || !partial && of != fmt.Sprint(people[team]) {
			return fmt.Sprintf("a team says %q, and the list shows %d of %d", says, here[team], people[team])
		}
	}
	return ""
}

// leading is the number that a sentence begins with; 0 for "Nobody".
func leading(word string) int {
	n, _ := strconv.Atoi(word)
	return n
}

// warmingBoard is a board that listens and warms up until it is told that it is warm. Its loops don't run: the test is
// the loop.
func warmingBoard(t *testing.T) *liveBoard {
	t.Helper()
	f := newFixture(t, func(cfg *Config) {
		p := presence.DefaultConfig()
		p.GraceClean, p.GraceDropped, p.Warming = 0, 0, time.Hour
		cfg.Presence.Close()
		cfg.Presence = presence.NewTracker(p)
	})
	srv := httptest.NewServer(f.handler)
	t.Cleanup(srv.Close)
	return &liveBoard{f, srv.URL}
}

// witness is a tab whose page is checked after every frame.
type witness struct {
	*tab
	name  string
	page  *sheet
	taken int // frames
}

// witness opens one; old is the page that it shows from before the start, "" for one that is loaded now.
func (l *liveBoard) witness(name string, b *browser, old string) *witness {
	l.t.Helper()
	tb, body := newTab(l.t), old
	path := "/ws?v=before-1"
	if old == "" {
		a := b.get("/")
		wantStatus(l.t, "GET /", a, http.StatusOK)
		body = a.body
		path = html.UnescapeString(socketPattern.FindStringSubmatch(body)[1])
	}
	w := &witness{tab: tb, name: name, page: newSheet(body)}
	l.dial(b, tb, path)
	return w
}

// check applies the frames that came since, and fails the test at the first that leaves the page in contradiction.
func (w *witness) check(step int) {
	w.t.Helper()
	for _, frame := range w.framesFrom(w.taken) {
		w.taken++
		w.page.apply(frame)
		if wrong := w.page.contradiction(); wrong != "" {
			w.t.Fatalf("step %d, frame %d of %s: %s\n%s", step, w.taken, w.name, wrong, frame)
		}
	}
}

// received waits until every frame that was queued for the watchers has come.
func (l *liveBoard) received(watchers []*witness) {
	l.t.Helper()
	b := l.server.board
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		b.mu.Lock()
		queued := b.traffic.frames
		b.mu.Unlock()
		var got uint64
		for _, w := range watchers {
			got += uint64(w.frameCount())
		}
		if got == queued {
			return
		}
		if time.Now().After(deadline) {
			l.t.Fatalf("%d of %d frames came", got, queued)
		}
	}
}

// TestPageAgreesWithItself: list, bar, summary, teams and title of a page say the same after every frame, while people
// come back after a start, when that ends, and later.
func TestPageAgreesWithItself(t *testing.T) {
	t.Parallel()
	for range 5 {
		agreement(t, rand.Uint64())
	}
}

func agreement(t *testing.T, seed uint64) {
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 22))
	l := warmingBoard(t)
	b := l.server.board
	ada := l.member("ada")
	uids, names := map[string]string{}, []string{}
	add := func() {
		name := fmt.Sprintf("p%02d", len(names))
		names = append(names, name)
		uids[name] = l.person(name).ID
	}
	for range 5 {
		add()
	}
	before := `<section ><p id="t-x">2 of 3 here</p>` +
		`<li class="p" id="u-1" data-user="ada" data-state="online"></li>` +
		`<li class="p" id="u-2" data-user="p00" data-state="dnd"></li>` +
		`<li class="p" id="u-3" data-user="p01" data-state="offline"></li></section><div id="pager"></div><title>(2)</title>` +
		`<b id="n-all">3</b><b id="n-online">1</b><b id="n-away">0</b><b id="n-dnd">1</b><b id="n-offline">1</b>` +
		`<p id="summary">2 of 3</p>`
	watchers := []*witness{l.witness("a page from before the start", ada, before)}
	conns := map[string]*presence.Connection{}
	loops := []func(){
		func() { b.look(b.feed.Take()) },
		func() { _ = b.catchUp(t.Context()) },
		func() { _ = b.meet(t.Context()) },
		func() {
			for _, costly := range []bool{false, true} {
				stale, _ := b.stalePages(costly)
				for _, p := range stale {
					_ = b.rereadPage(t.Context(), p)
				}
			}
		},
		func() { _ = b.refreshTally(t.Context()) },
		func() { b.flush() },
	}
	for step := range 200 {
		name := names[r.IntN(len(names))]
		c := conns[name]
		var err error
		switch r.IntN(9) {
		case 0, 1, 2:
			if c == nil {
				conns[name] = b.presence.Join(uids[name], presence.Client{}, presence.Activity{Hidden: r.IntN(2) == 0})
			}
		case 3, 4:
			if c != nil {
				c.Leave(presence.SignedOut)
				delete(conns, name)
			}
		case 5:
			err = l.store.SetTeam(t.Context(), uids[name], []string{"", "Design", "Platform"}[r.IntN(3)])
		case 6:
			word := accounts.Word{State: []string{"", "away", "dnd"}[r.IntN(3)], Text: fmt.Sprint("step ", step)}
			err = l.store.SetWord(t.Context(), uids[name], word, "")
		case 7:
			if len(names) < 12 {
				add()
			}
		case 8:
			if len(watchers) < 8 {
				watchers = append(watchers, l.witness(fmt.Sprint("a page loaded in step ", step), ada, ""))
				w := watchers[len(watchers)-1]
				if wrong := w.page.contradiction(); wrong != "" {
					t.Fatalf("step %d, as loaded: %s", step, wrong)
				}
			}
		}
		if err != nil {
			t.Fatalf("step %d: %v", step, err)
		}
		if step == 120 {
			b.endWarming()
		}
		for range r.IntN(4) {
			loops[r.IntN(len(loops))]()
		}
		l.received(watchers)
		for _, w := range watchers {
			w.check(step)
		}
	}
	l.settle(watchers, loops, ada)
	for _, w := range watchers {
		w.leave()
	}
}

// settle runs the loops until every page says what a fresh one does.
func (l *liveBoard) settle(watchers []*witness, loops []func(), b *browser) {
	l.t.Helper()
	for deadline := time.Now().Add(patience); ; {
		for _, loop := range loops {
			loop()
		}
		l.received(watchers)
		fresh, wrong := newSheet(b.get("/").body).String(), ""
		for _, w := range watchers {
			w.check(-1)
			if got := w.page.String(); got != fresh {
				wrong = fmt.Sprintf("%s says\n%s, want as a fresh page\n%s", w.name, got, fresh)
			}
		}
		switch {
		case wrong == "":
			return
		case time.Now().After(deadline):
			l.t.Fatalf("in the end %s", wrong)
		}
	}
}

func (s *sheet) String() string { return fmt.Sprint(s.rows, s.numbers, s.teams, s.title) }
