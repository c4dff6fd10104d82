package replica

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redis/rueidis"
)

// Report is what Inspect finds in Redis.
type Report struct {
	RoundTrip time.Duration // of one command
	Announces bool          // Redis announced a change within a second
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
	probe, announced := cfg.Prefix+"probe:"+rand.Text(), make(chan struct{}, 1)
	option := at.option
	option.DialCtxFn = at.dialer(nil)
	option.ClientTrackingOptions = []string{"BCAST", "PREFIX", probe}
	option.OnInvalidations = func(keys []rueidis.RedisMessage) {
		if keys != nil {
			select {
			case announced <- struct{}{}:
			default:
			}
		}
	}
	client, err := rueidis.NewClient(option)
	if client != nil {
		defer client.Close()
	}
	if err != nil {
		if known := permanent(err); known != nil {
			return Report{}, known
		}
		return Report{}, fmt.Errorf("Redis cannot be reached: %w", err)
	}
	store := newRedisStore(at, cfg, "", newSyncer("", cfg.Log))
	defer store.close()
	store.tracked = client
	if err := store.checkPermissions(ctx); err != nil {
		return Report{}, err
	}
	var report Report
	if err := store.echo(ctx, probe, announced, &report); err != nil {
		return report, err
	}
	return report, store.fill(ctx, &report)
}

// echo measures one command, and finds out whether Redis announces it.
func (r *redisStore) echo(ctx context.Context, probe string, announced <-chan struct{}, report *Report) error {
	start := time.Now()
	if _, err := r.do(ctx, r.build().Set().Key(probe).Value("1").Px(5*time.Second).Build()); err != nil {
		return err
	}
	report.RoundTrip = time.Since(start)
	select {
	case <-announced:
		report.Announces = true
	case <-time.After(echoWait):
	}
	_, err := r.do(ctx, r.build().Unlink().Key(probe).Build())
	return err
}

// fill counts users by replica, and reads the leases.
func (r *redisStore) fill(ctx context.Context, report *Report) error {
	answer := r.client().Do(ctx, r.build().Get().Key(r.keys.owner).Build())
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
	err := r.survey(ctx, func(some, replicas []string) {
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
	if err := r.count(ctx, users, of); err != nil {
		return err
	}
	for _, replica := range found {
		if err := r.readLease(ctx, replica); err != nil {
			return err
		}
		report.Replicas = append(report.Replicas, *replica)
	}
	slices.SortFunc(report.Replicas, func(a, b ReplicaReport) int { return strings.Compare(a.ID, b.ID) })
	return nil
}

// count adds the entries of users to their replicas' reports.
func (r *redisStore) count(ctx context.Context, users []string, of func(id string) *ReplicaReport) error {
	for batch := range slices.Chunk(users, batchEntries) {
		entries, err := r.read(ctx, batch)
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

func (r *redisStore) readLease(ctx context.Context, report *ReplicaReport) error {
	key := r.keys.replica + report.ID
	answers, err := r.do(ctx, r.build().Get().Key(key).Build(), r.build().Pttl().Key(key).Build())
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
