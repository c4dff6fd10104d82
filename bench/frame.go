package main

import (
	"bytes"
	"hash/maphash"
	"html"
	"strconv"
	"sync"
)

// scanRows calls see for every row in html, be it a page or a frame: an element whose id is u- and the user's, with
// a state. The slices are parts of html.
func scanRows(html []byte, see func(uid, username, state []byte)) {
	mark := []byte(`id="u-`)
	for {
		at := bytes.Index(html, mark)
		if at < 0 {
			return
		}
		open := bytes.LastIndexByte(html[:at], '<')
		end := bytes.IndexByte(html[at:], '>') // templates escape it inside values
		if end < 0 {
			return
		}
		tag := html[max(0, open) : at+end]
		html = html[at+end:]
		if state := attribute(tag, ` data-state="`); state != nil {
			see(attribute(tag, ` id="u-`), attribute(tag, ` data-user="`), state)
		}
	}
}

// attribute is the value after start, which ends with its opening quote; nil: there is none.
func attribute(tag []byte, start string) []byte {
	at := bytes.Index(tag, []byte(start))
	if at < 0 {
		return nil
	}
	value := tag[at+len(start):]
	end := bytes.IndexByte(value, '"')
	if end < 0 {
		return nil
	}
	return value[:end]
}

// scanCount finds the number in the element with this id.
func scanCount(html []byte, id string) (int, bool) {
	at := bytes.Index(html, []byte(`id="`+id+`"`))
	if at < 0 {
		return 0, false
	}
	_, text, _ := bytes.Cut(html[at:], []byte(">"))
	text, _, closed := bytes.Cut(text, []byte("<"))
	n, err := strconv.Atoi(string(bytes.TrimSpace(text)))
	return n, closed && err == nil
}

// pageRows is how many people a full page of the board has.
const pageRows = 200

// scanNext finds the address of the next page.
func scanNext(page []byte) (string, bool) {
	href := attribute(page, `<a rel="next" href="`)
	return html.UnescapeString(string(href)), href != nil
}

// shown is a state that people who make changes are seen in.
type shown uint8

const (
	other shown = iota
	online
	away
)

func parseShown(state []byte) shown {
	switch string(state) {
	case "online":
		return online
	case "away":
		return away
	}
	return other
}

// sighting is that a frame shows somebody in a state; who is a number among those who make changes.
type sighting struct {
	who   int
	state shown
}

// sightings reads frames. The server sends the same bytes to everybody, so each frame is read once and known by its
// hash when the next thousand watchers have it. Safe for use by many goroutines.
type sightings struct {
	who  map[string]int // by uid; never changes
	seed maphash.Seed

	mu    sync.RWMutex
	known map[uint64][]sighting // guarded by mu; the slices never change
}

// manyFrames bounds how many frames are remembered; no two are far apart in time.
const manyFrames = 1024

func newSightings(changers []*person) *sightings {
	s := &sightings{who: map[string]int{}, seed: maphash.MakeSeed(), known: map[uint64][]sighting{}}
	for i, p := range changers {
		s.who[p.uid] = i
	}
	return s
}

// in lists who of the people who make changes are in frame.
func (s *sightings) in(frame []byte) []sighting {
	hash := maphash.Bytes(s.seed, frame)
	s.mu.RLock()
	found, known := s.known[hash]
	s.mu.RUnlock()
	if known {
		return found
	}
	scanRows(frame, func(uid, _, state []byte) {
		if who, ours := s.who[string(uid)]; ours {
			found = append(found, sighting{who, parseShown(state)})
		}
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.known) >= manyFrames {
		clear(s.known)
	}
	s.known[hash] = found
	return found
}
