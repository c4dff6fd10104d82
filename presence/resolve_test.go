package presence

import (
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const idle = 10 * time.Minute

func open(ago time.Duration) *ConnInfo { return &ConnInfo{Input: noon.Add(-ago)} }

// TestResolveTable covers the rules in order, one line per case.
func TestResolveTable(t *testing.T) {
	status := Status{State: DND, Text: "deep work", SetAt: noon.Add(-time.Hour), Until: noon.Add(time.Hour)}
	claim := func(key string, s State, set time.Duration) Claim {
		return Claim{Key: key, State: s, SetAt: noon.Add(set), Ends: noon.Add(time.Hour)}
	}
	for _, c := range []struct {
		name   string
		facts  Facts
		conns  []*ConnInfo
		remote []Digest
		state  State
		rule   Rule
	}{
		{name: "0 disabled beats everything", facts: Facts{Disabled: true, Status: status}, conns: []*ConnInfo{open(0)},
			state: Offline, rule: ByDisabled},
		{name: "1 invisible beats the status", facts: Facts{Invisible: true, Status: status}, conns: []*ConnInfo{open(0)},
			state: Offline, rule: ByInvisible},
		{name: "2 no connection", facts: Facts{Status: status}, state: Offline, rule: ByNoConnection},
		{name: "2 only a connection whose grace period is over", conns: []*ConnInfo{{Input: noon, Until: noon}},
			state: Offline, rule: ByNoConnection},
		{name: "3 a person's own status", facts: Facts{Status: status, Claims: []Claim{claim("a", Away, 0)}},
			conns: []*ConnInfo{open(0)}, state: DND, rule: ByStatus},
		{name: "3 a status of online beats idleness", facts: Facts{Status: Status{State: Online}},
			conns: []*ConnInfo{open(time.Hour)}, state: Online, rule: ByStatus},
		{name: "3 an expired status doesn't count", facts: Facts{Status: Status{State: DND, Until: noon}},
			conns: []*ConnInfo{open(0)}, state: Online, rule: ByInput},
		{name: "3 a status with only text doesn't decide the state", facts: Facts{Status: Status{Text: "hi"}},
			conns: []*ConnInfo{open(0)}, state: Online, rule: ByInput},
		{name: "4 dnd before away", facts: Facts{Claims: []Claim{claim("new", Away, 0), claim("old", DND, -time.Hour)}},
			conns: []*ConnInfo{open(0)}, state: DND, rule: ByClaim},
		{name: "4 a claim with only text doesn't decide the state",
			facts: Facts{Claims: []Claim{{Key: "k", Text: "x", Ends: noon.Add(1)}}}, conns: []*ConnInfo{open(0)}, state: Online,
			rule: ByInput},
		{name: "4 a claim whose lease has lapsed doesn't count", facts: Facts{Claims: []Claim{
			{Key: "k", State: DND, Until: noon.Add(time.Hour), Ends: noon}}}, conns: []*ConnInfo{open(0)}, state: Online,
			rule: ByInput},
		{name: "4 beats input and idleness", facts: Facts{Claims: []Claim{claim("k", Away, 0)}}, conns: []*ConnInfo{open(0)},
			state: Away, rule: ByClaim},
		{name: "5 input", conns: []*ConnInfo{open(idle - 1)}, state: Online, rule: ByInput},
		{name: "5 a hidden page on a desktop still counts", conns: []*ConnInfo{{Input: noon, Hidden: true}}, state: Online,
			rule: ByInput},
		{name: "5 one attentive connection is enough", conns: []*ConnInfo{open(time.Hour), open(0)}, state: Online,
			rule: ByInput},
		{name: "5 input on another replica", conns: []*ConnInfo{open(time.Hour)},
			remote: []Digest{{Connected: true, Active: true}}, state: Online, rule: ByInput},
		{name: "5 never idle", facts: Facts{IdleAfter: -1}, conns: []*ConnInfo{open(100 * time.Hour)}, state: Online,
			rule: ByInput},
		{name: "5 a person's own idle-after", facts: Facts{IdleAfter: 2 * time.Hour}, conns: []*ConnInfo{open(time.Hour)},
			state: Online, rule: ByInput},
		{name: "6 no input", conns: []*ConnInfo{open(idle)}, state: Away, rule: ByIdleness},
		{name: "6 a hidden page on a phone", conns: []*ConnInfo{{Input: noon, Hidden: true, Phone: true}}, state: Away,
			rule: ByIdleness},
		{name: "6 a locked screen", conns: []*ConnInfo{{Input: noon, Locked: true}}, state: Away, rule: ByIdleness},
		{name: "6 idle on another replica", remote: []Digest{{Connected: true}}, state: Away, rule: ByIdleness},
	} {
		r := Resolve(Subject{Facts: &c.facts, Conns: c.conns, Remote: c.remote}, idle, noon)
		if r.View.State != c.state || r.Why.Rule != c.rule {
			t.Errorf("%s: Resolve = %s by rule %d, want %s by rule %d", c.name, r.View.State, r.Why.Rule, c.state, c.rule)
		}
	}
}

func TestResolveTextStaysWhileOffline(t *testing.T) {
	f := Facts{Status: Status{State: DND, Text: "on holiday", Emoji: "🏖", Until: noon.Add(time.Hour)}}
	got := Resolve(Subject{Facts: &f}, idle, noon).View
	want := View{Listed: true, State: Offline, Text: "on holiday", Emoji: "🏖", Until: noon.Add(time.Hour)}
	if got != want {
		t.Errorf("Resolve(absent with a status) = %+v, want %+v", got, want)
	}
}

// Generators of subjects within two hours around noon, in whole minutes, so that times often coincide.

func minutes(lo, hi int) *rapid.Generator[time.Time] {
	return rapid.Map(rapid.IntRange(lo, hi), func(m int) time.Time { return noon.Add(time.Duration(m) * time.Minute) })
}

func drawState(t *rapid.T, label string, states ...State) State {
	return rapid.SampledFrom(states).Draw(t, label)
}

func drawConn(t *rapid.T) *ConnInfo {
	l := &ConnInfo{
		Input:  minutes(-120, 0).Draw(t, "input"),
		Hidden: rapid.Bool().Draw(t, "hidden"), Phone: rapid.Bool().Draw(t, "phone"), Locked: rapid.Bool().Draw(t, "locked"),
	}
	if rapid.Bool().Draw(t, "closed") {
		l.Until = minutes(-10, 10).Draw(t, "until")
	}
	return l
}

func drawClaim(t *rapid.T) Claim {
	c := Claim{
		Key:   rapid.SampledFrom([]string{"cal", "build", "lamp", "phone"}).Draw(t, "key"),
		State: drawState(t, "claim", "", Away, DND), Text: rapid.SampledFrom([]string{"", "busy", "out"}).Draw(t, "says"),
		Ends: minutes(-30, 30).Draw(t, "ends"), SetAt: minutes(-60, 0).Draw(t, "set"),
	}
	if rapid.Bool().Draw(t, "told") {
		c.Until = c.Ends.Add(time.Duration(rapid.IntRange(0, 30).Draw(t, "leased")) * time.Minute)
	}
	return c
}

func drawFacts(t *rapid.T) Facts {
	f := Facts{
		Claims: rapid.SliceOfNDistinct(rapid.Custom(drawClaim), 0, 3, func(c Claim) string { return c.Key }).Draw(t,
			"claims"),
		IdleAfter: rapid.SampledFrom([]time.Duration{0, -1, time.Minute, 2 * time.Hour}).Draw(t, "idle-after"),
	}
	if rapid.Bool().Draw(t, "status") {
		f.Status.State = drawState(t, "state", "", Online, Away, DND)
		f.Status.Text = rapid.SampledFrom([]string{"", "lunch"}).Draw(t, "text")
		if rapid.Bool().Draw(t, "ending") {
			f.Status.Until = minutes(-30, 30).Draw(t, "status until")
		}
	}
	return f
}

type drawn struct {
	facts  Facts
	conns  []*ConnInfo
	remote []Digest
	seen   time.Time
}

func (d *drawn) resolve(now time.Time) Result {
	return Resolve(Subject{Facts: &d.facts, Conns: d.conns, Remote: d.remote, Seen: d.seen}, idle, now)
}

func drawSubject(t *rapid.T) *drawn {
	conns := rapid.SliceOfN(rapid.Custom(drawConn), 0, 4)
	d := &drawn{facts: drawFacts(t), conns: conns.Draw(t, "conns"), seen: noon.Add(-time.Hour)}
	for range rapid.IntRange(0, 2).Draw(t, "replicas") {
		d.remote = append(d.remote, Digest{Connected: true, Active: rapid.Bool().Draw(t, "active")})
	}
	return d
}

func TestResolveIgnoresOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawSubject(t)
		want := d.resolve(noon)
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		r.Shuffle(len(d.conns), func(i, j int) { d.conns[i], d.conns[j] = d.conns[j], d.conns[i] })
		r.Shuffle(len(d.remote), func(i, j int) { d.remote[i], d.remote[j] = d.remote[j], d.remote[i] })
		c := d.facts.Claims
		r.Shuffle(len(c), func(i, j int) { c[i], c[j] = c[j], c[i] })
		if got := d.resolve(noon); got != want {
			t.Errorf("Resolve(shuffled) = %+v, want %+v", got, want)
		}
	})
}

