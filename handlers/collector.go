package handlers

import (
	"github.com/prometheus/client_golang/prometheus"

	"rollcall/accounts"
	"rollcall/live"
	"rollcall/mailer"
	"rollcall/presence"
)

// collector collects the statistics of the other packages, once per scrape.
type collector struct{ server *Server }

// snapshot holds the statistics of one scrape.
type snapshot struct {
	presence presence.Stats
	accounts accounts.Stats
	board    live.Stats
	conns    connStats
	draining bool
	mail     *mailer.Stats // nil: no emails are sent
	hooks    *HookStats    // nil: no webhooks are delivered

	frames, bytes uint64 // queued for sockets
}

func (c collector) snapshot() snapshot {
	s := c.server
	m := snapshot{
		presence: s.cfg.Presence.Stats(), accounts: s.cfg.Accounts.Stats(),
		board: s.live.Stats(), frames: s.sockets.traffic.frames.Load(), bytes: s.sockets.traffic.bytes.Load(),
		conns: s.conns.stats(), draining: s.draining.Load(),
	}
	if s.cfg.Mailer != nil {
		stats := s.cfg.Mailer.Stats()
		m.mail = &stats
	}
	if s.cfg.HookStats != nil {
		stats := s.cfg.HookStats()
		m.hooks = &stats
	}
	return m
}

// statistic is one metric with the values of its labels.
type statistic struct {
	desc   *prometheus.Desc
	kind   prometheus.ValueType
	values func(snapshot) []float64 // one per element of labels; nil: this process doesn't have the metric
	labels [][]string
}

// one returns a metric without labels.
func one(name, help string, kind prometheus.ValueType, value func(snapshot) float64) statistic {
	return statistic{
		prometheus.NewDesc("rollcall_"+name, help, nil, nil), kind,
		func(m snapshot) []float64 { return []float64{value(m)} }, [][]string{nil},
	}
}

// ofReplicas returns a metric that only a process with Redis has.
func ofReplicas(name, help string, kind prometheus.ValueType, value func(*presence.ReplicaStats) float64) statistic {
	n := one(name, help, kind, nil)
	n.values = func(m snapshot) []float64 {
		if m.presence.Link == nil {
			return nil
		}
		return []float64{value(m.presence.Link)}
	}
	return n
}

// ofMail returns a metric that only a process that sends emails has.
func ofMail(name, help string, kind prometheus.ValueType, value func(*mailer.Stats) float64) statistic {
	n := one(name, help, kind, nil)
	n.values = func(m snapshot) []float64 {
		if m.mail == nil {
			return nil
		}
		return []float64{value(m.mail)}
	}
	return n
}

// ofHooks returns a metric that only a process that delivers webhooks has.
func ofHooks(name, help string, kind prometheus.ValueType, value func(*HookStats) float64) statistic {
	n := one(name, help, kind, nil)
	n.values = func(m snapshot) []float64 {
		if m.hooks == nil {
			return nil
		}
		return []float64{value(m.hooks)}
	}
	return n
}

// ofPools returns a metric of both connection pools of the database.
func ofPools(name, help string, kind prometheus.ValueType, value func(accounts.PoolStats) float64) statistic {
	return statistic{
		prometheus.NewDesc("rollcall_"+name, help, []string{"pool"}, nil), kind,
		func(m snapshot) []float64 {
			return []float64{value(m.accounts.Writer), value(m.accounts.Reader)}
		}, [][]string{{"writer"}, {"reader"}},
	}
}

const (
	gauge = prometheus.GaugeValue
	total = prometheus.CounterValue
)

