package command

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"rollcall/accounts"
)

// checkPostgres prints which servers DATABASE_URL leads to, and whether a failover can lose changes. It only says what
// the servers say: a managed service may replicate in ways that they don't know about.
func checkPostgres(ctx context.Context, c *doctorCmd, f *findings) {
	if c.DatabaseURL == "" {
		return
	}
	r, err := accounts.ReportPostgres(ctx, c.accounts(nil))
	if err != nil {
		return // opening the accounts has failed, too
	}
	var says []string
	var primaries []accounts.PostgresServer
	for _, s := range r.Servers {
		says = append(says, s.Address+" "+roleOf(s))
		if s.TakesWrites() {
			primaries = append(primaries, s)
		} else if s.Err != nil && len(r.Servers) > 1 {
			f.warn("%v", s.Err)
		}
	}
	f.line("postgres", "%s", strings.Join(says, ", "))
	switch len(primaries) {
	case 0:
	case 1:
		diagnosePrimary(f, primaries[0], len(r.Servers) > 1)
	default:
		f.problem(errors.New("several servers take writes: stop all but the one that was promoted last, " +
			"or changes on the others will be lost"))
	}
}

func roleOf(s accounts.PostgresServer) string {
	switch {
	case s.Err != nil:
		return "can't be used"
	case s.Standby:
		return "is a standby"
	case s.ReadOnly:
		return "is read-only"
	case s.Timeline != "":
		return fmt.Sprintf("takes writes (timeline %s)", strings.TrimLeft(s.Timeline, "0"))
	}
	return "takes writes"
}

// diagnosePrimary prints what a commit waits for. several says that the URL has other servers that could take over.
func diagnosePrimary(f *findings, s accounts.PostgresServer, several bool) {
	followers := ""
	if s.Followers >= 0 {
		followers = ", " + count(s.Followers, "replication connection")
	}
	if s.WaitsForStandby() {
		f.line("commits", "wait for a standby (%s)%s", s.SyncStandbys, followers)
		if s.Followers == 0 {
			f.warn("commits wait for a standby, but none is connected, so nothing can be saved: start a standby, " +
				"or empty synchronous_standby_names")
		}
		return
	}
	f.line("commits", "don't wait for a streaming standby%s", followers)
	switch {
	case s.SyncCommit == "off":
		f.warn("synchronous_commit is off: if Postgres crashes, it can lose the last changes")
	case s.SyncStandbys != "":
		f.warn("synchronous_commit is %s, so commits don't wait for the standbys in synchronous_standby_names", s.SyncCommit)
	case several:
		f.warn("a failover can lose the last changes, because commits don't wait for a standby: " +
			"see Failover in docs/postgres.md")
	}
}
