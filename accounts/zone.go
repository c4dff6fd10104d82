package accounts

import (
	"strings"
	"time"
	_ "time/tzdata" // zones where the system has none
)

const maxZone = 64 // bytes; the longest name has 32

// Zone returns the time zone called name; UTC for "" and for what is none.
func Zone(name string) *time.Location {
	zone, err := loadZone(name)
	if err != nil {
		return time.UTC
	}
	return zone
}

// loadZone returns the zone with an IANA name, or a *FieldError. Names are words of letters, digits, dashes, plus signs
// and underscores with slashes between, and begin with a capital letter: what else a system takes for a zone ("Local",
// "localtime", "posix/…", paths) is not the same everywhere.
func loadZone(name string) (*time.Location, error) {
	wrong := wrongField("time_zone", UnknownZone)
	if name == "" || len(name) > maxZone || name[0] < 'A' || name[0] > 'Z' || name == "Local" || strings.ContainsFunc(name, notInZone) {
		return nil, wrong
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, wrong
	}
	return zone, nil
}

func notInZone(r rune) bool {
	letter := 'A' <= r && r <= 'Z' || 'a' <= r && r <= 'z'
	return !letter && (r < '0' || r > '9') && !strings.ContainsRune("_+-/", r)
}