func boolValue(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

var statistics = []statistic{
	{
		prometheus.NewDesc("rollcall_connections", "Live connections, by whether the tab is visible.", []string{"tab"}, nil),
		gauge,
		func(m snapshot) []float64 { return []float64{float64(m.board.Active), float64(m.board.Paused)} },
		[][]string{{"seen"}, {"hidden"}},
	},
	{
		prometheus.NewDesc("rollcall_users", "People with an account, by the state they are shown in.", []string{"state"},
			nil), gauge,
		func(m snapshot) []float64 {
			c := m.presence.Counts
			return []float64{float64(c.Online), float64(c.Away), float64(c.DND), float64(max(0, m.board.People-c.Here()))}
		},
		[][]string{{"online"}, {"away"}, {"dnd"}, {"offline"}},
	},
	one("changes_total", "Changes to how people are shown.", total,
		func(m snapshot) float64 { return float64(m.presence.Changes) }),
	one("people_remembered", "People in the memory of this process.", gauge,
		func(m snapshot) float64 { return float64(m.presence.People) }),
	one("pages", "Pages of the board in memory.", gauge, func(m snapshot) float64 { return float64(m.board.Lists) }),
	one("streams", "Open streams for programs.", gauge, func(m snapshot) float64 { return float64(m.board.Streams) }),
	one("streamed_people", "People in memory because a stream shows them.", gauge,
		func(m snapshot) float64 { return float64(m.board.Streamed) }),
	one("frames_total", "Frames queued for live connections.", total,
		func(m snapshot) float64 { return float64(m.frames) }),
	one("frame_bytes_total", "Bytes of these frames.", total, func(m snapshot) float64 { return float64(m.bytes) }),
	one("draining", "1 while this process is about to end.", gauge,
		func(m snapshot) float64 { return boolValue(m.draining) }),
	one("http_connections", "Open connections, live ones included.", gauge,
		func(m snapshot) float64 { return float64(m.conns.open) }),
	one("http_connections_limit", "Limit of open connections; 0: no limit.", gauge,
		func(m snapshot) float64 { return float64(m.conns.limit) }),

	one("hash_workers", "Limit of passwords being hashed at once.", gauge,
		func(m snapshot) float64 { return float64(m.accounts.Hash.Workers) }),
	one("hashes_running", "Passwords being hashed.", gauge,
		func(m snapshot) float64 { return float64(m.accounts.Hash.Running) }),
	one("hashes_waiting", "Passwords waiting to be hashed.", gauge,
		func(m snapshot) float64 { return float64(m.accounts.Hash.Waiting) }),
	one("hashes_total", "Passwords hashed.", total, func(m snapshot) float64 { return float64(m.accounts.Hash.Done) }),
	one("hashes_refused_total", "Passwords refused because they waited too long to be hashed.", total,
		func(m snapshot) float64 { return float64(m.accounts.Hash.Refused) }),

	ofPools("sql_connections", "Open connections to the database, by pool.", gauge,
		func(s accounts.PoolStats) float64 { return float64(s.Open) }),
	ofPools("sql_connections_in_use", "Connections to the database in use, by pool.", gauge,
		func(s accounts.PoolStats) float64 { return float64(s.InUse) }),
	ofPools("sql_waits_total", "Waits for a connection to the database.", total,
		func(s accounts.PoolStats) float64 { return float64(s.Waits) }),
	ofPools("sql_wait_seconds_total", "Time spent waiting for a connection to the database.", total,
		func(s accounts.PoolStats) float64 { return s.Waited.Seconds() }),

	ofMail("mails_waiting", "Emails that wait to be sent, by any replica.", gauge,
		func(s *mailer.Stats) float64 { return float64(s.Waiting) }),
	ofMail("mails_sent_total", "Emails that the SMTP server has taken.", total,
		func(s *mailer.Stats) float64 { return float64(s.Sent) }),
	ofMail("mails_retried_total", "Attempts to send an email that failed and will be repeated.", total,
		func(s *mailer.Stats) float64 { return float64(s.Retried) }),
	ofMail("mails_dropped_total", "Emails given up after a refusal or too many attempts.", total,
		func(s *mailer.Stats) float64 { return float64(s.Dropped) }),

	ofHooks("hooks_delivering", "1 if this replica delivers webhooks.", gauge,
		func(s *HookStats) float64 { return boolValue(s.Delivering) }),
	ofHooks("hooks_waiting", "People about whom a webhook hasn't told the latest, by webhook.", gauge,
		func(s *HookStats) float64 { return float64(s.Waiting) }),
	ofHooks("hooks_accepted_total", "Deliveries of webhooks that were accepted.", total,
		func(s *HookStats) float64 { return float64(s.Accepted) }),
	ofHooks("hooks_failed_total", "Deliveries of webhooks that failed.", total,
		func(s *HookStats) float64 { return float64(s.Failed) }),

	ofReplicas("replicas", "Replicas with a lease, this one included.", gauge,
		func(r *presence.ReplicaStats) float64 { return float64(r.Others + 1) }),
	ofReplicas("redis_lost", "1 while the other replicas can't be reached.", gauge,
		func(r *presence.ReplicaStats) float64 { return boolValue(r.Lost) }),
	ofReplicas("store_conflict", "1 while this replica stays apart because the others have other accounts.", gauge,
		func(r *presence.ReplicaStats) float64 { return boolValue(r.Conflict) }),
	ofReplicas("redis_round_trip_seconds", "Duration of the last renewal of the lease.", gauge,
		func(r *presence.ReplicaStats) float64 { return r.RoundTrip.Seconds() }),
	ofReplicas("lease_age_seconds", "Time since the lease was renewed; it ends after 10 s.", gauge,
		func(r *presence.ReplicaStats) float64 { return r.LeaseAge.Seconds() }),
	ofReplicas("entries_own", "People with an entry of this replica in Redis.", gauge,
		func(r *presence.ReplicaStats) float64 { return float64(r.Own) }),
	ofReplicas("entries_elsewhere", "People with an entry of another replica.", gauge,
		func(r *presence.ReplicaStats) float64 { return float64(r.Elsewhere) }),
	ofReplicas("redis_outages_total", "How often the other replicas were lost.", total,
		func(r *presence.ReplicaStats) float64 { return float64(r.Outages) }),
	ofReplicas("redis_reconnects_total", "How often an unresponsive connection was replaced.", total,
		func(r *presence.ReplicaStats) float64 { return float64(r.Reconnects) }),
	ofReplicas("resyncs_total", "How often announcements were missed and everything was read again.", total,
		func(r *presence.ReplicaStats) float64 { return float64(r.Resyncs) }),
	ofReplicas("audit_repairs_total", "Own entries found wrong or missing, and rewritten.", total,
		func(r *presence.ReplicaStats) float64 { return float64(r.Repaired) }),
}

// Describe is part of prometheus.Collector.
func (collector) Describe(to chan<- *prometheus.Desc) {
	for _, n := range statistics {
		to <- n.desc
	}
}

// Collect is part of prometheus.Collector.
func (c collector) Collect(to chan<- prometheus.Metric) {
	m := c.snapshot()
	for _, n := range statistics {
		for i, value := range n.values(m) {
			to <- prometheus.MustNewConstMetric(n.desc, n.kind, value, n.labels[i]...)
		}
	}
}
