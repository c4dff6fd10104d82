package live

import (
	"maps"
	"slices"
	"strings"
)

// MaxFaces is how many people of a team the index of teams shows.
const MaxFaces = 3

// Face is a person who is here, in the index of teams.
type Face struct{ ID, Name string }

// Faces are the first people of a team who are here. The rest is zero. Faces are immutable, and while those of a team
// don't change, they stay the same object.
type Faces [MaxFaces]Face

// nobodyHere are the faces of a team without people who are here.
var nobodyHere = new(Faces)

// faces remembers the faces of teams. Guarded by Board.mu.
type faces struct {
	of    map[string]*Faces // by team key
	stale map[string]bool   // team keys whose people may have changed
}

func newFaces() faces { return faces{map[string]*Faces{}, map[string]bool{}} }

// keep forgets all teams but these.
func (s *faces) keep(teams map[string]int) {
	maps.DeleteFunc(s.of, func(key string, _ *Faces) bool { return teams[key] == 0 })
	maps.DeleteFunc(s.stale, func(key string, _ bool) bool { return teams[key] == 0 })
}

// facesOf returns the faces of a team. They come from the rows of the audience that may know the least.
func facesOf(r *roster, key string) *Faces {
	known := r.faces.of[key]
	if !r.faces.stale[key] && known != nil {
		return known
	}
	delete(r.faces.stale, key)
	var now Faces
	first, _ := slices.BinarySearchFunc(r.present, key, func(m *member, key string) int {
		return strings.Compare(m.person.TeamKey(), key)
	})
	for i := range now {
		if at := first + i; at < len(r.present) && r.present[at].person.TeamKey() == key {
			row := r.entry(r.present[at], Reticent).Row
			now[i] = Face{row.ID, row.Name}
		}
	}
	switch {
	case known != nil && now == *known:
	case now == *nobodyHere:
		r.faces.of[key] = nobodyHere
	default:
		r.faces.of[key] = &now
	}
	return r.faces.of[key]
}
