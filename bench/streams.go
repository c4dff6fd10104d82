package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// streamChanges is how many changes streams sends to all streams, one at a time.
const streamChanges = 20

// streamCrowd holds open streams.
type streamCrowd struct {
	conns     []net.Conn
	began     atomic.Int64 // streams that have their snapshot
	changes   atomic.Int64 // received by all of them
	lost      atomic.Int64 // streams that ended
	reading   sync.WaitGroup
	wanted    atomic.Int64 // changes until done is readable
	all, done chan struct{}
}

// measureStreams measures streams: many programs read the stream of everyone, first while nothing happens, and then
// while one person changes.
func measureStreams(ctx context.Context, b *bench) error {
	c := newCrowd(b.bases[0])
	defer c.close()
	changer, err := c.dial(ctx, b.changers[0], emptyPage, phone, nil)
	if err != nil {
		return err
	}
	if err := errors.Join(changer.say("h"), pause(ctx, 2*settle)); err != nil {
		return err
	}
	s := &streamCrowd{all: make(chan struct{}, 1), done: make(chan struct{}, 1)}
	defer s.close()
	b.tell("opening %d streams", b.streams)
	before, rssErr := b.procs.rss()
	if err := s.open(ctx, b, b.streams); err != nil {
		return err
	}
	if err := wait(ctx, s.all, "not all streams have begun"); err != nil {
		return err
	}
	if err := s.reportIdle(ctx, b, before, rssErr); err != nil {
		return err
	}
	return s.reportChanges(ctx, b, changer)
}

// reportIdle measures the memory of open streams. before is that without any, valid if rssErr is nil.
func (s *streamCrowd) reportIdle(ctx context.Context, b *bench, before int64, rssErr error) error {
	after, err := b.procs.rss()
	b.tell("idle for %v", b.idle)
	cpu, _ := b.procs.cpu()
	if err := pause(ctx, b.idle); err != nil {
		return err
	}
	spent := b.procs.spent(cpu)
	later, laterErr := b.procs.rss()
	err = errors.Join(rssErr, err, laterErr)
	each := func(rss int64) float64 {
		if err != nil {
			return math.NaN()
		}
		return float64(rss-before) / float64(len(s.conns)) / 1024
	}
	b.report.add("streams", "open", float64(len(s.conns)), "", "")
	b.report.add("streams", "RSS per stream, right after", each(after), "KiB", "≤ 10 at 5,000")
	b.report.add("streams", "RSS per stream, after idling", each(later), "KiB", "")
	b.report.add("streams", "server CPU while idle", per(spent, b.idle.Seconds()*0.01, time.Second), "% of one", "")
	return nil
}

// reportChanges measures what it costs to send changes to all streams.
func (s *streamCrowd) reportChanges(ctx context.Context, b *bench, changer *socket) error {
	b.tell("%d changes", streamChanges)
	cpu, _ := b.procs.cpu()
	var took []time.Duration
	for i := range streamChanges {
		s.wanted.Store(int64((i + 1) * len(s.conns)))
		began := time.Now()
		if err := changer.say([]string{"a", "h"}[i%2]); err != nil {
			return err
		}
		if err := wait(ctx, s.done, "a change hasn't reached all streams"); err != nil {
			return err
		}
		took = append(took, time.Since(began))
		if err := pause(ctx, settle/2); err != nil {
			return err
		}
	}
	n := float64(streamChanges * len(s.conns))
	b.report.add("streams", "changes received", float64(s.changes.Load()), "", "")
	b.report.add("streams", "streams lost", float64(s.lost.Load()), "", "0")
	b.report.add("streams", "server CPU per change and stream", per(b.procs.spent(cpu), n, time.Microsecond), "µs",
		"≤ 20 at 5,000")
	b.report.add("streams", "time until all have a change, p50", spreadOf(took).p50, "ms", "")
	if s.lost.Load() > 0 {
		return fmt.Errorf("%d streams ended", s.lost.Load())
	}
	return nil
}

func wait(ctx context.Context, done chan struct{}, what string) error {
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(seenWait):
		return fmt.Errorf("after %v, %s", seenWait, what)
	}
}

// open opens n streams, all of the observer.
func (s *streamCrowd) open(ctx context.Context, b *bench, n int) error {
	s.conns = make([]net.Conn, n)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(b.dialers)
	for i := range n {
		g.Go(func() error {
			conn, head, err := dialStream(ctx, b.bases[0], b.observer)
			if s.conns[i] = conn; err == nil {
				s.reading.Go(func() { s.read(conn, head, n) })
			}
			return err
		})
	}
	return g.Wait()
}

// dialStream asks for a stream, and returns what it begins with. It writes HTTP directly, because a client would take
// more memory than the server.
func dialStream(ctx context.Context, base *url.URL, p *person) (conn net.Conn, head []byte, err error) {
	if conn, err = (&net.Dialer{Timeout: dialWait}).DialContext(ctx, "tcp", base.Host); err != nil {
		return nil, nil, err
	}
	_, err = fmt.Fprintf(conn, "GET /api/v1/stream HTTP/1.1\r\nHost: %s\r\nCookie: %s\r\n\r\n", base.Host, p.cookie)
	if err != nil {
		return conn, nil, err
	}
	head = make([]byte, 2<<10)
	n, err := conn.Read(head)
	return conn, head[:n], err
}

var (
	snapshotLine = []byte(`{"event":"snapshot"`)
	changeLine   = []byte(`{"event":"change"`)
)

// read counts the events of one of n streams until it ends. It begins with what's in buf.
func (s *streamCrowd) read(conn net.Conn, buf []byte, n int) {
	defer s.lost.Add(1)
	line := make([]byte, 0, len(snapshotLine)) // the beginning of the current line
	for m, err := len(buf), error(nil); ; m, err = conn.Read(buf[:cap(buf)]) {
		for part := range bytes.SplitAfterSeq(buf[:m:m], []byte("\n")) {
			line = append(line, part[:min(len(part), cap(line)-len(line))]...)
			if !bytes.HasSuffix(part, []byte("\n")) {
				continue
			}
			s.count(line, n)
			line = line[:0]
		}
		if err != nil {
			return
		}
	}
}

func (s *streamCrowd) count(line []byte, n int) {
	switch {
	case bytes.HasPrefix(line, snapshotLine):
		if s.began.Add(1) == int64(n) {
			s.all <- struct{}{}
		}
	case bytes.HasPrefix(line, changeLine):
		if s.changes.Add(1) == s.wanted.Load() {
			s.done <- struct{}{}
		}
	}
}

func (s *streamCrowd) close() {
	for _, conn := range s.conns {
		if conn != nil {
			conn.Close()
		}
	}
	s.reading.Wait()
}
