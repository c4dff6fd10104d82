package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Bounds of what may be asked for.
const (
	maxUsers    = 20_000
	maxAccounts = 100_000
	maxChanges  = 1_000
	maxRate     = 300 // changes a second: twice the people who make them, who must all be on the first page
	maxBurst    = 15 * time.Second
	maxClients  = 64
	maxDialers  = 256
	maxReplicas = 5
	maxOnline   = 100_000
)

// scenarios are what can be measured, in the order in which it is done. idle and connect come from the same connects,
// lone and burst from the same sockets.
var (
	scenarios = []string{"idle", "connect", "lone", "burst", "page", "browse"} // of one server
	together  = []string{"lone", "burst", "quiet", "sync"}                     // of replicas
)

// options is what a run does.
type options struct {
	addr      string // of a running server; "": start one
	pid       int    // of that server, for CPU and memory; 0: not measured
	server    string // the program to start
	replicas  int    // servers on one database and one Redis; 1: a server alone
	scenarios []string
	users     int // who connect in idle, connect and quiet
	watchers  int // who watch in lone and burst
	changes   int // of lone
	accounts  int // on the board in page, beside those who sign in
	online    int // elsewhere, in sync
	clients   int // of page
	dialers   int // connects under way at once
	rate      int // changes a second of burst
	burst     time.Duration
	idle      time.Duration // in which nothing happens, in idle, quiet and sync
	page      time.Duration
	json      string // file; "": none
}

// parseOptions reads flags. Mistakes and help are written to usage.
func parseOptions(args []string, usage io.Writer) (options, error) {
	var o options
	var which string
	var quick bool
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(usage)
	f.StringVar(&o.addr, "addr", "", "measure the server at this `URL` on this machine, instead of starting one")
	f.IntVar(&o.pid, "pid", 0, "process id of the server at -addr, for its CPU and memory")
	f.StringVar(&o.server, "server", "./bin/rollcall", "the `program` to start; make build makes it")
	f.IntVar(&o.replicas, "replicas", 1, "start so many servers on one database and one Redis, for which redis-server must be there")
	f.StringVar(&which, "scenarios", "all", "comma-separated: "+strings.Join(scenarios, ", ")+" or all; with -replicas: "+strings.Join(together, ", ")+" or all")
	f.IntVar(&o.users, "users", 1000, "people who connect in idle, connect, browse and quiet")
	f.IntVar(&o.watchers, "watchers", 1000, "people who watch in lone and burst")
	f.IntVar(&o.changes, "changes", 60, "lone changes")
	f.IntVar(&o.accounts, "accounts", 5000, "accounts on the board in page and browse")
	f.IntVar(&o.online, "online", 10000, "people who are online elsewhere in sync")
	f.IntVar(&o.clients, "clients", 8, "who load the board at once in page and browse")
	f.IntVar(&o.dialers, "dialers", 32, "connects under way at once")
	f.IntVar(&o.rate, "rate", 100, "changes a second in burst")
	f.DurationVar(&o.burst, "burst", 5*time.Second, "how long burst lasts")
	f.DurationVar(&o.idle, "idle", 10*time.Second, "how long nothing happens in idle, quiet and sync")
	f.DurationVar(&o.page, "page", 8*time.Second, "how long page lasts, and browse for each kind of look a quarter of it")
	f.StringVar(&o.json, "json", "", "write the figures to this `file`, too")
	f.BoolVar(&quick, "quick", false, "a small run of a few seconds, to see that all works; other numbers but -replicas are ignored")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("%q is not a flag; bench -h lists them", f.Arg(0))
	}
	if quick {
		o.quick()
	}
	o.changes += o.changes % 2 // everybody who came goes again
	var err error
	if o.scenarios, err = parseScenarios(which, o.replicas); err != nil {
		return o, err
	}
	return o, o.check()
}

func (o *options) quick() {
	o.users, o.watchers, o.changes, o.accounts, o.online, o.clients, o.dialers = 60, 40, 6, 250, 450, 4, 8
	o.rate, o.burst, o.idle, o.page = 40, time.Second, time.Second, time.Second
}

func parseScenarios(list string, replicas int) ([]string, error) {
	known := scenarios
	if replicas > 1 {
		known = together
	}
	if list == "all" {
		return known, nil
	}
	chosen := strings.Split(list, ",")
	for _, s := range chosen {
		if !slices.Contains(known, s) {
			return nil, fmt.Errorf("-scenarios: %q is none of %s, all, which can be measured with -replicas %d", s, strings.Join(known, ", "), replicas)
		}
	}
	return chosen, nil
}

// check refuses what is out of bounds.
func (o *options) check() error {
	for _, n := range []struct {
		flag            string
		value, min, max int
	}{
		{"replicas", o.replicas, 1, maxReplicas},
		{"users", o.users, 1, maxUsers},
		{"watchers", o.watchers, 1, maxUsers},
		{"changes", o.changes, 1, maxChanges},
		{"accounts", o.accounts, 0, maxAccounts},
		{"online", o.online, 1, maxOnline},
		{"clients", o.clients, 1, maxClients},
		{"dialers", o.dialers, 1, maxDialers},
		{"rate", o.rate, 1, maxRate},
	} {
		if n.value < n.min || n.value > n.max {
			return fmt.Errorf("-%s %d: from %d to %d", n.flag, n.value, n.min, n.max)
		}
	}
	for _, d := range []struct {
		flag  string
		value time.Duration
		max   time.Duration
	}{
		{"burst", o.burst, maxBurst},
		{"idle", o.idle, 5 * time.Minute},
		{"page", o.page, 5 * time.Minute},
	} {
		if d.value < 100*time.Millisecond || d.value > d.max {
			return fmt.Errorf("-%s %v: from 100ms to %v", d.flag, d.value, d.max)
		}
	}
	if o.pid != 0 && o.addr == "" {
		return errors.New("-pid is about the server at -addr; without -addr it is not needed")
	}
	if o.replicas > 1 && o.addr != "" {
		return errors.New("-replicas are started here; leave out -addr")
	}
	return nil
}

// does reports whether any of the scenarios was chosen.
func (o *options) does(any ...string) bool {
	return slices.ContainsFunc(any, func(s string) bool { return slices.Contains(o.scenarios, s) })
}

// changers is how many people make changes: each makes two a second in burst, so that every change of theirs goes
// out in a frame of its own, and stays below what a socket may say.
func (o *options) changers() int { return max(10, (o.rate+1)/2) }
