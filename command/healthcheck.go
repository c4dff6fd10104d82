package command

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"time"
)

// healthcheckCmd checks the server on this machine, at the address that it listens on. Images without a shell or curl
// use it as their health check.
type healthcheckCmd struct {
	Addr    string        `variable:"ROLLCALL_ADDR" default:"127.0.0.1:8080" help:"Where the server listens."`
	Timeout time.Duration `variable:"ROLLCALL_HEALTHCHECK_TIMEOUT" default:"3s" help:"How long to wait for the answer."`
}

// Run fails unless the answer is 200.
func (c *healthcheckCmd) Run(ctx context.Context, con *console) error {
	if err := checkAddr(c.Addr); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+reachable(c.Addr)+"/healthz", nil)
	if err != nil {
		return err
	}
	// Not the default transport, because a proxy from the environment can't reach this machine.
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(request)
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%s didn't answer within %v", c.Addr, c.Timeout)
	}
	if err != nil {
		return fmt.Errorf("no answer at %s: %w", c.Addr, errors.Unwrap(err))
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", c.Addr, answer.Status)
	}
	_, err = fmt.Fprintln(con.stdout, "ok")
	return err
}

// reachable converts an address to listen on to one to connect to.
func reachable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	ip, err := netip.ParseAddr(host)
	if host == "" || err == nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}
