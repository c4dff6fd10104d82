package handlers

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/olahol/melody"

	"rollcall/accounts"
	"rollcall/presence"
	"rollcall/ui"
)

// board is the live board: the people on it, the pages that are looked at, and the sockets that look at them.
//
// One mutex guards all of it. It is held while rows are rendered and frames are put into the queues of sockets, never
// during I/O: SQL is asked before, and the queues belong to melody's write pumps.
type board struct {
	accounts *accounts.Store
	presence *presence.Tracker
	ui       *ui.UI
	log      *slog.Logger
	limits   Limits
	server   *Server
	sockets  *melody.Melody
	feed     *presence.Feed
	boot     string // begins the versions of this process, so that none of another one is taken for ours

	unsent      atomic.Bool   // something waits for a flush
	wanted      atomic.Int64  // since when, after begun; 0: nothing does
	begun       time.Time     // never changes
	flushWanted chan struct{} // capacity 1
	readWanted  chan struct{} // capacity 1: a cheap page is to be read again, or people are to be met

	costlyWanted chan struct{}   // capacity 1: a costly page is to be read again
	unconfirmed  atomic.Int32    // ticks of confirmEvery since the accounts were last read
	catching     *shared         // reads and applies changes of accounts
	tallying     *shared         // counts everybody
	database     databaseFile    // keepReading's own
	bell         Bell            // nil: there are no other replicas
	nudged       <-chan struct{} // nil without bell
	ring         chan struct{}   // capacity 1: accounts were changed by this process

	mu         sync.Mutex
	warming    bool
	lost       time.Time // since when other replicas cannot be heard, as shown; zero: they can
	generation uint64    // counts changes that may bear on lists
	applied    uint64    // counts changes of accounts that were taken in
	looks      uint64    // counts looks for such changes, from their begin
	cards      map[string]*card
	present    []*card                    // everybody here, in board order
	here       map[string]presence.Counts // how many of them are in which state, by team key
	tally      tally
	pages      map[string]*page
	strangers  map[string]bool      // people who have to be asked for: who is here and not known yet (true: has just arrived), or was seen last elsewhere
	left       map[string]time.Time // people who may have been on other replicas until then

	open      map[*melody.Session]*socket
	byUser    index
	bySession index
	byAddress map[netip.Prefix]int
	ended     map[string]time.Time // sessions that ended within the last minute
	lately    map[string]lately    // sessions that had a socket within the last minute
	draining  bool
	traffic   traffic
	empty     chan struct{} // closed when the last socket has gone while draining
	emptied   sync.Once

	follow follow
}

// tally is how many people there are, by team key.
type tally struct {
	total           int
	people          map[string]int
	readAt, staleAt uint64 // board.generation, as with pages
}

// lately is whose session it was, and when it last had a socket.
type lately struct {
	user string
	at   time.Time
}

func newBoard(cfg Config, s *Server) *board {
	b := &board{
		accounts: cfg.Accounts, presence: cfg.Presence, ui: cfg.UI, log: cfg.Log, limits: cfg.Limits, server: s,
		feed: cfg.Presence.Subscribe(), boot: rand.Text()[:8], begun: time.Now(),
		flushWanted: make(chan struct{}, 1), readWanted: make(chan struct{}, 1), costlyWanted: make(chan struct{}, 1), catching: newShared(), tallying: newShared(),
		bell: cfg.Bell, ring: make(chan struct{}, 1),
		cards: map[string]*card{}, here: map[string]presence.Counts{}, pages: map[string]*page{},
		strangers: map[string]bool{}, left: map[string]time.Time{},
		open: map[*melody.Session]*socket{}, byUser: index{}, bySession: index{},
		byAddress: map[netip.Prefix]int{}, ended: map[string]time.Time{},
		lately: map[string]lately{}, tally: tally{staleAt: 1}, generation: 1, empty: make(chan struct{}),
	}
	select {
	case <-cfg.Presence.Warmed():
	default:
		b.warming = true
	}
	if b.bell != nil {
		b.nudged = b.bell.Nudged()
	}
	b.sockets = b.newMelody()
	return b
}

// show answers GET /: the board, or the part of it that the query string asks for.
func (b *board) show(c echo.Context) error {
	q, err := parseBoardQuery(c.QueryParams())
	if err != nil {
		return err
	}
	p, err := b.load(c.Request().Context(), q)
	if err != nil {
		return notRead(fmt.Errorf("load board: %w", err))
	}
	if first := q; q.before != "" && b.nobody(p) { // those before have gone: begin at the beginning
		first.before = ""
		return b.server.redirect(c, b.server.site.path("/")+"?"+first.encode())
	}
	body, err := b.ui.Page(b.view(p, b.server.layout(c, ""), signedIn(c).user))
	if err != nil {
		return fmt.Errorf("render board: %w", err)
	}
	return c.HTMLBlob(http.StatusOK, body)
}

func (b *board) nobody(p *page) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(p.cards) == 0
}

// view is p as a page for viewer, and the address of the socket that keeps it current.
func (b *board) view(p *page, layout ui.Layout, viewer accounts.User) ui.BoardPage {
	layout.Viewer.Me = b.me(viewer.Person)
	to := sightOf(viewer.Person)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.shownLocked(p)
	page := b.viewLocked(p)
	page.Layout, page.List, page.Announce = layout, b.listLocked(p, to), viewer.Announce
	socket := p.query.values()
	socket.Set("v", b.versionLocked(p, to))
	page.Socket = b.server.site.base + "/ws?" + socket.Encode()
	return page
}

// viewLocked is what stands around the list of p.
func (b *board) viewLocked(p *page) ui.BoardPage {
	v := ui.BoardPage{Query: p.query.view(), Counts: b.countsLocked(p), Warming: b.warming, Lost: b.lost, OnePage: p.onePage(), Arrived: b.arrivals(p)}
	back, on := p.query, p.query
	back.before, back.after = p.prev, ""
	on.after, on.before = p.next, ""
	if p.prev != "" {
		v.Prev = b.server.site.base + "/?" + back.encode()
	}
	if p.next != "" {
		v.Next = b.server.site.base + "/?" + on.encode()
	}
	return v
}
