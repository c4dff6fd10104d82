package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"
)

const (
	redisWait  = 10 * time.Second // limit for one command or batch
	redisBatch = 500              // commands per batch
)

// redisServer is our own Redis, which the replicas share. It listens only on the loopback interface and writes nothing
// to disk.
type redisServer struct {
	child
	dir, addr string
	client    rueidis.Client
}

// newRedis starts a redis-server.
func newRedis(ctx context.Context) (_ *redisServer, err error) {
	program, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, errors.New("replicas need redis-server 6 or newer, which isn't on the PATH: " +
			"apt-get install redis-server (brew install redis)")
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

// connect reports whether the server accepts our connection. The connection sends no PINGs by itself, so that they
// don't count as the replicas' commands.
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

// close stops the server and removes its files.
func (r *redisServer) close() error {
	if r.client != nil {
		r.client.Close()
	}
	return errors.Join(r.stop(), r.log.Close(), os.RemoveAll(r.dir))
}

func (r *redisServer) url() string { return "redis://" + r.addr }

// do sends commands, each given as its words, in batches. It returns the answers in the same order, or the first error.
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

// empty deletes all keys.
func (r *redisServer) empty(ctx context.Context) error {
	_, err := r.do(ctx, []string{"FLUSHALL"})
	return err
}

// memory returns the bytes that the server has allocated, without connection buffers, which vary.
func (r *redisServer) memory(ctx context.Context) (int64, error) {
	info, err := r.info(ctx, "memory")
	if err != nil {
		return 0, err
	}
	used, err1 := strconv.ParseInt(info["used_memory"], 10, 64)
	buffers, err2 := strconv.ParseInt(info["mem_clients_normal"], 10, 64)
	return used - buffers, errors.Join(err1, err2)
}

// entrySizes returns the size in bytes of some users' entries, as the server estimates it.
func (r *redisServer) entrySizes(ctx context.Context) ([]int64, error) {
	found, err := r.do(ctx, []string{"SCAN", "0", "MATCH", presenceKey + "*", "COUNT", "1000"})
	if err != nil {
		return nil, err
	}
	entry, err := found[0].AsScanEntry()
	if err != nil {
		return nil, err
	}
	var commands [][]string
	for _, key := range entry.Elements {
		commands = append(commands, []string{"MEMORY", "USAGE", key})
	}
	answers, err := r.do(ctx, commands...)
	if err != nil {
		return nil, err
	}
	sizes := make([]int64, len(answers))
	for i := range answers {
		if sizes[i], err = answers[i].AsInt64(); err != nil {
			return nil, err
		}
	}
	return sizes, nil
}

// info returns one section of INFO.
func (r *redisServer) info(ctx context.Context, section string) (map[string]string, error) {
	answer, err := r.do(ctx, []string{"INFO", section})
	if err != nil {
		return nil, err
	}
	text, err := answer[0].ToString()
	return parseInfo(text), err
}

func parseInfo(text string) map[string]string {
	info := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok && !strings.HasPrefix(name, "#") {
			info[name] = value
		}
	}
	return info
}

// commands counts the commands that Redis has executed, by lowercase name.
type commands map[string]int64

func (r *redisServer) commands(ctx context.Context) (commands, error) {
	info, err := r.info(ctx, "commandstats")
	if err != nil {
		return nil, err
	}
	return parseCommands(info)
}

// parseCommands parses lines like cmdstat_set:calls=7,usec=21,…
func parseCommands(info map[string]string) (commands, error) {
	all := commands{}
	for name, value := range info {
		name, ok := strings.CutPrefix(name, "cmdstat_")
		if !ok {
			continue
		}
		calls, _, _ := strings.Cut(strings.TrimPrefix(value, "calls="), ",")
		n, err := strconv.ParseInt(calls, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("INFO commandstats: %s: %w", name, err)
		}
		all[name] = n
	}
	return all, nil
}

// since returns the commands that were executed after before. It counts PINGs, with which the replicas' driver checks
// its connections, separately, and leaves out INFO, which only the bench sends.
func (c commands) since(before commands) (asked commands, pings int64) {
	asked = maps.Clone(c)
	for name, n := range before {
		if asked[name] -= n; asked[name] == 0 {
			delete(asked, name)
		}
	}
	pings = asked["ping"]
	delete(asked, "ping")
	delete(asked, "info")
	return asked, pings
}

func (c commands) sum() (n int64) {
	for _, calls := range c {
		n += calls
	}
	return n
}
