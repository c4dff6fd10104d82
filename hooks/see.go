package hooks

import (
	"context"
	"time"

	"rollcall/accounts"
)

// see takes in what is true about people, or about everyone.
func (d *Deliverer) see(ctx context.Context, people []string, everyone bool) error {
	d.mu.Lock()
	hooks := d.machine.hooks()
	d.mu.Unlock()
	if len(hooks) == 0 || len(people) == 0 && !everyone {
		return nil
	}
	if everyone {
		people = nil
	}
	states, err := d.statesOf(ctx, hooks, people)
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	for id, of := range states {
		if everyone {
			d.machine.sawAll(id, of, now)
			continue
		}
		if t := d.machine.targets[id]; t != nil && t.loaded {
			for _, person := range people {
				t.saw(person, of[person], now)
			}
		}
	}
	return nil
}

// statesOf returns, by hook and person, what is true about people (nil: about everyone). People who are offline or gone
// are left out.
func (d *Deliverer) statesOf(ctx context.Context, hooks []accounts.ActiveHook,
	people []string) (map[string]map[string]string, error) {
	states := make(map[string]map[string]string, len(hooks))
	for _, h := range hooks {
		states[h.ID] = map[string]string{}
	}
	compare := func(all []accounts.Person) {
		for _, h := range hooks {
			for _, p := range all {
				if state, _ := d.stateOf(h, p); state != "" {
					states[h.ID][p.ID] = state
				}
			}
		}
	}
	if people == nil {
		people = named(hooks)
	}
	if people == nil {
		return states, d.eachPage(ctx, compare)
	}
	found, err := d.cfg.Accounts.PeopleByID(ctx, people)
	compare(found)
	return states, err
}

// stateOf returns what h tells about p, and whether its owner can see p.
func (d *Deliverer) stateOf(h accounts.ActiveHook, p accounts.Person) (state string, n news) {
	if !h.Covers(p) {
		return "", news{}
	}
	n.Row, n.Shown = d.cfg.Board.RowFor(h.Owner, p)
	return stateOf(h.Hook, n.Row, n.Shown), n
}

// named returns the people whom hooks are about, or nil if one of them is about a team or everyone.
func named(hooks []accounts.ActiveHook) (people []string) {
	for _, h := range hooks {
		if h.About != accounts.AboutOnePerson {
			return nil
		}
		people = append(people, h.PersonID)
	}
	return people
}

// eachPage calls compare with everyone, page by page.
func (d *Deliverer) eachPage(ctx context.Context, compare func([]accounts.Person)) error {
	var q accounts.PeopleQuery
	for {
		people, more, err := d.cfg.Accounts.People(ctx, q)
		if err != nil {
			return err
		}
		compare(people)
		if !more || len(people) == 0 {
			return nil
		}
		q.After = people[len(people)-1].Cursor()
	}
}
