package process

import "testing"

func TestParseIdentity(t *testing.T) {
	for in, want := range map[string]Identity{
		"65532": {65532, 65532}, "1000:100": {1000, 100}, "4294967294": {maxID, maxID},
		"0": {}, "1000:0": {}, "": {}, "nobody": {}, "-1": {}, "1000:": {}, ":1000": {}, "4294967295": {}, "1:2:3": {},
		" 1": {},
	} {
		got, err := ParseIdentity(in)
		if got != want || (err == nil) != (want != Identity{}) {
			t.Errorf("ParseIdentity(%q) = %v, %v, want %v", in, got, err, want)
		}
	}
}

func TestFileLimitIsKnown(t *testing.T) {
	if n := FileLimit(); n < 100 {
		t.Errorf("FileLimit() = %d, want at least 100", n)
	}
}