func TestResolveNoConnectionMeansOffline(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawSubject(t)
		d.remote = nil
		for _, l := range d.conns {
			l.Until = noon.Add(-time.Duration(rapid.IntRange(0, 9).Draw(t, "ago")) * time.Minute)
		}
		if got := d.resolve(noon).View.State; got != Offline {
			t.Errorf("Resolve(no live connection) = %s, want offline", got)
		}
	})
}

func TestResolveOwnStatusWins(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawSubject(t)
		d.conns = append(d.conns, open(0))
		d.facts.Status = Status{State: drawState(t, "said", Online, Away, DND)}
		if got := d.resolve(noon); got.View.State != d.facts.Status.State || got.Why.Rule != ByStatus {
			t.Errorf("Resolve(status %s) = %s by rule %d, want the status", d.facts.Status.State, got.View.State, got.Why.Rule)
		}
	})
}

// TestResolveExpiredEqualsAbsent removes everything that has expired by noon, and expects the same result.
func TestResolveExpiredEqualsAbsent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawSubject(t)
		want := d.resolve(noon)
		less := &drawn{facts: d.facts, remote: d.remote, seen: d.seen}
		for _, l := range d.conns {
			if l.Until.IsZero() || l.Until.After(noon) {
				less.conns = append(less.conns, l)
			}
		}
		less.facts.Claims = nil
		for _, c := range d.facts.Claims {
			if c.Ends.After(noon) {
				less.facts.Claims = append(less.facts.Claims, c)
			}
		}
		if u := d.facts.Status.Until; !u.IsZero() && !u.After(noon) {
			less.facts.Status = Status{}
		}
		if got := less.resolve(noon); got != want {
			t.Errorf("Resolve(without the expired) = %+v, want %+v", got, want)
		}
	})
}

