package hooks

import (
	"fmt"
	"os"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"rollcall/accounts/pgtest"
)

// server returns the Postgres of this test run, which starts when the first test needs it.
var server = sync.OnceValues(func() (*pgtest.Server, error) {
	s, err := pgtest.Start()
	running = s
	return s, err
})

// running is the server that TestMain must stop.
var running *pgtest.Server

func TestMain(m *testing.M) {
	code := m.Run()
	if running != nil {
		running.Stop()
	}
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}
