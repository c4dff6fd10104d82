package accounts

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// local parses a local time with its offset, in RFC 3339 format.
func local(t *testing.T, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	do(t, "time.Parse", err)
	return at
}

func TestEndOf(t *testing.T) {
	for _, c := range []struct {
		what, zone, now, lasts, at, want string
	}{
		{"half an hour", "Europe/Berlin", "2026-03-01T12:00:30+01:00", "30m", "", "2026-03-01T12:30:30+01:00"},
		{"an hour", "UTC", "2026-12-31T23:30:00Z", "1h", "", "2027-01-01T00:30:00Z"},
		{"two hours", "UTC", "2026-03-29T23:00:00Z", "2h", "", "2026-03-30T01:00:00Z"},
		{"four hours, clocks put forward", "Europe/Berlin", "2026-03-29T00:00:00+01:00", "4h", "",
			"2026-03-29T05:00:00+02:00"},
		{"an unused time", "UTC", "2026-03-01T12:00:00Z", "1h", "nonsense", "2026-03-01T13:00:00Z"},

		{"today", "Europe/Berlin", "2026-03-01T12:00:00+01:00", "today", "", "2026-03-02T00:00:00+01:00"},
		{"today, just begun", "Europe/Berlin", "2026-03-01T00:00:00+01:00", "today", "", "2026-03-02T00:00:00+01:00"},
		{"today, almost over", "Europe/Berlin", "2026-03-01T23:59:59+01:00", "today", "", "2026-03-02T00:00:00+01:00"},
		{"today is tomorrow in UTC", "America/Los_Angeles", "2026-03-01T22:00:00-08:00", "today", "",
			"2026-03-02T00:00:00-08:00"},
		{"today, half-hour zone", "Asia/Kolkata", "2026-03-01T23:00:00+05:30", "today", "", "2026-03-02T00:00:00+05:30"},
		{"today, quarter-hour zone", "Asia/Kathmandu", "2026-03-01T23:00:00+05:45", "today", "", "2026-03-02T00:00:00+05:45"},
		{"a day of 23 hours", "Europe/Berlin", "2026-03-29T00:30:00+01:00", "today", "", "2026-03-30T00:00:00+02:00"},
		{"a day of 25 hours", "Europe/Berlin", "2026-10-25T00:30:00+02:00", "today", "", "2026-10-26T00:00:00+01:00"},
		{"tomorrow has no midnight", "Africa/Cairo", "2026-04-23T12:00:00+02:00", "today", "", "2026-04-24T01:00:00+03:00"},
		{"tomorrow has no midnight, west", "America/Santiago", "2026-09-05T23:00:00-04:00", "today", "",
			"2026-09-06T01:00:00-03:00"},
		{"an hour before midnight comes again", "Africa/Cairo", "2026-10-29T23:30:00+03:00", "today", "",
			"2026-10-30T00:00:00+02:00"},
		{"midnight comes twice: the first", "America/Havana", "2026-10-31T12:00:00-04:00", "today", "",
			"2026-11-01T00:00:00-04:00"},
		{"midnight comes twice: it has begun", "America/Havana", "2026-11-01T00:30:00-04:00", "today", "",
			"2026-11-02T00:00:00-05:00"},
		{"midnight comes twice: yesterday again", "America/St_Johns", "2010-11-06T23:30:00-03:30", "today", "",
			"2010-11-07T00:00:00-03:30"},
		{"tomorrow is skipped", "Pacific/Apia", "2011-12-29T12:00:00-10:00", "today", "", "2011-12-31T00:00:00+14:00"},
		{"the last day of a leap year", "America/New_York", "2040-12-31T12:00:00-05:00", "today", "",
			"2041-01-01T00:00:00-05:00"},
		{"the last evening of a leap year", "America/New_York", "2040-12-30T20:00:00-05:00", "at", "2041-03-10T02:30",
			"2041-03-10T03:00:00-04:00"},

		{"week", "Europe/Berlin", "2026-03-04T12:00:00+01:00", "week", "", "2026-03-09T00:00:00+01:00"},
		{"week, on Monday", "Europe/Berlin", "2026-03-02T00:00:00+01:00", "week", "", "2026-03-09T00:00:00+01:00"},
		{"week, on Sunday", "Europe/Berlin", "2026-03-08T23:59:59+01:00", "week", "", "2026-03-09T00:00:00+01:00"},
		{"week, Monday only in UTC", "America/Los_Angeles", "2026-03-08T20:00:00-07:00", "week", "",
			"2026-03-09T00:00:00-07:00"},
		{"week, clocks put forward", "Europe/Berlin", "2026-03-27T12:00:00+01:00", "week", "", "2026-03-30T00:00:00+02:00"},
		{"week, over the new year", "Europe/Berlin", "2026-12-30T12:00:00+01:00", "week", "", "2027-01-04T00:00:00+01:00"},

		{"a date and time", "Europe/Berlin", "2026-03-01T12:00:00+01:00", "at", "2026-07-01T09:30",
			"2026-07-01T09:30:00+02:00"},
		{"with seconds", "Asia/Kolkata", "2026-03-01T12:00:00+05:30", "at", " 2026-03-01T12:00:01 ",
			"2026-03-01T12:00:01+05:30"},
		{"a time that doesn't exist", "Europe/Berlin", "2026-03-29T00:00:00+01:00", "at", "2026-03-29T02:30",
			"2026-03-29T03:00:00+02:00"},
		{"a time that occurs twice", "Europe/Berlin", "2026-10-25T00:00:00+02:00", "at", "2026-10-25T02:30",
			"2026-10-25T02:30:00+02:00"},
		{"the second of the two", "Europe/Berlin", "2026-10-25T02:45:00+02:00", "at", "2026-10-25T02:30",
			"2026-10-25T02:30:00+01:00"},
		{"half an hour comes again", "Australia/Lord_Howe", "2026-04-05T01:50:00+11:00", "at", "2026-04-05T01:45",
			"2026-04-05T01:45:00+10:30"},
		{"a year ahead", "Europe/Berlin", "2026-03-01T12:00:00+01:00", "at", "2027-03-01T12:00", "2027-03-01T12:00:00+01:00"},
		{"a year ahead, leap day", "UTC", "2028-02-29T12:00:00Z", "at", "2029-03-01T12:00", "2029-03-01T12:00:00Z"},

		{"only a time", "Europe/Berlin", "2026-03-01T12:00:00+01:00", "at", "14:30", "2026-03-01T14:30:00+01:00"},
		{"only a time, tomorrow", "Europe/Berlin", "2026-03-01T12:00:00+01:00", "at", "12:00", "2026-03-02T12:00:00+01:00"},
		{"only a time, one digit", "Europe/Berlin", "2026-03-01T12:00:00+01:00", "at", "9:05", "2026-03-02T09:05:00+01:00"},
		{"only a time, midnight", "Europe/Berlin", "2026-03-01T12:00:00+01:00", "at", "00:00", "2026-03-02T00:00:00+01:00"},
		{"only a time, again today", "Europe/Berlin", "2026-10-25T02:45:00+02:00", "at", "02:30",
			"2026-10-25T02:30:00+01:00"},
		{"only a time, that doesn't exist", "Europe/Berlin", "2026-03-28T12:00:00+01:00", "at", "02:30",
			"2026-03-29T03:00:00+02:00"},
		{"only a time, just skipped", "Europe/Berlin", "2026-03-29T03:00:00+02:00", "at", "02:30",
			"2026-03-30T02:30:00+02:00"},
		{"only a time, yesterday again", "America/St_Johns", "2010-11-07T00:00:30-02:30", "at", "23:30",
			"2010-11-06T23:30:00-03:30"},
	} {
		got, err := EndOf(c.lasts, c.at, Zone(c.zone), local(t, c.now))
		want := local(t, c.want)
		if err != nil || !got.Equal(want) || got.Location() != time.UTC {
			t.Errorf("%s: EndOf(%q, %q, %s) at %s = %v, %v, want %v", c.what, c.lasts, c.at, c.zone, c.now, got, err, want.UTC())
		}
	}
	if got, err := EndOf(LastsForever, "2026-03-01T12:00", time.UTC, time.Now()); err != nil || !got.IsZero() {
		t.Errorf("EndOf(forever) = %v, %v, want no end", got, err)
	}
}

