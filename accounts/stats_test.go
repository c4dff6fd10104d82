package accounts

import (
	"path/filepath"
	"sync"
	"testing"
)

// Stats counts the passwords that are being hashed, wait, and were refused.
func TestStats(t *testing.T) {
	s := open(t, Config{Path: filepath.Join(t.TempDir(), "rollcall.db"), HashWorkers: 1})
	do(t, "enter", s.hash.enter(t.Context(), hashWait))
	var waiting sync.WaitGroup
	waiting.Go(func() { wantErr(t, "Authenticate", authErr(t, s), ErrBusy) })
	for s.Stats().Hash.Waiting == 0 {
	}
	if got, want := s.Stats().Hash, (HashStats{Workers: 1, Running: 1, Waiting: 1}); got != want {
		t.Errorf("Stats().Hash while one runs and one waits = %+v, want %+v", got, want)
	}
	waiting.Wait()
	s.hash.leave()
	wantErr(t, "Authenticate", authErr(t, s), ErrCredentials)
	if got, want := s.Stats().Hash, (HashStats{Workers: 1, Done: 1, Refused: 1}); got != want {
		t.Errorf("Stats().Hash after one was refused and one hashed = %+v, want %+v", got, want)
	}
	if got := s.Stats(); got.Writer.Open == 0 || got.Reader.Open == 0 {
		t.Errorf("Stats() = %+v, want open connections", got)
	}
}

func authErr(t *testing.T, s *Store) error {
	_, err := s.Authenticate(t.Context(), "nobody", secret)
	return err
}
