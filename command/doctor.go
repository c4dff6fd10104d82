package command

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
	"rollcall/command/process"
	"rollcall/presence"
	"rollcall/presence/replica"
)

// doctorCmd checks everything that a server with the same settings would use, and prints what it finds. It changes
// nothing.
type doctorCmd struct {
	settings `embed:""`

	MailTo string `placeholder:"ADDRESS" help:"Send a test email to this address."`

	db process.Path // the database, if root reads it with its owner's rights
}

// dropRoot keeps root if the owner can't reach files outside the database's folder, which the doctor needs, for example
// to look up host names.
func (c *doctorCmd) dropRoot(db process.Path) error {
	if db.Passable() {
		return db.Enter()
	}
	c.db = db
	return nil
}

// Run prints what it finds and a verdict. It fails if a problem would keep a server from starting, from being reached,
// or from agreeing with other replicas.
func (c *doctorCmd) Run(ctx context.Context, con *console) error {
	if err := c.check(con.env); err != nil {
		return err
	}
	f := &findings{out: con.stdout}
	store, err := c.store(ctx)
	if err != nil {
		f.problem(err)
	}
	f.line("accounts", "%s, %s", c.accounts(nil).Where(), cmp.Or(store, "doesn't exist yet"))
	checkPostgres(ctx, c, f)
	checkSecretKey(ctx, c, f, store != "")
	c.checkPasskeys(ctx, f, store != "")
	c.checkDisk(f)
	serving := c.checkAddress(ctx, f)
	c.checkPublicURL(ctx, f, serving)
	c.showSignup(f)
	c.checkSignOn(ctx, f)
	checkMail(ctx, c, f)
	c.checkRedisServer(ctx, f, store)
	return f.verdict()
}

// findings prints what the doctor finds, and collects warnings and problems for the end.
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

// verdict prints the warnings, the problems, and a summary line.
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

// store returns the ID of the accounts store, or "" if there's no database yet. The doctor never creates one.
func (c *doctorCmd) store(ctx context.Context) (id string, err error) {
	err = c.asOwner(func(path string) error {
		at := c.storage
		if at.DB = path; !at.missing() {
			id, err = accounts.Peek(ctx, at.accounts(nil))
		}
		return err
	})
	return id, err
}

// asOwner calls do with the path of the database, as its owner if this process is root.
func (c *doctorCmd) asOwner(do func(path string) error) error {
	db := c.db
	if db.IsRoots() {
		db = process.Roots(c.DB)
	}
	return db.AsOwner(do)
}

// checkRedisServer prints the state of Redis and the replicas.
func (c *doctorCmd) checkRedisServer(ctx context.Context, f *findings, store string) {
	if c.RedisURL == "" {
		f.line("redis", "not set: this process serves alone")
		return
	}
	r, err := replica.Inspect(ctx, c.replicas(store, slog.New(slog.DiscardHandler)))
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
	trip := r.RoundTrip.Round(10 * time.Microsecond)
	if r.Servers > 1 {
		f.line("redis", "%d nodes reached, the slowest in %v, %s", r.Servers, trip, tracking)
	} else {
		f.line("redis", "reached in %v, %s", trip, tracking)
	}
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
			lease, trip, found = "none: it's gone, and its people don't count", "-", "-"
		case rep.Leaving:
			lease, trip, found = "leaving, "+rep.Lease.Round(100*time.Millisecond).String()+" left", "-", "-"
		}
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\n", rep.ID, rep.Users, trip, found, lease)
	}
	return w.Flush()
}

// differences describes what a replica's audits of its own entries found: how many it repaired, and how often it reread
// everything.
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

// diagnose reports the problems of Redis and the replicas.
func diagnose(f *findings, r replica.Report, store string) {
	if !r.Announces {
		f.problem(errors.New("this Redis doesn't announce changes: use one that allows CLIENT TRACKING"))
	}
	for _, rep := range r.Replicas {
		if rep.NotAnnounced {
			f.problem(fmt.Errorf("changes don't reach the replica %s: it reconnects automatically; "+
				"if this goes on, check the network between it and Redis", rep.ID))
		}
	}
	if r.Accounts != "" && store != "" && r.Accounts != store {
		f.problem(&replica.AccountsError{Ours: store, Theirs: r.Accounts})
	}
}
