package accounts

import (
	"path/filepath"
	"testing"
)

// open returns a store on a new file, with hashes that cost next to nothing.
func open(tb testing.TB, cfg Config) *Store {
	tb.Helper()
	if cfg.Path == "" {
		cfg.Path = filepath.Join(tb.TempDir(), "rollcall.db")
	}
	if cfg.params == (argonParams{}) {
		cfg.params = cheap
	}
	s, err := Open(tb.Context(), cfg)
	if err != nil {
		tb.Fatalf("Open(%q) = %v", cfg.Path, err)
	}
	tb.Cleanup(func() { s.Close() })
	return s
}

var cheap = argonParams{memory: 8, time: 1, threads: 1}
