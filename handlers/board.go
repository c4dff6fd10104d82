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

	unsent       atomic.Bool   // something waits for a flush
	flushWanted  chan struct{} // capacity 1
	following    chan struct{} // capacity 1: held while changes of accounts are read and applied
	followFailed atomic.Bool   // the last reading of them failed, and was logged
	bell         Bell          // nil: there are no other replicas
	ring         chan struct{} // capacity 1: accounts were changed by this process

	mu         sync.Mutex
	warming    bool
	lost       time.Time // since when other replicas cannot be heard, as shown; zero: they can
	generation uint64    // counts changes that may bear on lists
	version    uint64    // the last that a page was given
	cards      map[string]*card
	present    []*card        // everybody here, in board order
	here       map[string]int // the number of them by team key
	tally      tally
	pages      map[string]*page
	strangers  []string // people who are here and could not be read
	meDirty    map[string]struct{}

	open      map[*melody.Session]*socket
	byUser    index
	bySession index
	byAddress map[netip.Prefix]int
	ended     map[string]time.Time // sessions that ended within the last minute
	draining  bool
	empty     chan struct{} // closed when the last socket has gone while draining
	emptied   sync.Once

	follow follow // guarded by following
}

// tally is how many people there are, by team key.
type tally struct {
	total  int
	people map[string]int
	stale  bool
}

func newBoard(cfg Config, s *Server) *board {
	b := &board{
		accounts: cfg.Accounts, presence: cfg.Presence, ui: cfg.UI, log: cfg.Log, limits: cfg.Limits, server: s,
		feed: cfg.Presence.Subscribe(), boot: rand.Text()[:8],
		flushWanted: make(chan struct{}, 1), following: make(chan struct{}, 1),
		bell: cfg.Bell, ring: make(chan struct{}, 1),
		cards: map[string]*card{}, here: map[string]int{}, pages: map[string]*page{}, meDirty: map[string]struct{}{},
		open: map[*melody.Session]*socket{}, byUser: index{}, bySession: index{},
		byAddress: map[netip.Prefix]int{}, ended: map[string]time.Time{},
		tally: tally{stale: true}, empty: make(chan struct{}),
	}
	select {
	case <-cfg.Presence.Warmed():
	default:
		b.warming = true
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
		return fmt.Errorf("load board: %w", err)
	}
	body, err := b.ui.Page(b.view(p, b.server.layout(c, "")))
	if err != nil {
		return fmt.Errorf("render board: %w", err)
	}
	return c.HTMLBlob(http.StatusOK, body)
}

// view is p as a page, and the address of the socket that keeps it current.
func (b *board) view(p *page, layout ui.Layout) ui.BoardPage {
	if layout.Viewer != nil {
		layout.Viewer.Me = b.me(layout.Viewer.UID)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	counts := b.countsLocked()
	b.shownLocked(p)
	socket := p.query.values()
	socket.Set("v", b.versionLocked(p))
	page := ui.BoardPage{
		Layout: layout, Query: p.query.view(), Counts: counts, Warming: b.warming, Lost: b.lost,
		List:    b.listLocked(p, b.warming),
		Socket:  b.server.site.base + "/ws?" + socket.Encode(),
		OnePage: p.query.state == "" && p.query.after == "" && p.query.before == "" && !p.more,
	}
	page.Prev, page.Next = b.neighboursLocked(p)
	return page
}

// neighboursLocked are the addresses of the pages before and behind p, or "".
func (b *board) neighboursLocked(p *page) (prev, next string) {
	if len(p.cards) == 0 {
		return "", ""
	}
	at := func(q boardQuery) string { return b.server.site.base + "/?" + q.encode() }
	back, on := p.query, p.query
	back.before, back.after = p.cards[0].person.Cursor(), ""
	on.after, on.before = p.cards[len(p.cards)-1].person.Cursor(), ""
	if p.query.after != "" || p.query.before != "" && p.more {
		prev = at(back)
	}
	if p.query.before != "" || p.more {
		next = at(on)
	}
	return prev, next
}

// me is what user is told of themself.
func (b *board) me(user string) ui.Me {
	view, why := b.presence.Self(user)
	return ui.Me{State: string(view.State), Why: explainStatus(why)}
}

// explainStatus says in a few words why somebody is shown as they are, for them alone.
func explainStatus(why presence.Why) string {
	switch why.Rule {
	case presence.ByInvisible:
		return "you are invisible"
	case presence.ByNoConnection:
		return "no device of yours is connected"
	case presence.ByWord:
		return "you set it"
	case presence.ByClaim:
		return "set by " + why.Claim
	case presence.ByInput:
		return "you are active"
	case presence.ByIdleness:
		if minutes := int(why.Idle / time.Minute); minutes > 0 {
			return fmt.Sprintf("no input for %d min", minutes)
		}
		return "no input"
	default:
		return ""
	}
}
