package replica

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/rueidis"
)

const (
	sentinelEvery = 2 * time.Second        // between questions to the Sentinels; less than a hold
	sentinelWait  = 700 * time.Millisecond // for a Sentinel to answer
)

// sentinels are the Sentinels that watch a primary and its replicas, and know which one is the primary.
type sentinels struct {
	set    string               // the name that the Sentinels have for the primary and its replicas
	option rueidis.ClientOption // to connect to them
	asking sync.WaitGroup
}

// sentinelsOf returns the Sentinels that option names.
func sentinelsOf(option rueidis.ClientOption) *sentinels {
	s := &sentinels{set: option.Sentinel.MasterSet, option: option}
	s.option.Sentinel = rueidis.SentinelOption{}
	s.option.SelectDB = 0
	s.option.DisableCache = true
	s.option.Dialer.Timeout = sentinelWait
	s.option.ReadBufferEachConn, s.option.WriteBufferEachConn = 1<<12, 1<<12 // a connection carries one question
	return s
}

// primary is what a Sentinel knows about the current primary.
type primary struct {
	address string
	epoch   int64 // grows with each failover
	err     error
}

// ask asks all Sentinels for the primary, and returns the answer of the one that knows of the latest failover. sure
// says that most of them answered. A Sentinel that is cut off from the others knows only what was true before.
func (s *sentinels) ask(ctx context.Context) (address string, sure bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, sentinelWait)
	defer cancel()
	all := s.option.InitAddress
	answers := make(chan primary, len(all))
	for _, sentinel := range all {
		s.asking.Go(func() { answers <- s.askOne(ctx, sentinel) })
	}
	var best primary
	answered := 0
	for range all {
		var a primary
		select {
		case a = <-answers:
		case <-ctx.Done():
			a.err = ctx.Err()
		}
		if a.err != nil {
			err = cmp.Or(err, a.err)
			continue
		}
		if answered++; answered == 1 || a.epoch > best.epoch {
			best = a
		}
		if 2*answered > len(all) {
			return best.address, true, nil
		}
	}
	if answered > 0 {
		return best.address, false, nil
	}
	return "", false, fmt.Errorf("ask the Sentinels for the primary: %w", err)
}

// askOne asks one Sentinel. It has the user and password of Redis, or none.
func (s *sentinels) askOne(ctx context.Context, sentinel string) primary {
	option := s.option
	option.InitAddress = []string{sentinel}
	p := s.askWith(ctx, option)
	if p.err != nil && strings.Contains(p.err.Error(), "WRONGPASS") {
		option.Username, option.Password = "", ""
		if without := s.askWith(ctx, option); without.err == nil {
			return without
		}
	}
	return p
}

func (s *sentinels) askWith(ctx context.Context, option rueidis.ClientOption) (p primary) {
	client, err := rueidis.NewClient(option)
	if client != nil {
		defer client.Close()
	}
	if err != nil {
		return primary{err: err}
	}
	facts, err := client.Do(ctx, client.B().Arbitrary("SENTINEL", "MASTER", s.set).Build()).AsStrMap()
	if err != nil {
		return primary{err: err}
	}
	if p.epoch, err = strconv.ParseInt(facts["config-epoch"], 10, 64); err != nil || facts["ip"] == "" {
		return primary{err: errors.New("this Sentinel doesn't say which server is the primary")}
	}
	p.address = net.JoinHostPort(facts["ip"], facts["port"])
	return p
}

// follow calls moved when most Sentinels name another primary than the one at the address that at returns. A former
// primary closes its connections or refuses writes once the Sentinels can reach it. Until then, it would look fine.
func (s *sentinels) follow(ctx context.Context, at func() string, moved func(was, is string)) {
	tick := time.NewTicker(sentinelEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		was := at()
		if is, sure, err := s.ask(ctx); err == nil && sure && was != "" && is != was && at() == was {
			moved(was, is)
		}
	}
}
