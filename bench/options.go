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

// Limits of the options.
const (
	maxUsers    = 20_000
	maxAccounts = 100_000
	maxChanges  = 1_000
	maxRate     = 300 // changes per second: two for each changer, and all changers must be on the first page
	maxBurst    = 15 * time.Second
	maxClients  = 64
	maxDialers  = 256
	maxReplicas = 5
	maxOnline   = 100_000
	maxMillion  = 1_000_000
	maxMany     = 200_000
	maxMoves    = 100 // per second
	maxChurn    = 30 * time.Second
)

// The scenarios in the order in which they run. idle and connect measure the same connections, and lone and burst use
// the same sockets.
var (
	scenarios        = []string{"idle", "connect", "lone", "burst", "page", "browse", "churn", "streams", "api"} // with one server
	replicaScenarios = []string{"lone", "burst", "quiet", "sync"}                                                // with several replicas
	largeScenarios   = []string{"million", "many"}                                                               // not part of all
	runningScenarios = []string{"idle", "connect", "lone", "burst", "page", "browse"}                            // with -addr
)

// options holds the command-line options.
type options struct {
	addr      string // of a running server; "" starts one
	pid       int    // of that server, for CPU and memory; 0 if unknown
	server    string // the program to start
	replicas  int    // servers on one database and one Redis; 1 runs without Redis
	postgres  bool   // accounts are in a Postgres of ours instead of a file
	scenarios []string
	users     int // people who connect in idle, connect, browse and quiet
	watchers  int // pages that watch in lone, burst and churn; in lone and burst, each belongs to another person
	changes   int // in lone
	accounts  int // on the board in page, browse, churn and api
	million   int // accounts on the board in million
	many      int // people online in many
	present   int // people who are here in churn
	moves     int // arrivals and departures per second in churn, and then state changes
	online    int // people online on the simulated replica in sync
	clients   int // in page and browse
	dialers   int // connects in progress at once
	rate      int // changes per second in burst
	burst     time.Duration
	streams   int           // programs that read in streams
	churn     time.Duration // how long each kind of change lasts in churn
	idle      time.Duration // how long nothing happens in idle, quiet and sync
	page      time.Duration
	json      string // output file; "" writes none
}

// parseOptions parses the flags. It writes error messages and help to usage.
func parseOptions(args []string, usage io.Writer) (options, error) {
	var o options
	var which string
	var quick bool
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(usage)
	f.StringVar(&o.addr, "addr", "", "measure the server at this `URL` on this machine, instead of starting one")
	f.IntVar(&o.pid, "pid", 0, "process ID of the server at -addr, for its CPU and memory")
	f.StringVar(&o.server, "server", "./bin/rollcall", "the `program` to start; make build builds it")
	f.IntVar(&o.replicas, "replicas", 1, "how many servers to start; more than one share a database and a redis-server")
	f.BoolVar(&o.postgres, "postgres", false, "keep the accounts of our own servers in a Postgres that the bench starts")
	f.StringVar(&which, "scenarios", "all", "comma-separated: "+strings.Join(scenarios, ", ")+", or all; "+
		"besides, "+strings.Join(largeScenarios, " and ")+", which take minutes and imply -postgres; "+
		"with -addr, all but churn and streams; "+
		"with -replicas: "+strings.Join(replicaScenarios, ", ")+", or all")
	f.IntVar(&o.users, "users", 1000, "people who connect in idle, connect, browse and quiet")
	f.IntVar(&o.watchers, "watchers", 1000, "pages that watch in lone, burst and churn")
	f.IntVar(&o.changes, "changes", 60, "changes in lone")
	f.IntVar(&o.accounts, "accounts", 5000, "accounts on the board in page, browse, churn and api")
	f.IntVar(&o.million, "million", maxMillion, "accounts on the board in million")
	f.IntVar(&o.many, "many", maxMany, "people who are online in many")
	f.IntVar(&o.present, "present", 200, "people who are here in churn")
	f.IntVar(&o.moves, "moves", 20, "arrivals and departures per second in churn, and state changes to compare them with")
	f.IntVar(&o.streams, "streams", 5000, "programs that read the stream of everyone in streams")
	f.IntVar(&o.online, "online", 10000, "people who are online on the simulated replica in sync")
	f.IntVar(&o.clients, "clients", 8, "people who load pages at once in page, browse, api and million")
	f.IntVar(&o.dialers, "dialers", 32, "connects in progress at once")
	f.IntVar(&o.rate, "rate", 100, "changes per second in burst")
	f.DurationVar(&o.burst, "burst", 5*time.Second, "how long burst lasts")
	f.DurationVar(&o.churn, "churn", 10*time.Second,
		"how long churn makes arrivals and departures, and then as long state changes")
	f.DurationVar(&o.idle, "idle", 10*time.Second, "how long nothing happens in idle, quiet and sync")
	f.DurationVar(&o.page, "page", 8*time.Second,
		"how long page lasts; browse, api and million take a quarter of it for each kind of lookup")
	f.StringVar(&o.json, "json", "", "also write the figures to this `file`")
	f.BoolVar(&quick, "quick", false, "check in a few seconds that everything works; ignores all numbers except -replicas")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("%q is not a flag; bench -h lists them", f.Arg(0))
	}
	if quick {
		o.quick()
	}
	o.changes += o.changes % 2 // everyone who comes online also goes away again
	var err error
	if o.scenarios, err = o.parseScenarios(which); err != nil {
		return o, err
	}
	if o.does(largeScenarios...) {
		o.postgres = true
	}
	return o, o.check()
}

