package main

import (
	"bytes"
	"hash/maphash"
	"html"
	"strconv"
	"sync"
)

// scanRows calls see for every row in html, which is a page or a frame. A row is an element with a state whose id is u-
// followed by the user's ID. The slices are parts of html.
func scanRows(html []byte, see func(uid, username, state []byte)) {
	mark := []byte(`id="u-`)
	for {
		at := bytes.Index(html, mark)
		if at < 0 {
			return
		}
		open := bytes.LastIndexByte(html[:at], '<')
		end := bytes.IndexByte(html[at:], '>') // can't be part of a value, where templates escape it
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

// scanRemoved calls see with the user of every row that frame removes.
func scanRemoved(frame []byte, see func(uid []byte)) {
	start := []byte(`<hx-partial id="u-`)
	for at := bytes.Index(frame, start); at >= 0; at = bytes.Index(frame, start) {
		frame = frame[at:]
		end := bytes.IndexByte(frame, '>')
		if end < 0 {
			return
		}
		tag := frame[:end]
		frame = frame[end:]
		if string(attribute(tag, ` hx-swap="`)) == "delete" {
			see(attribute(tag, ` id="u-`))
		}
	}
}

// attribute returns the value after start, which ends with the opening quote, or nil if start isn't in tag.
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

// scanCount returns the number in the element with this id.
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

// pageRows is the number of people on a full page of the board.
const pageRows = 200

// scanNext returns the address of the next page.
func scanNext(page []byte) (string, bool) {
	href := attribute(page, `<a rel="next" href="`)
	return html.UnescapeString(string(href)), href != nil
}

// shown is the state that a row shows for a changer.
type shown uint8

const (
	other shown = iota
	online
	away
	gone // not on the list
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

// sighting records that a frame shows a changer in a state.
type sighting struct {
	who   int // index of the changer
	state shown
}

// sightings parses frames. The server sends the same bytes to everyone, so each frame is parsed once and found by its
// hash when other watchers receive it. It's safe for concurrent use.
type sightings struct {
	who   map[string]int // by uid; never changes
	whole bool           // lists show everyone who is here: a changer who isn't on a list is gone
	seed  maphash.Seed

	mu    sync.RWMutex
	known map[uint64][]sighting // guarded by mu; the slices never change
}

func (s *sightings) parse(frame []byte) (found []sighting) {
	rows := map[int]bool{}
	scanRows(frame, func(uid, _, state []byte) {
		if who, ours := s.who[string(uid)]; ours {
			found = append(found, sighting{who, parseShown(state)})
			rows[who] = true
		}
	})
	scanRemoved(frame, func(uid []byte) {
		if who, ours := s.who[string(uid)]; ours {
			found = append(found, sighting{who, gone})
		}
	})
	if s.whole && bytes.Contains(frame, []byte(`<hx-partial id="list"`)) {
		for _, who := range s.who {
			if !rows[who] {
				found = append(found, sighting{who, gone})
			}
		}
	}
	return found
}

// maxFrames limits how many frames are cached. Watchers receive the same frame at nearly the same time.
const maxFrames = 1024

func newSightings(changers []*person) *sightings {
	s := &sightings{who: map[string]int{}, seed: maphash.MakeSeed(), known: map[uint64][]sighting{}}
	for i, p := range changers {
		s.who[p.uid] = i
	}
	return s
}

// in returns the changers that frame shows.
func (s *sightings) in(frame []byte) []sighting {
	hash := maphash.Bytes(s.seed, frame)
	s.mu.RLock()
	found, known := s.known[hash]
	s.mu.RUnlock()
	if known {
		return found
	}
	found = s.parse(frame)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.known) >= maxFrames {
		clear(s.known)
	}
	s.known[hash] = found
	return found
}
