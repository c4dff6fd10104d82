package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/redis/rueidis"
)

const (
	redisWait  = 10 * time.Second // for one command, or one batch
	redisBatch = 500              // commands in one
)

// redisServer is a Redis of our own, which replicas share. It listens on the loopback device only and keeps nothing.
type redisServer struct {
	child
	dir, addr string
	client    rueidis.Client
}

// newRedis starts a redis-server.
func newRedis(ctx context.Context) (_ *redisServer, err error) {
	program, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, errors.New("replicas need redis-server, which is not on the PATH: apt-get install redis-server (brew install redis), version 6 or newer")
	}
	r := &redisServer{child: child{name: "redis-server"}}
	if r.addr, err = freeAddr(); err != nil {
		return nil, err
	}
	if r.dir, r.log, err = scratch("redis.log"); err != nil {
		return nil, err
	}
	_, port, _ := net.SplitHostPort(r.addr)
	cmd := exec.Command(program, "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", r.dir)
	if err := r.start(ctx, cmd, r.connect); err != nil {
		return nil, errors.Join(err, r.close())
	}
	return r, nil
}

// connect reports whether the server takes our connection. It is one that sends no PING by itself, so that only what
// is asked here has to be taken from what is counted.
func (r *redisServer) connect() bool {
	c, err := rueidis.NewClient(rueidis.ClientOption{
		InitAddress: []string{r.addr}, ForceSingleClient: true, DisableCache: true, ClientName: "bench",
		Dialer: net.Dialer{Timeout: redisWait, KeepAlive: -1},
	})
	if err != nil {
		if c != nil {
			c.Close()
		}
		return false
	}
	r.client = c
	return true
}

// close stops the server and removes all it left.
func (r *redisServer) close() error {
	if r.client != nil {
		r.client.Close()
	}
	return errors.Join(r.stop(), r.log.Close(), os.RemoveAll(r.dir))
}

func (r *redisServer) url() string { return "redis://" + r.addr }

// do sends commands, each given in words, in batches. The answers are in their order; the first that is an error ends it.
func (r *redisServer) do(ctx context.Context, commands ...[]string) ([]rueidis.RedisMessage, error) {
	answers := make([]rueidis.RedisMessage, 0, len(commands))
	for len(commands) > 0 {
		batch := make([]rueidis.Completed, 0, redisBatch)
		for _, words := range commands[:min(len(commands), redisBatch)] {
			batch = append(batch, r.client.B().Arbitrary(words...).Build())
		}
		wait, cancel := context.WithTimeout(ctx, redisWait)
		results := r.client.DoMulti(wait, batch...)
		cancel()
		for i, result := range results {
			m, err := result.ToMessage()
			if err != nil {
				return nil, fmt.Errorf("redis %s: %w", strings.Join(commands[i][:min(2, len(commands[i]))], " "), err)
			}
			answers = append(answers, m)
		}
		commands = commands[len(batch):]
	}
	return answers, nil
}

// empty takes away all keys.
func (r *redisServer) empty(ctx context.Context) error {
	_, err := r.do(ctx, []string{"FLUSHALL"})
	return err
}