func TestEndOfRefuses(t *testing.T) {
	now := local(t, "2026-03-01T12:00:00+01:00")
	for _, c := range []struct {
		lasts, at string
		code      Code
	}{
		{"tomorrow", "", NotAnOption},
		{"1H", "", NotAnOption},
		{"at", "", BadTime},
		{"at", "noon", BadTime},
		{"at", "24:00", BadTime},
		{"at", "12:60", BadTime},
		{"at", "-1:00", BadTime},
		{"at", "2026-02-29T12:00", BadTime},
		{"at", "2026-13-01T12:00", BadTime},
		{"at", "2026-03-02", BadTime},
		{"at", "2026-03-02T12:00Z", BadTime},
		{"at", "2026-03-02T12:00+01:00", BadTime},
		{"at", "10000-03-02T12:00", BadTime},
		{"at", strings.Repeat("2026-03-02T12:00", 1<<16), BadTime},
		{"at", "2026-03-02T12:00\x00", BadTime},
		{"at", "2026-03-01T12:00", InThePast},
		{"at", "2026-03-01T11:59", InThePast},
		{"at", "0000-01-01T00:00", InThePast},
		{"at", "2027-03-01T12:01", TooFarAhead},
		{"at", "9999-12-31T23:59", TooFarAhead},
	} {
		got, err := EndOf(c.lasts, c.at, Zone("Europe/Berlin"), now)
		wantField(t, "EndOf("+clip(c.lasts+" "+c.at, 40)+")", err, "until")
		if wrong := WrongFields(err); len(wrong) != 1 || wrong[0].Code != c.code || !got.IsZero() {
			t.Errorf("EndOf(%s, %.40q) = %v, %v, want the code %s", c.lasts, c.at, got, err, c.code)
		}
	}
}

