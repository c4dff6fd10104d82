package presence

import "time"

// Subject is what Resolve needs to know about a person.
type Subject struct {
	Facts  *Facts
	Conns  []*ConnInfo // this replica's connections, in any order
	Remote []Digest    // the digests of other replicas, in any order
	Seen   time.Time
}

// Result is what Resolve returns.
type Result struct {
	View View // without Since, which only the Tracker knows
	Why  Why
	Next time.Time // the earliest time at which View or Why can change without other input; zero if never
	From time.Time // the latest time at which the state can have begun; zero if unknown
}

// Resolve applies the rules to one person at one time. idleAfter is the default for people who haven't chosen one. A
// negative value means never. Resolve has no side effects, doesn't depend on the order of its input, and doesn't
// allocate.
func Resolve(s Subject, idleAfter time.Duration, now time.Time) Result {
	f := s.Facts
	var r Result
	if f.Disabled {
		r.View.State, r.Why.Rule = Offline, ByDisabled
		return r
	}
	idleAfter = f.idleAfter(idleAfter)
	con := connected(s, idleAfter, now)
	status := statusLive(&f.Status, now)
	claim := bestClaim(f.Claims, now)
	r.View.Listed = true
	r.View.State, r.Why, r.From = decide(f, con, status, claim, idleAfter)
	r.Next = soonest(ahead(con.next, now), ahead(f.nextEnd(now), now))
	r.setText(f, status, claim, now)
	if r.View.State == Offline {
		r.View.LastSeen, r.From = s.Seen, time.Time{}
	} else {
		r.View.Elsewhere = !con.own
	}
	return r
}

// decide returns the state by the first rule that applies. The rules are the cases, in order.
func decide(f *Facts, con connectedness, status bool, claim *Claim, idleAfter time.Duration) (State, Why, time.Time) {
	switch {
	case f.Invisible:
		return Offline, Why{Rule: ByInvisible}, time.Time{}
	case !con.any:
		return Offline, Why{Rule: ByNoConnection}, time.Time{}
	case status && f.Status.State != "":
		return f.Status.State, Why{Rule: ByStatus, Until: f.Status.Until}, f.Status.SetAt
	case claim != nil:
		return claim.State, Why{Rule: ByClaim, Claim: claim.Key, Until: claim.Until}, claim.SetAt
	case con.active:
		return Online, Why{Rule: ByInput, Idle: idleAfter}, time.Time{}
	default:
		return Away, Why{Rule: ByIdleness, Idle: idleAfter}, con.idleFrom
	}
}

// setText sets the text and emoji from the person's own status, or else from the newest claim that has any. They stay
// while the person is offline. Otherwise, they would show whether a person is invisible or has left.
func (r *Result) setText(f *Facts, status bool, claim *Claim, now time.Time) {
	v := &r.View
	if r.Why.Rule == ByStatus || r.Why.Rule == ByClaim {
		v.Until = r.Why.Until
	}
	if status && (f.Status.Text != "" || f.Status.Emoji != "") {
		v.Text, v.Emoji = f.Status.Text, f.Status.Emoji
		v.Until = f.Status.Until
		return
	}
	var newest *Claim
	for i := range f.Claims {
		c := &f.Claims[i]
		if c.live(now) && (c.Text != "" || c.Emoji != "") && (newest == nil || newer(c, newest)) {
			newest = c
		}
	}
	if newest != nil {
		v.Text, v.Emoji, v.Until = newest.Text, newest.Emoji, newest.Until
	}
}

// connectedness summarizes a person's connections to this and other replicas.
type connectedness struct {
	any      bool
	own      bool      // any connection to this replica
	active   bool      // there was input within the idle time
	idleFrom time.Time // if not active, when the last connection stopped being active; zero if unknown
	next     time.Time // when any or active can next change without other input
}

func connected(s Subject, idleAfter time.Duration, now time.Time) connectedness {
	var c connectedness
	for _, d := range s.Remote {
		c.any = c.any || d.Connected
		c.active = c.active || d.Connected && d.Active
	}
	for _, l := range s.Conns {
		if !l.live(now) {
			continue
		}
		c.any, c.own = true, true
		if !l.Until.IsZero() {
			c.next = soonest(c.next, l.Until)
		}
		if !l.attentive() {
			continue
		}
		idle := l.Input.Add(idleAfter)
		switch {
		case idleAfter < 0:
			c.active = true
		case now.Before(idle):
			c.active = true
			c.next = soonest(c.next, idle)
		case idle.After(c.idleFrom):
			c.idleFrom = idle
		}
	}
	return c
}

func statusLive(w *Status, now time.Time) bool {
	said := w.State != "" || w.Text != "" || w.Emoji != ""
	return said && (w.Until.IsZero() || now.Before(w.Until))
}

// bestClaim returns the claim that decides: dnd before away, then the newest, then by key, so that it doesn't depend on
// the order. A claim with only text doesn't decide the state.
func bestClaim(claims []Claim, now time.Time) *Claim {
	var best *Claim
	for i := range claims {
		c := &claims[i]
		if c.State == "" || !c.live(now) {
			continue
		}
		switch {
		case best == nil,
			c.State == DND && best.State != DND,
			c.State == best.State && newer(c, best):
			best = c
		}
	}
	return best
}

func newer(a, b *Claim) bool {
	if !a.SetAt.Equal(b.SetAt) {
		return a.SetAt.After(b.SetAt)
	}
	return a.Key < b.Key
}

// nextEnd returns the earliest end of a live status or claim.
func (f *Facts) nextEnd(now time.Time) time.Time {
	var next time.Time
	if statusLive(&f.Status, now) {
		next = f.Status.Until
	}
	for i := range f.Claims {
		if c := &f.Claims[i]; c.live(now) {
			next = soonest(next, c.Ends)
		}
	}
	return next
}

// ahead returns t with both clock readings of now: the monotonic clock, which connections use, and the wall clock,
// which statuses end by. Such times stay comparable after someone changes the wall clock.
func ahead(t, now time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return now.Add(t.Sub(now))
}

// soonest returns the earlier of two times. Zero means never.
func soonest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
