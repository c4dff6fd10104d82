package e2e_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// streamReader reads the lines of a stream, like curl.
type streamReader struct {
	t    *testing.T
	done chan struct{} // closed at the end of the stream

	mu    sync.Mutex
	lines []string
}

// readStream asks for a stream and reads it until the test ends.
func readStream(t *testing.T, client *http.Client, r *http.Request) *streamReader {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	late := time.AfterFunc(patience, cancel) // such as by a proxy that waits for the end of the stream
	answer, err := client.Do(r.WithContext(ctx))
	if !late.Stop() || err != nil {
		t.Fatalf("GET %s: no answer within %v: %v", r.URL, patience, err)
	}
	if answer.StatusCode != http.StatusOK {
		answer.Body.Close()
		t.Fatalf("GET %s = %d, want 200", r.URL, answer.StatusCode)
	}
	x := &streamReader{t: t, done: make(chan struct{})}
	go func() {
		defer close(x.done)
		lines := bufio.NewScanner(answer.Body)
		lines.Buffer(nil, 1<<22)
		for lines.Scan() {
			x.mu.Lock()
			x.lines = append(x.lines, lines.Text())
			x.mu.Unlock()
		}
	}()
	t.Cleanup(func() { answer.Body.Close(); <-x.done })
	return x
}

// until waits for a line that contains all of parts, and returns how long that took.
func (x *streamReader) until(limit time.Duration, parts ...string) time.Duration {
	x.t.Helper()
	began := time.Now()
	err := within(limit, func() (bool, string) { return x.has(parts...), fmt.Sprintf("no line with %q", parts) })
	if err != nil {
		x.t.Fatalf("the stream: %v", err)
	}
	return time.Since(began)
}

// has reports whether a line contains all of parts.
func (x *streamReader) has(parts ...string) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.ContainsFunc(x.lines, func(line string) bool {
		return !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(line, part) })
	})
}

// over reports whether the stream has ended.
func (x *streamReader) over() bool {
	select {
	case <-x.done:
		return true
	default:
		return false
	}
}