// oddZones have unusual clock changes: by half an hour or two hours, at midnight, across the date line, or for
// political reasons.
var oddZones = strings.Fields(`UTC Europe/Berlin Europe/Dublin America/New_York America/St_Johns America/Havana America/Santiago
	America/Sao_Paulo America/Asuncion America/Caracas America/Scoresbysund Atlantic/Azores Africa/Cairo Africa/Casablanca
	Asia/Beirut Asia/Gaza Asia/Amman Asia/Tehran Asia/Kolkata Asia/Kathmandu Asia/Pyongyang Asia/Ust-Nera Australia/Lord_Howe
	Australia/Adelaide Pacific/Apia Pacific/Kwajalein Pacific/Chatham Pacific/Kiritimati Pacific/Tongatapu Antarctica/Troll
	Antarctica/Casey Etc/GMT+12`)

// checkEnd compares EndOf with a clock that is checked every minute after now. The expected end is the first minute at
// which the clock shows, or has jumped over, the wanted time. The wanted time is minutes after the local time at now.
func checkEnd(t *testing.T, name string, now time.Time, lasts string, minutes int) {
	t.Helper()
	zone := Zone(name)
	clock := shown(now, zone)
	wanted := clock.Truncate(time.Minute).Add(time.Duration(minutes) * time.Minute)
	at, every := wanted.Format("2006-01-02T15:04"), 0*time.Hour
	switch lasts {
	case "today":
		wanted = clock.Truncate(24*time.Hour).AddDate(0, 0, 1)
	case "week":
		for wanted = clock.Truncate(24*time.Hour).AddDate(0, 0, 1); wanted.Weekday() != time.Monday; {
			wanted = wanted.AddDate(0, 0, 1)
		}
	case "clock":
		lasts, at, every = "at", wanted.Format("15:04"), 24*time.Hour
	}
	got, err := EndOf(lasts, at, zone, now)
	want := watchClock(zone, now, wanted, every)
	if err == nil && got.Equal(want) || err != nil && want.IsZero() {
		return
	}
	t.Errorf("EndOf(%s, %s, %s) at %s = %s, %v, want %s", lasts, at, name, now.In(zone), got.In(zone), err, want.In(zone))
}

// watchClock checks the clock every minute for nine days. If every is set, the wanted time occurs every day.
func watchClock(zone *time.Location, now, wanted time.Time, every time.Duration) time.Time {
	before := shown(now.Truncate(time.Minute), zone)
	for m := now.Truncate(time.Minute).Add(time.Minute); m.Before(now.Add(9 * 24 * time.Hour)); m = m.Add(time.Minute) {
		shows := shown(m, zone)
		target := wanted
		for every > 0 && target.After(shows) {
			target = target.Add(-every)
		}
		for every > 0 && !target.After(shows.Add(-every)) {
			target = target.Add(every)
		}
		if shows.Equal(target) || before.Before(target) && target.Before(shows) {
			return m
		}
		before = shows
	}
	return time.Time{}
}

