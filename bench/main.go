// Command bench puts a load on a Rollcall server and measures it: memory per idle connection, connects per second, the
// time until every watcher has a change, server CPU per delivered change, what arrivals and departures cost, and how
// fast the board is rendered. With several replicas, it measures the time from one to another, the load on Redis, and
// how fast a new replica learns who is online.
//
// It knows the server only by its contract (forms, the board's rows, the live socket, the API, what replicas write in
// Redis). Of its packages, it imports only what starts a Postgres and what replicas are made of, to simulate some. It
// refuses targets on other machines, and everything it does is limited in number and time.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"
)

// maxRun limits a whole run, including preparation.
const maxRun = 40 * time.Minute

func main() {
	// The load generator shares its processors with the server, so it trades memory for fewer garbage collections.
	debug.SetGCPercent(400)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

// run measures what args ask for. It writes progress messages to progress, and in the end the table to out. After an
// error, the table has what was measured before.
func run(ctx context.Context, args []string, out, progress io.Writer) (err error) {
	o, err := parseOptions(args, progress)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, maxRun, fmt.Errorf("not done after %v", maxRun))
	defer cancel()
	b, err := prepare(ctx, o, progress)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	err = b.measure(ctx)
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	b.report.table(out)
	if o.json != "" {
		err = errors.Join(err, b.report.save(o.json))
	}
	return err
}
