package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"text/tabwriter"
	"time"

	"rollcall/accounts"
	"rollcall/presence"
)

// doctorCmd looks at Redis and the accounts as a replica with the same settings would, and says what it finds.
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

// Run prints what it finds. What would keep a replica from serving one truth with the others is an error.
func (c *doctorCmd) Run(ctx context.Context, con *console) error {
	if err := c.check(con.env); err != nil {
		return err
	}
	store, err := c.store(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(con.stdout, "accounts    %s, %s\n", c.accounts(nil).Where(), cmp.Or(store, "not there yet"))
	if c.RedisURL == "" {
		fmt.Fprintln(con.stdout, "redis       not set: this process serves alone")
		return nil
	}
	r, err := presence.Inspect(ctx, presence.RedisConfig{
		URL: string(c.RedisURL), Prefix: c.RedisPrefix, Store: store, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	if err := c.report(con, r); err != nil {
		return err
	}
	return diagnose(r, store)
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

// report prints r as a table.
func (c *doctorCmd) report(con *console, r presence.Report) error {
	tracking := "changes are announced"
	if !r.Announces {
		tracking = "changes are NOT announced"
	}
	fmt.Fprintf(con.stdout, "redis       reached in %v, %s\n", r.RoundTrip.Round(10*time.Microsecond), tracking)
	fmt.Fprintf(con.stdout, "people      %d with a connection\n", r.Users)
	if len(r.Replicas) == 0 {
		fmt.Fprintln(con.stdout, "replicas    none")
		return nil
	}
	w := tabwriter.NewWriter(con.stdout, 0, 0, 3, ' ', 0)
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
func differences(rep presence.ReplicaReport) string {
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
func diagnose(r presence.Report, store string) error {
	var wrong []error
	if !r.Announces {
		wrong = append(wrong, errors.New("changes are not announced by this Redis: use one that allows CLIENT TRACKING"))
	}
	for _, rep := range r.Replicas {
		if rep.Deaf {
			wrong = append(wrong, fmt.Errorf("changes do not reach the replica %s: it replaces its connection by itself; if this stays, look what stands between it and Redis", rep.ID))
		}
	}
	if r.Store != "" && store != "" && r.Store != store {
		wrong = append(wrong, &presence.StoreError{Ours: store, Theirs: r.Store})
	}
	return errors.Join(wrong...)
}
