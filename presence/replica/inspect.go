package replica

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/redis/rueidis"
)

// Report is what Inspect finds in Redis.
type Report struct {
	Servers   int           // primaries; 1 without a cluster
	RoundTrip time.Duration // of one command, to the slowest of them
	Announces bool          // all of them announced a change within a second
	Accounts  string        // ID of the accounts store of the replicas; "" if there are no replicas
	Replicas  []ReplicaReport
	Users     int // users with an entry of any replica
}

// ReplicaReport describes one replica: its data in Redis, and what it wrote about itself when it last renewed its
// lease, at most 3 s ago.
type ReplicaReport struct {
	ID      string
	Lease   time.Duration // until it ends; 0 if there's none, so that the replica's users don't count
	Leaving bool
	Users   int // with an entry of this replica

	Counts       int           // users with an entry, as the replica counts them
	RoundTrip    time.Duration // of the previous renewal
	NotAnnounced bool          // announcements don't reach the replica
	Repaired     int           // own entries that it found wrong or missing since it started
	Ago          time.Duration // since the last of them
	Resyncs      int           // how often it missed announcements and read everything again
}

// inspectWait is the deadline of Inspect. Listing millions of keys takes seconds.
const inspectWait = time.Minute

// Inspect reads the data of replicas in Redis, and doesn't change it. It writes two keys of its own, to check that
// Redis accepts and announces them, and removes them again. It returns the error that would keep a replica from
// starting, or an error if it can't reach Redis or Redis accepts no writes.
func Inspect(ctx context.Context, cfg Config) (Report, error) {
	at, err := locate(cfg)
	if err != nil {
		return Report{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, inspectWait)
	defer cancel()
	i := inspection{newRedisStore(at, cfg, "", newSyncer("", cfg.Log)), cfg.Prefix + "probe:" + rand.Text(), newHeard()}
	defer i.close()
	if err := i.connect(ctx); err != nil {
		if known := permanent(err); known != nil {
			return Report{}, known
		}
		return Report{}, fmt.Errorf("Redis cannot be reached: %w", err)
	}
	if err := i.checkPermissions(ctx); err != nil {
		return Report{}, err
	}
	var report Report
	if err := i.echo(ctx, &report); err != nil {
		return report, err
	}
	return report, i.fill(ctx, &report)
}

// inspection is a connection for Inspect. Instead of the keys of replicas, it tracks those that begin with probe.
type inspection struct {
	*redisStore
	probe string
	heard *heard
}

// heard are the keys that were announced.
type heard struct {
	mu    sync.Mutex
	keys  map[string]bool // guarded by mu
	again chan struct{}   // capacity 1; readable after another key
}

func newHeard() *heard { return &heard{keys: map[string]bool{}, again: make(chan struct{}, 1)} }

func (h *heard) add(keys []rueidis.RedisMessage) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range keys {
		name, _ := keys[i].ToString()
		h.keys[name] = true
	}
	select {
	case h.again <- struct{}{}:
	default:
	}
}

// all reports whether all keys are announced in time.
func (h *heard) all(keys []string) bool {
	late := time.After(echoWait)
	for {
		h.mu.Lock()
		missing := slices.ContainsFunc(keys, func(key string) bool { return !h.keys[key] })
		h.mu.Unlock()
		if !missing {
			return true
		}
		select {
		case <-h.again:
		case <-late:
			return false
		}
	}
}

func (i *inspection) connect(ctx context.Context) error {
	tracking := []string{"BCAST", "PREFIX", i.probe}
	if i.cluster != nil {
		nothing := func() {}
		i.cluster.tracking = tracking
		i.cluster.to = listener{i.heard.add, nothing, nothing, func(func(string) bool) {}}
		return i.cluster.start(ctx)
	}
	option := i.at.option
	option.DialCtxFn = i.at.dialer(nil)
	option.ClientTrackingOptions, option.OnInvalidations = tracking, i.heard.add
	client, err := rueidis.NewClient(option)
	if client != nil {
		i.tracked = client
	}
	return err
}

// echo measures one command to each server, and finds out whether they are announced.
func (i *inspection) echo(ctx context.Context, report *Report) error {
	var keys []string
	for _, name := range i.names() {
		keys = append(keys, i.probe+name)
	}
	for _, key := range keys {
		start := time.Now()
		if _, err := i.do(ctx, i.build().Set().Key(key).Value("1").Px(5*time.Second).Build()); err != nil {
			return err
		}
		report.RoundTrip = max(report.RoundTrip, time.Since(start))
	}
	report.Announces, report.Servers = i.heard.all(keys), len(keys)
	for _, key := range keys {
		if _, err := i.do(ctx, i.build().Unlink().Key(key).Build()); err != nil {
			return err
		}
	}
	return nil
}

// fill counts users by replica, and reads the leases.
func (i *inspection) fill(ctx context.Context, report *Report) error {
	answer := i.client().Do(ctx, i.build().Get().Key(i.keys.owner).Build())
	if id, err := answer.ToString(); err == nil {
		report.Accounts = id
	} else if !rueidis.IsRedisNil(err) {
		return err
	}
	found := map[string]*ReplicaReport{}
	of := func(id string) *ReplicaReport {
		if found[id] == nil {
			found[id] = &ReplicaReport{ID: id}
		}
		return found[id]
	}
	var users []string
	err := i.survey(ctx, func(some, replicas []string) {
		users = append(users, some...)
		for _, id := range replicas {
			of(id)
		}
	})
	if err != nil {
		return err
	}
	slices.Sort(users)
	users = slices.Compact(users)
	report.Users = len(users)
	if err := i.count(ctx, users, of); err != nil {
		return err
	}
	for _, replica := range found {
		if err := i.readLease(ctx, replica); err != nil {
			return err
		}
		report.Replicas = append(report.Replicas, *replica)
	}
	slices.SortFunc(report.Replicas, func(a, b ReplicaReport) int { return strings.Compare(a.ID, b.ID) })
	return nil
}

// count adds the entries of users to their replicas' reports.
func (i *inspection) count(ctx context.Context, users []string, of func(id string) *ReplicaReport) error {
	for batch := range slices.Chunk(users, batchEntries) {
		entries, err := i.read(ctx, batch)
		if err != nil {
			return err
		}
		for _, e := range entries {
			for id := range e {
				of(id).Users++
			}
		}
	}
	return nil
}

func (i *inspection) readLease(ctx context.Context, report *ReplicaReport) error {
	key := i.keys.replica + report.ID
	answers, err := i.do(ctx, i.build().Get().Key(key).Build(), i.build().Pttl().Key(key).Build())
	if err != nil {
		return err
	}
	text, _ := answers[0].ToString()
	info := decodeLease(text)
	ms, err := answers[1].AsInt64()
	report.Lease, report.Leaving = time.Duration(max(ms, 0))*time.Millisecond, info.leaving
	report.Counts, report.RoundTrip, report.NotAnnounced = info.people, info.roundTrip, info.notAnnounced
	report.Repaired, report.Ago, report.Resyncs = info.repaired, info.ago, info.resyncs
	return err
}
