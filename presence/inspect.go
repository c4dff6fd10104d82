package presence

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redis/rueidis"
)

// Report is what somebody who looks at the noticeboard from outside finds.
type Report struct {
	RoundTrip time.Duration // of one command
	Announces bool          // a change came back as an announcement within a second
	Store     string        // id of the accounts store of the replicas; "" when there are none
	Replicas  []ReplicaReport
	Users     int // users with an entry of any replica
}

// ReplicaReport is one replica on the noticeboard: what is there, and what it said of itself when it last renewed its
// lease, at most 3 s ago.
type ReplicaReport struct {
	ID      string
	Lease   time.Duration // until it ends; 0: it has none, and its users do not count
	Leaving bool
	Users   int // with an entry of this replica

	Counts    int           // users with an entry, by its own account
	RoundTrip time.Duration // of the lease before, from there
	Deaf      bool          // announcements do not reach it
	Repaired  int           // entries of its own that it found wrong or missing, since it started
	Ago       time.Duration // since the last of them
	Resyncs   int           // how often it missed announcements and read everything anew
}

// inspectWait is how long Inspect may take: a server with millions of keys takes seconds to list them.
const inspectWait = time.Minute

// Inspect looks at the noticeboard and leaves it as it is: it removes the two keys of its own that it writes to see
// whether Redis takes and announces them. An error is the one with which a replica would refuse to start, or says that
// Redis can't be reached or takes no writes.
func Inspect(ctx context.Context, cfg RedisConfig) (Report, error) {
	option, err := redisOption(cfg.URL)
	if err != nil {
		return Report{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, inspectWait)
	defer cancel()
	probe, heard := cfg.Prefix+"probe:"+rand.Text(), make(chan struct{}, 1)
	option.ClientTrackingOptions = []string{"BCAST", "PREFIX", probe}
	option.OnInvalidations = func(keys []rueidis.RedisMessage) {
		if keys != nil {
			select {
			case heard <- struct{}{}:
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
	l := newRedisLink(option, cfg, "", newSyncer("", cfg.Log))
	defer l.close()
	l.tracked = client
	if err := l.needs(ctx); err != nil {
		return Report{}, err
	}
	var r Report
	if err := l.echo(ctx, probe, heard, &r); err != nil {
		return r, err
	}
	return r, l.fill(ctx, &r)
}

// echo measures one command, and finds out whether Redis announces it.
func (l *redisLink) echo(ctx context.Context, probe string, heard <-chan struct{}, r *Report) error {
	start := time.Now()
	if _, err := l.do(ctx, l.build().Set().Key(probe).Value("1").Px(5*time.Second).Build()); err != nil {
		return err
	}
	r.RoundTrip = time.Since(start)
	select {
	case <-heard:
		r.Announces = true
	case <-time.After(echoWait):
	}
	_, err := l.do(ctx, l.build().Unlink().Key(probe).Build())
	return err
}

// fill counts who is on the noticeboard, by replica.
func (l *redisLink) fill(ctx context.Context, r *Report) error {
	answer := l.client().Do(ctx, l.build().Get().Key(l.store).Build())
	if store, err := answer.ToString(); err == nil {
		r.Store = store
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
	err := l.survey(ctx, func(some, replicas []string) {
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
	r.Users = len(users)
	for batch := range slices.Chunk(users, batchEntries) {
		entries, err := l.read(ctx, batch)
		if err != nil {
			return err
		}
		for _, e := range entries {
			for id := range e {
				of(id).Users++
			}
		}
	}
	for _, replica := range found {
		if err := l.lease(ctx, replica); err != nil {
			return err
		}
		r.Replicas = append(r.Replicas, *replica)
	}
	slices.SortFunc(r.Replicas, func(a, b ReplicaReport) int { return strings.Compare(a.ID, b.ID) })
	return nil
}

func (l *redisLink) lease(ctx context.Context, r *ReplicaReport) error {
	key := l.replica + r.ID
	answers, err := l.do(ctx, l.build().Get().Key(key).Build(), l.build().Pttl().Key(key).Build())
	if err != nil {
		return err
	}
	text, _ := answers[0].ToString()
	says := decodeHealth(text)
	ms, err := answers[1].AsInt64()
	r.Leaving, r.Lease = says.leaving, time.Duration(max(ms, 0))*time.Millisecond
	r.Counts, r.RoundTrip, r.Deaf, r.Repaired, r.Ago, r.Resyncs = says.people, says.trip, says.deaf, says.repaired, says.ago, says.resyncs
	return err
}
