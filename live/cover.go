package live

import (
	"context"
	"errors"
	"fmt"

	"rollcall/accounts"
)

// cover counts which people the selections can show. Only these are held in memory, and only while streams show them.
// Guarded by Board.mu.
type cover struct {
	reach, read reach           // of all selections, and of those whose people have been read
	readings    int             // in progress
	met         map[string]bool // people of whom the board learned something since the first of these readings began
}

// reach counts selections by whom they can show.
type reach struct {
	everyone     int
	teams, names map[string]int // by key, and by username
}

func newCover() (c cover) {
	c.met = map[string]bool{}
	c.reset()
	return c
}

// reset forgets all selections. Readings in progress go on.
func (c *cover) reset() {
	c.reach = reach{teams: map[string]int{}, names: map[string]int{}}
	c.read = reach{teams: map[string]int{}, names: map[string]int{}}
}

func (c *cover) has(p accounts.Person) bool { return c.hasKey(p.TeamKey(), p.Username) }

func (c *cover) hasKey(team, username string) bool {
	r := &c.reach
	return r.everyone > 0 || r.teams[team] > 0 || r.names[username] > 0
}

// add counts s by times.
func (r *reach) add(s *selection, by int) {
	count := func(m map[string]int, key string) {
		if m[key] += by; m[key] == 0 {
			delete(m, key)
		}
	}
	switch teams := s.keys(); {
	case s.names != nil:
		for name := range s.names {
			count(r.names, name)
		}
	case teams == nil:
		r.everyone += by
	default:
		for _, key := range teams {
			count(r.teams, key)
		}
	}
}

// includes reports whether everyone whom s shows is counted.
func (r *reach) includes(s *selection) bool {
	if r.everyone > 0 {
		return true
	}
	teams := s.keys()
	if s.names != nil || teams == nil {
		return false
	}
	for _, key := range teams {
		if r.teams[key] == 0 {
			return false
		}
	}
	return true
}

// keys returns the keys of the teams that s shows, or nil for all.
func (s *selection) keys() []string {
	switch {
	case s.team != "" && s.teams.has(s.team):
		return []string{s.team}
	case s.team != "":
		return []string{}
	case s.teams != nil:
		return s.teams.keys
	}
	return nil
}

func (c *cover) drop(s *selection) {
	c.reach.add(s, -1)
	if s.ready {
		c.read.add(s, -1)
	}
}

// note records that the board learned something about a person, so that a reading in progress doesn't undo it.
func (c *cover) note(id string) {
	if c.readings > 0 {
		c.met[id] = true
	}
}

// readSelection reads the people of s from the accounts, if they aren't all in memory. From the moment when s was made,
// changes of its people arrive as well, and count more than what is read.
func readSelection(ctx context.Context, b *Board, s *selection) error {
	select {
	case s.reading <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-s.reading }()
	j := b.journals
	ready := false
	b.update(func() {
		if ready = s.ready || s.over; ready {
			return
		}
		if ready = j.cover.read.includes(s); ready {
			j.begin(s)
			return
		}
		if j.cover.readings++; j.cover.readings == 1 {
			clear(j.cover.met)
		}
	})
	if ready {
		return nil
	}
	err := readPeople(ctx, b, s)
	b.update(func() {
		if j.cover.readings--; j.cover.readings == 0 {
			clear(j.cover.met)
		}
		if err == nil && !s.over {
			j.begin(s)
		}
	})
	return err
}

// readPeople takes the people of s into the journals.
func readPeople(ctx context.Context, b *Board, s *selection) error {
	if s.names != nil {
		return readNames(ctx, b, s)
	}
	q := accounts.PeopleQuery{Limit: accounts.MaxPage, Teams: s.keys()}
	if q.Teams != nil && len(q.Teams) == 0 {
		return nil
	}
	for {
		people, more, err := b.accounts.People(ctx, q)
		if err != nil {
			return fmt.Errorf("read the people of a stream: %w", err)
		}
		b.journals.meet(b, people)
		if !more || len(people) == 0 {
			return nil
		}
		q.After = people[len(people)-1].Cursor()
	}
}

func readNames(ctx context.Context, b *Board, s *selection) error {
	var people []accounts.Person
	for name := range s.names {
		u, err := b.accounts.UserByName(ctx, name)
		switch {
		case errors.Is(err, accounts.ErrNotFound):
		case err != nil:
			return fmt.Errorf("read the people of a stream: %w", err)
		case !u.Disabled:
			people = append(people, u.Person)
		}
	}
	b.journals.meet(b, people)
	return nil
}
