package main

import (
	"fmt"
	"slices"
	"testing"
)

const (
	ada  = `<li class="p h1" id="u-1a" data-user="ada" data-state="online"><p>Ada id=&#34;u-9&#34;</p></li>`
	grac = `<li data-state="away" data-user="grace" id="u-2b"><p>Grace</p></li>`
)

func TestScanRows(t *testing.T) {
	partial := func(id, row string) string {
		return `<hx-partial id="` + id + `" hx-swap=outerMorph>` + row + `</hx-partial>`
	}
	for _, c := range []struct {
		name, html string
		want       []string
	}{
		{"nothing", ``, nil},
		{"no row", `<hx-partial id="n-online" hx-swap=textContent>4</hx-partial>`, nil},
		{"one row", partial("u-1a", ada), []string{"1a ada online"}},
		{"rows and a count", partial("u-1a", ada) + `<hx-partial id="n-all">2</hx-partial>` + partial("u-2b", grac),
			[]string{"1a ada online", "2b grace away"}},
		{"a list", partial("list", `<section><ul>`+ada+grac+`</ul></section>`), []string{"1a ada online", "2b grace away"}},
		{"a removed row", partial("u-1a", ``), nil},
		{"cut off", `<li id="u-1a" data-user="ada`, nil},
		{"cut off at the start", `id="u-1a" data-state="online">`, []string{"  online"}},
	} {
		var got []string
		scanRows([]byte(c.html), func(uid, username, state []byte) {
			got = append(got, fmt.Sprintf("%s %s %s", uid, username, state))
		})
		if !slices.Equal(got, c.want) {
			t.Errorf("scanRows(%s) = %q, want %q", c.name, got, c.want)
		}
	}
}

func TestScanRemoved(t *testing.T) {
	for _, c := range []struct {
		html string
		want []string
	}{
		{`<hx-partial id="u-1a" hx-swap="delete"></hx-partial>`, []string{"1a"}},
		{`<hx-partial id="n-all">2</hx-partial><hx-partial id="u-1a" hx-swap="delete"></hx-partial>` +
			`<hx-partial id="u-2b" hx-swap="delete"></hx-partial>`, []string{"1a", "2b"}},
		{`<hx-partial id="u-2b" hx-swap=beforebegin>` + ada + `</hx-partial>`, nil},
		{`<hx-partial id="people" hx-swap=beforeend>` + ada + `</hx-partial>`, nil},
		{`<hx-partial id="u-1a" hx-swap=outerMorph>` + ada + `</hx-partial>`, nil},
		{`<hx-partial id="u-1a" hx-swap="delete"`, nil},
	} {
		var got []string
		scanRemoved([]byte(c.html), func(uid []byte) { got = append(got, string(uid)) })
		if !slices.Equal(got, c.want) {
			t.Errorf("scanRemoved(%s) = %q, want %q", c.html, got, c.want)
		}
	}
}

// On a page of those who are here, people arrive and leave by a row or with a new list.
func TestSightingsOfArrivalsAndDepartures(t *testing.T) {
	s := newSightings([]*person{{uid: "2b"}, {uid: "3c"}, {uid: "1a"}})
	s.whole = true
	for _, c := range []struct {
		frame string
		want  []sighting
	}{
		{`<hx-partial id="u-2b" hx-swap=beforebegin>` + ada + `</hx-partial>`, []sighting{{2, online}}},
		{`<hx-partial id="u-3c" hx-swap="delete"></hx-partial>`, []sighting{{1, gone}}},
		{`<hx-partial id="u-9z" hx-swap="delete"></hx-partial>`, nil},
		{`<hx-partial id="list" hx-swap=innerMorph><ul>` + ada + grac + `</ul></hx-partial>`,
			[]sighting{{2, online}, {0, away}, {1, gone}}},
		{`<hx-partial id="n-here" hx-swap=textContent>3</hx-partial>`, nil},
	} {
		if got := s.in([]byte(c.frame)); !slices.Equal(got, c.want) {
			t.Errorf("in(%s) = %v, want %v", c.frame, got, c.want)
		}
	}
	s = newSightings([]*person{{uid: "3c"}})
	if got := s.in([]byte(`<hx-partial id="list" hx-swap=innerMorph><ul>` + ada + `</ul></hx-partial>`)); got != nil {
		t.Errorf("in(a list that doesn't show everyone who is here) = %v, want nothing", got)
	}
}

func TestScanCount(t *testing.T) {
	for _, c := range []struct {
		html string
		want int
		ok   bool
	}{
		{`<hx-partial id="n-online" hx-swap=textContent>41</hx-partial>`, 41, true},
		{`<b id="n-online"> 7 </b>`, 7, true},
		{`<b id="n-away">7</b>`, 0, false},
		{`<b id="n-online">–</b>`, 0, false},
		{`<b id="n-online">7`, 7, false},
		{`<b id="n-online"`, 0, false},
	} {
		if got, ok := scanCount([]byte(c.html), "n-online"); got != c.want || ok != c.ok {
			t.Errorf("scanCount(%s) = %d, %v, want %d, %v", c.html, got, ok, c.want, c.ok)
		}
	}
}

func TestScanNext(t *testing.T) {
	for _, c := range []struct {
		html, want string
		ok         bool
	}{
		{`<a rel="prev" href="/?before=a">P</a> <a rel="next" href="/board?after=a&amp;team=x">N</a>`,
			"/board?after=a&team=x", true},
		{`<a rel="prev" href="/?before=a">P</a>`, "", false},
	} {
		if got, ok := scanNext([]byte(c.html)); got != c.want || ok != c.ok {
			t.Errorf("scanNext(%s) = %q, %v, want %q, %v", c.html, got, ok, c.want, c.ok)
		}
	}
}

func TestSightings(t *testing.T) {
	s := newSightings([]*person{{uid: "2b"}, {uid: "3c"}, {uid: "1a"}})
	want := []sighting{{2, online}, {0, away}}
	for range 2 { // the second time from the cache
		if got := s.in([]byte(ada + grac)); !slices.Equal(got, want) {
			t.Errorf("in(frame) = %v, want %v", got, want)
		}
	}
	for i := range 3 * maxFrames {
		s.in(fmt.Append(nil, i))
	}
	if got := len(s.known); got > maxFrames {
		t.Errorf("%d frames are cached, want at most %d", got, maxFrames)
	}
	// Every watcher looks up every frame, so a lookup must not allocate.
	frame := []byte(ada + grac)
	if got := testing.AllocsPerRun(100, func() { s.in(frame) }); got > 0 {
		t.Errorf("in(known frame) allocates %v times, want 0", got)
	}
}

func BenchmarkSightings(b *testing.B) {
	s := newSightings([]*person{{uid: "2b"}, {uid: "1a"}})
	frame := []byte(ada + grac)
	for b.Loop() {
		s.in(frame)
	}
}
