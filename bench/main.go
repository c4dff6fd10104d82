// Command bench puts a load on a Rollcall server and measures it: memory per idle connection, connects per second, the
// time until every watcher has a change, server CPU per delivered change, and how fast the board is rendered. Of several
// replicas it measures the time from one to the other, what they ask of Redis, and how fast a new one knows everybody.
//
// It knows the server only by its contract (forms, the board's rows, the live socket, what replicas write in Redis) and
// imports nothing of it. It refuses every target that is not on this machine, and all it does is bounded in number and time.
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

// inAll bounds a whole run, preparations included.
const inAll = 20 * time.Minute

func main() {
	// The load shares its processors with what it measures; it has memory to spare for fewer collections.
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

// run measures what args ask for. The table goes to out once all is done, what is going on meanwhile to progress.
// What was measured before an error is reported, too.
func run(ctx context.Context, args []string, out, progress io.Writer) (err error) {
	o, err := parseOptions(args, progress)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, inAll, fmt.Errorf("not done after %v", inAll))
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