func (o *options) quick() {
	o.users, o.watchers, o.changes, o.accounts, o.online, o.clients, o.dialers = 60, 40, 6, 250, 450, 4, 8
	o.rate, o.burst, o.idle, o.page = 40, time.Second, time.Second, time.Second
	o.present, o.moves, o.churn, o.streams = 40, 20, 2*time.Second, 40
	o.million, o.many = 3000, 400
}

func (o *options) parseScenarios(list string) ([]string, error) {
	known, with := scenarios, "one server of its own"
	switch {
	case o.replicas > 1:
		known, with = replicaScenarios, fmt.Sprintf("-replicas %d", o.replicas)
	case o.addr != "":
		known, with = runningScenarios, "-addr"
	}
	if list == "all" {
		return known, nil
	}
	if o.replicas == 1 && o.addr == "" {
		known = slices.Concat(known, largeScenarios)
	}
	chosen := strings.Split(list, ",")
	for _, s := range chosen {
		if !slices.Contains(known, s) {
			return nil, fmt.Errorf("-scenarios: with %s, %q isn't one of %s, all", with, s, strings.Join(known, ", "))
		}
	}
	return chosen, nil
}

// check returns an error if a number is out of range or options contradict each other.
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
		{"million", o.million, 1000, maxMillion},
		{"many", o.many, 4 * trackers, maxMany},
		{"streams", o.streams, 1, maxUsers},
		{"clients", o.clients, 1, maxClients},
		{"dialers", o.dialers, 1, maxDialers},
		{"rate", o.rate, 1, maxRate},
		{"present", o.present, 4, pageRows},
		{"moves", o.moves, 1, min(maxMoves, o.present)}, // or else people are back before they were shown as gone
	} {
		if n.value < n.min || n.value > n.max {
			return fmt.Errorf("-%s %d: use %d to %d", n.flag, n.value, n.min, n.max)
		}
	}
	for _, d := range []struct {
		flag  string
		value time.Duration
		max   time.Duration
	}{
		{"burst", o.burst, maxBurst},
		{"churn", o.churn, maxChurn},
		{"idle", o.idle, 5 * time.Minute},
		{"page", o.page, 5 * time.Minute},
	} {
		if d.value < 100*time.Millisecond || d.value > d.max {
			return fmt.Errorf("-%s %v: use 100ms to %v", d.flag, d.value, d.max)
		}
	}
	if o.pid != 0 && o.addr == "" {
		return errors.New("-pid needs -addr")
	}
	if o.postgres && o.addr != "" {
		return errors.New("-postgres is for servers that the bench starts; leave out -addr")
	}
	if o.replicas > 1 && o.addr != "" {
		return errors.New("-replicas starts its own servers; leave out -addr")
	}
	return nil
}

// does reports whether at least one of the scenarios was chosen.
func (o *options) does(any ...string) bool {
	return slices.ContainsFunc(any, func(s string) bool { return slices.Contains(o.scenarios, s) })
}

// changers returns how many people make changes. In burst, each makes two changes per second, which is slow enough for
// every change to get its own frame and for the sockets to stay within their message limit.
func (o *options) changers() int { return max(10, (o.rate+1)/2) }