func TestResolveAnotherDeviceNeverLowersState(t *testing.T) {
	rank := map[State]int{Offline: 0, Away: 1, Online: 2}
	rapid.Check(t, func(t *rapid.T) {
		d := drawSubject(t)
		d.facts.Status, d.facts.Claims = Status{}, nil // these would decide regardless of the devices
		before := d.resolve(noon).View.State
		if rapid.Bool().Draw(t, "elsewhere") {
			d.remote = append(d.remote, Digest{Connected: true, Active: rapid.Bool().Draw(t, "more active")})
		} else {
			d.conns = append(d.conns, drawConn(t))
		}
		if after := d.resolve(noon).View.State; rank[after] < rank[before] {
			t.Errorf("Resolve(one more device) = %s, was %s", after, before)
		}
	})
}

// TestResolveNextIsNeverLate resolves every minute before Next, and expects the same result as at noon.
func TestResolveNextIsNeverLate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawSubject(t)
		r := d.resolve(noon)
		for m := range 180 {
			at := noon.Add(time.Duration(m) * time.Minute)
			if !r.Next.IsZero() && !at.Before(r.Next) {
				break
			}
			if got := d.resolve(at); got.View != r.View || got.Why != r.Why {
				t.Fatalf("Resolve at %s = %+v, was %+v, although Next is %s", at, got, r, r.Next)
			}
		}
		if !r.Next.IsZero() && !r.Next.After(noon) {
			t.Errorf("Next = %s, want later than now", r.Next)
		}
	})
}

// TestResolveInvisibleEqualsDeparted: both views are equal, so everything that's derived from them is too.
func TestResolveInvisibleEqualsDeparted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawSubject(t)
		departed := &drawn{facts: d.facts, seen: d.seen}
		d.facts.Invisible = true
		for m := range 60 {
			at := noon.Add(time.Duration(m) * time.Minute)
			if got, want := d.resolve(at).View, departed.resolve(at).View; got != want {
				t.Fatalf("at %s, Resolve(invisible) = %+v, want the view of a person who left, %+v", at, got, want)
			}
		}
	})
}

// TestResolveLeaseIsNeverTold renews the leases of all live claims, and expects the same view and the same reason.
func TestResolveLeaseIsNeverTold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawSubject(t)
		want := d.resolve(noon)
		for i := range d.facts.Claims {
			if c := &d.facts.Claims[i]; c.live(noon) {
				c.Ends = minutes(1, 60).Draw(t, "renewed")
			}
		}
		if got := d.resolve(noon); got.View != want.View || got.Why != want.Why {
			t.Errorf("Resolve(renewed) = %+v, want %+v", got, want)
		}
	})
}

func TestResolveDoesNotAllocate(t *testing.T) {
	f := Facts{Status: Status{Text: "hi"}, Claims: []Claim{{Key: "a", State: Away, Ends: noon.Add(1)}, {Key: "b", State: DND}}}
	conns := []*ConnInfo{open(0), open(time.Minute)}
	if n := testing.AllocsPerRun(100, func() { Resolve(Subject{Facts: &f, Conns: conns}, idle, noon) }); n != 0 {
		t.Errorf("Resolve allocates %v times, want 0", n)
	}
}

func BenchmarkResolve(b *testing.B) {
	f := Facts{Status: Status{Text: "hi"}}
	conns := []*ConnInfo{open(0), open(time.Minute)}
	for b.Loop() {
		Resolve(Subject{Facts: &f, Conns: conns}, idle, noon)
	}
}
