package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"
)

const (
	silence   = 45 * time.Second // a stream without any line for this long is dead
	firstWait = time.Second      // before connecting again; it doubles after each failure
	maxWait   = 30 * time.Second
	maxRetry  = 10 * time.Minute // what a server can ask for
	maxLine   = 64 << 20         // bytes: a snapshot of about 200,000 people
)

// Event is one event of a stream.
type Event struct {
	Kind   string    `json:"event"` // snapshot, change, gone, current, stale, live or alive
	Cursor string    `json:"cursor,omitempty"`
	Since  time.Time `json:"since,omitzero"`
	Retry  int       `json:"retry,omitempty"` // milliseconds
	User   User      `json:"user,omitzero"`
	Users  []User    `json:"users,omitempty"`

	Line []byte `json:"-"` // the event as the server sent it, or as Follow made it, without a line break
}

// Follow reads the stream of one team, or of everyone (""), until ctx ends, handle fails, or the server refuses for
// good. After a break, it continues from the last cursor. While the stream is broken, handle gets a stale event, and a
// live event afterward, as if they came from the server. handle must not keep Line.
func (c *Client) Follow(ctx context.Context, team string, handle func(Event) error) error {
	f := follower{client: c, team: team, handle: handle, wait: firstWait, silence: silence}
	return f.run(ctx)
}

// follower is the state of Follow.
type follower struct {
	client  *Client
	team    string
	handle  func(Event) error
	cursor  string
	broken  bool // handle has a stale event of ours
	stale   bool // the server's last word is stale
	wait    time.Duration
	silence time.Duration
}

// errHandle marks errors of handle.
type errHandle struct{ error }

func (f *follower) run(ctx context.Context) error {
	next := f.wait
	for {
		retry, got, err := f.once(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if e, ok := errors.AsType[errHandle](err); ok {
			return e.error
		}
		p, refused := errors.AsType[*Problem](err)
		if refused && !p.Temporary() {
			return err
		}
		if got {
			next = f.wait
		}
		if refused {
			retry = max(retry, p.RetryAfter)
		}
		if err := f.tellBroken(); err != nil {
			return err
		}
		pause := next/2 + rand.N(next/2+1)
		if retry > 0 {
			pause = min(retry, maxRetry)
		} else {
			next = min(2*next, maxWait)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

// tellBroken tells handle once that what it has may be outdated.
func (f *follower) tellBroken() error {
	if f.broken {
		return nil
	}
	f.broken = true
	return f.tell(Event{Kind: "stale", Since: time.Now().UTC().Truncate(time.Second)})
}

func (f *follower) tell(e Event) (err error) {
	if e.Line, err = json.Marshal(struct {
		Kind  string    `json:"event"`
		Since time.Time `json:"since,omitzero"`
	}{e.Kind, e.Since}); err != nil {
		return err
	}
	return f.handle(e)
}

// once reads one connection to its end. retry is when the server wants to be asked again, and got whether it sent
// anything.
func (f *follower) once(ctx context.Context) (retry time.Duration, got bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	dead := time.AfterFunc(f.silence, cancel)
	defer dead.Stop()
	response, err := f.open(ctx)
	if err != nil {
		return 0, false, err
	}
	defer response.Body.Close()
	f.stale = false
	in := bufio.NewReader(response.Body)
	for {
		line, err := readLine(in)
		if err != nil {
			return retry, got, err
		}
		dead.Reset(f.silence)
		got = true
		e := Event{Line: line}
		if err := json.Unmarshal(line, &e); err != nil {
			return retry, got, fmt.Errorf("read the stream: %w", err)
		}
		if e.Kind == "restart" {
			retry = time.Duration(e.Retry) * time.Millisecond
			continue
		}
		if err := f.take(e); err != nil {
			return retry, got, errHandle{err}
		}
	}
}

// open asks for the stream after the last cursor.
func (f *follower) open(ctx context.Context) (*http.Response, error) {
	query := url.Values{}
	if f.team != "" {
		query.Set("team", f.team)
	}
	if f.cursor != "" {
		query.Set("since", f.cursor)
	}
	response, err := f.client.send(ctx, http.MethodGet, "/stream?"+query.Encode(), nil)
	switch {
	case err != nil:
		return nil, err
	case response.StatusCode != http.StatusOK:
		err = readProblem(response)
	case !hasType(response, "application/x-ndjson"):
		err = &Problem{Status: response.StatusCode}
	default:
		return response, nil
	}
	response.Body.Close()
	return nil, err
}

// take hands an event of the server to handle.
func (f *follower) take(e Event) error {
	if e.Cursor != "" {
		f.cursor = e.Cursor
	}
	switch e.Kind {
	case "stale":
		f.stale, f.broken = true, false
	case "live":
		f.stale, f.broken = false, false
	}
	if err := f.handle(e); err != nil {
		return err
	}
	if f.broken && !f.stale && (e.Kind == "snapshot" || e.Kind == "current") {
		f.broken = false
		return f.tell(Event{Kind: "live"})
	}
	return nil
}

var errLongLine = errors.New("the stream has a line that is too long")

// readLine returns the next line without its break. A line without one is incomplete and lost.
func readLine(in *bufio.Reader) (line []byte, err error) {
	for {
		part, err := in.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case err == nil:
			return line[:len(line)-1], nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		case len(line) > maxLine:
			return nil, errLongLine
		}
	}
}