// fuzzedLasts are the values that checkEnd accepts.
var fuzzedLasts = []string{"today", "week", "at", "clock"}

// nearChange returns a moment some minutes from the next clock change after t, if there is one.
func nearChange(name string, t time.Time, minutes int) time.Time {
	if _, change := t.In(Zone(name)).ZoneBounds(); !change.IsZero() {
		t = change
	}
	return t.Add(time.Duration(minutes) * time.Minute)
}

func TestEndOfNearChanges(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	for range 2000 {
		name := oddZones[rnd.IntN(len(oddZones))]
		if Zone(name) == time.UTC && name != "UTC" {
			t.Fatalf("Zone(%s) = UTC, want the zone", name)
		}
		start := time.Unix(rnd.Int64N(2_400_000_000-320_000_000)+320_000_000, 0) // 1980 to 2046
		now := nearChange(name, start, rnd.IntN(4*24*60)-2*24*60).Add(time.Duration(rnd.IntN(60)) * time.Second)
		checkEnd(t, name, now, fuzzedLasts[rnd.IntN(len(fuzzedLasts))], rnd.IntN(6*24*60)-3*24*60)
	}
}

func FuzzEndOf(f *testing.F) {
	for i := range oddZones {
		f.Add(uint8(i), int64(1_773_000_000), int16(-90), uint8(i), int16(45))
	}
	f.Fuzz(func(t *testing.T, zone uint8, unix int64, near int16, lasts uint8, minutes int16) {
		if unix < 320_000_000 || unix > 4_000_000_000 {
			return
		}
		name := oddZones[int(zone)%len(oddZones)]
		checkEnd(t, name, nearChange(name, time.Unix(unix, 0), int(near)), fuzzedLasts[int(lasts)%len(fuzzedLasts)],
			int(minutes)%(7*24*60))
	})
}

// FuzzEndOfTyped: every input gives either an end within a year or an error.
func FuzzEndOfTyped(f *testing.F) {
	for _, at := range []string{"", "12:00", "2026-03-02T12:00", "2026-03-02T12:00:00.5", "9999-12-31T23:59"} {
		f.Add("at", at, "Europe/Berlin")
	}
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, lasts, at, zone string) {
		end, err := EndOf(lasts, at, Zone(zone), now)
		switch {
		case err != nil:
			wantField(t, "EndOf", err, "until")
		case lasts == LastsForever && end.IsZero():
		case !end.After(now) || end.After(now.AddDate(1, 0, 1)):
			t.Errorf("EndOf(%q, %q, %q) = %v, want an end within a year after %v", lasts, at, zone, end, now)
		default:
			if _, err := cleanStatus(Status{Text: "x", Until: end}, now); err != nil {
				t.Errorf("a status until %v is refused: %v", end, err)
			}
		}
	})
}

func TestZone(t *testing.T) {
	for _, name := range append(strings.Fields("UTC Etc/UTC GMT Europe/Kyiv America/Argentina/ComodRivadavia America/North_Dakota/New_Salem "+
		"GB-Eire Etc/GMT-14 EST5EDT US/Pacific"), oddZones...) {
		if zone, err := loadZone(name); err != nil || Zone(name).String() != zone.String() {
			t.Errorf("loadZone(%q) = %v, %v, want the zone", name, zone, err)
		}
	}
	for _, name := range []string{"", "Local", "Nowhere/City", "europe/berlin", "localtime", "posix/Europe/Berlin",
		"/etc/localtime",
		"../zoneinfo/UTC", "Europe/../UTC", "Europe\\Berlin", "Europe/Berlin\x00", "Europe/Berlin ", "Europe", "Europe/",
		"+01:00",
		"E" + strings.Repeat("/x", 40), strings.Repeat("A", 1<<20), "Zürich", "\xff"} {
		if zone, err := loadZone(name); err == nil || Zone(name) != time.UTC {
			t.Errorf("loadZone(%.40q) = %v, want an error", name, zone)
		}
	}
}
