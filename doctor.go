package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"text/tabwriter"
	"time"

	"rollcall/accounts"
	"rollcall/handlers"
	"rollcall/presence"
	"rollcall/presence/replica"
)

// doctorCmd looks at everything that a server with the same settings would use, changes none of it, and says what it
// finds.
type doctorCmd struct {
	settings `embed:""`

	at place // of the database, for root that looks at it with its owner's rights
}

// become keeps root for what is not the database: names of hosts, for one, are looked up in files of root's.
func (c *doctorCmd) become(p place) error {
	if p.passable {
		return p.enter()
	}
	c.at = p
	return nil
}

// Run prints what it finds and a verdict. It fails if there is a problem: something that keeps a server from starting,
// from being reached, or from showing the same as other replicas.
func (c *doctorCmd) Run(ctx context.Context, con *console) error {
	if err := c.check(con.env); err != nil {
		return err
	}
	f := &findings{out: con.stdout}
	store, err := c.store(ctx)
	if err != nil {
		f.problem(err)
	}
	f.line("accounts", "%s, %s", c.accounts(nil).Where(), cmp.Or(store, "not there yet"))
	c.lookAtDisk(f)
	serving := c.lookAtAddress(ctx, f)
	c.lookAtPublicURL(ctx, f, serving)
	c.lookAtSignup(f)
	c.lookAtRedis(ctx, f, store)
	return f.verdict()
}

// findings prints what the doctor finds, and collects what is wrong for the end.
type findings struct {
	out                io.Writer
	problems, warnings []string
}

func (f *findings) line(what, format string, args ...any) {
	fmt.Fprintf(f.out, "%-11s %s\n", what, fmt.Sprintf(format, args...))
}

func (f *findings) warn(format string, args ...any) {
	f.warnings = append(f.warnings, fmt.Sprintf(format, args...))
}

func (f *findings) problem(err error) {
	f.problems = append(f.problems, strings.ReplaceAll(err.Error(), "\n", "; "))
}

// verdict prints what is wrong and ends with one line that sums it up.
func (f *findings) verdict() error {
	for _, text := range f.warnings {
		f.line("warning", "%s", text)
	}
	for _, text := range f.problems {
		f.line("problem", "%s", text)
	}
	text := "no problems"
	if n := len(f.problems); n > 0 {
		text = count(n, "problem")
	}
	if n := len(f.warnings); n > 0 {
		text += ", " + count(n, "warning")
	}
	f.line("verdict", "%s", text)
	if n := len(f.problems); n > 0 {
		return fmt.Errorf("doctor found %s", count(n, "problem"))
	}
	return nil
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// store is the id of the accounts store, "" when there is no database yet; it is not for this command to make one.
func (c *doctorCmd) store(ctx context.Context) (id string, err error) {
	err = c.at.orAt(c.DB).within(func(path string) error {
		there := c.storage
		if there.DB = path; !there.missing() {
			id, err = accounts.Peek(ctx, there.accounts(nil))
		}
		return err
	})
	return id, err
}

// lookAtRedis says how Redis and the replicas are.
func (c *doctorCmd) lookAtRedis(ctx context.Context, f *findings, store string) {
	if c.RedisURL == "" {
		f.line("redis", "not set: this process serves alone")
		return
	}
	r, err := replica.Inspect(ctx, replica.Config{
		URL: string(c.RedisURL), Prefix: c.RedisPrefix, Accounts: store, Log: slog.New(slog.DiscardHandler),
		Check: handlers.CheckSharedLimiter(c.RedisPrefix),
	})
	if err != nil {
		f.line("redis", "can't be used")
		f.problem(err)
		return
	}
	if err := report(f, r); err != nil {
		f.problem(err)
	}
	diagnose(f, r, store)
}

// report prints r as a table.
func report(f *findings, r replica.Report) error {
	tracking := "changes are announced"
	if !r.Announces {
		tracking = "changes are NOT announced"
	}
	f.line("redis", "reached in %v, %s", r.RoundTrip.Round(10*time.Microsecond), tracking)
	f.line("people", "%d with a connection", r.Users)
	if len(r.Replicas) == 0 {
		f.line("replicas", "none")
		return nil
	}
	w := tabwriter.NewWriter(f.out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(w, "replica\tpeople\tround trip\tdifferences\tlease")
	for _, rep := range r.Replicas {
		lease := "renewed " + (presence.LeaseTTL - rep.Lease).Round(100*time.Millisecond).String() + " ago"
		trip, found := rep.RoundTrip.Round(10*time.Microsecond).String(), differences(rep)
		switch {
		case rep.Lease == 0:
			lease, trip, found = "none: it is gone, and its people do not count", "-", "-"
		case rep.Leaving:
			lease, trip, found = "leaving, "+rep.Lease.Round(100*time.Millisecond).String()+" left", "-", "-"
		}
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\n", rep.ID, rep.Users, trip, found, lease)
	}
	return w.Flush()
}

// differences is what a replica's audits of its own entries found: what they repaired, and how often it had to read
// everything anew.
func differences(rep replica.ReplicaReport) string {
	if rep.Repaired == 0 && rep.Resyncs == 0 {
		return "none"
	}
	text := fmt.Sprintf("%d repaired", rep.Repaired)
	if rep.Repaired > 0 {
		text += fmt.Sprintf(", the last %v ago", rep.Ago)
	}
	return text + fmt.Sprintf("; %d resyncs", rep.Resyncs)
}

// diagnose names what is wrong.
func diagnose(f *findings, r replica.Report, store string) {
	if !r.Announces {
		f.problem(errors.New("this Redis doesn't announce changes: use one that allows CLIENT TRACKING"))
	}
	for _, rep := range r.Replicas {
		if rep.NotAnnounced {
			f.problem(fmt.Errorf("changes don't reach the replica %s: it replaces its connection by itself; if this goes on, check what is between it and Redis", rep.ID))
		}
	}
	if r.Accounts != "" && store != "" && r.Accounts != store {
		f.problem(&replica.AccountsError{Ours: store, Theirs: r.Accounts})
	}
}
