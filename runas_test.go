package main

import "testing"

func TestParseIdentity(t *testing.T) {
	for in, want := range map[string]identity{
		"65532": {65532, 65532}, "1000:100": {1000, 100}, "4294967294": {maxID, maxID},
		"0": {}, "1000:0": {}, "": {}, "nobody": {}, "-1": {}, "1000:": {}, ":1000": {}, "4294967295": {}, "1:2:3": {}, " 1": {},
	} {
		got, err := parseIdentity(in)
		if got != want || (err == nil) != (want != identity{}) {
			t.Errorf("parseIdentity(%q) = %v, %v, want %v", in, got, err, want)
		}
	}
}
