package accounts

import (
	"strings"
	"time"
	_ "time/tzdata" // zones where the system has none
)

const maxZone = 64 // bytes; the longest name has 32

// Zone returns the time zone called name, or UTC if name is "" or invalid.
func Zone(name string) *time.Location {
	zone, err := loadZone(name)
	if err != nil {
		return time.UTC
	}
	return zone
}

// loadZone returns the zone with an IANA name, or a *FieldError. Names begin with a capital letter and consist of
// letters, digits, dashes, plus signs, underscores and slashes. Other names that a system may accept ("Local",
// "localtime", "posix/…", paths) aren't the same everywhere.
func loadZone(name string) (*time.Location, error) {
	wrong := wrongField("time_zone", UnknownZone)
	if name == "" || len(name) > maxZone || name[0] < 'A' || name[0] > 'Z' || name == "Local" ||
		strings.ContainsFunc(name, notInZone) {
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
