package replica

import (
	"crypto/rand"
	"os"
	"strings"
)

// A replica's ID is the host name, for people who read Redis, a hyphen, and random text. Each start creates a new ID,
// so that a process never mistakes entries of an earlier one for its own.
const (
	idHost   = 20 // bytes at most
	idRandom = 10 // bytes
)

func replicaID() string {
	host, _ := os.Hostname()
	host = strings.Map(func(r rune) rune {
		if isHostRune(r) {
			return r
		}
		return -1
	}, host)
	return host[:min(len(host), idHost)] + "-" + rand.Text()[:idRandom]
}

// isReplicaID reports whether text has the form of a replica's ID. Fields and keys of other programs under our prefix
// don't, so Rollcall doesn't show or remove them.
func isReplicaID(text string) bool {
	hyphen := len(text) - idRandom - 1
	if hyphen < 0 || hyphen > idHost || text[hyphen] != '-' {
		return false
	}
	isRandomRune := func(r rune) bool { return r >= 'A' && r <= 'Z' || r >= '2' && r <= '7' } // base32, as of rand.Text
	return strings.IndexFunc(text[:hyphen], func(r rune) bool { return !isHostRune(r) }) < 0 &&
		strings.IndexFunc(text[hyphen+1:], func(r rune) bool { return !isRandomRune(r) }) < 0
}

func isHostRune(r rune) bool {
	return r == '-' || r == '.' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}
