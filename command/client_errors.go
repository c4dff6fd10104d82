package command

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	"rollcall/command/client"
)

// explain converts an error of a client to one sentence that says what to do.
func explain(c *client.Client, err error) error {
	if p, ok := errors.AsType[*client.Problem](err); ok {
		return errors.New(problemSentence(c, p))
	}
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	var why string
	var dns *net.DNSError
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		why = "it didn't answer in time"
	case errors.Is(err, syscall.ECONNREFUSED):
		why = "nothing listens there"
	case errors.As(err, &dns):
		why = "there is no host " + dns.Name
	default:
		why = err.Error()
	}
	return fmt.Errorf("can't reach %s: %s (check the address, the network, and whether the server runs)", c.Board(), why)
}

// problemSentence says what a response means for the person who typed a command.
func problemSentence(c *client.Client, p *client.Problem) string {
	if p.Kind == "" {
		return strangerSentence(c, p)
	}
	detail := strings.TrimSuffix(p.Detail, ".")
	switch {
	case p.Status == http.StatusUnauthorized:
		return fmt.Sprintf("%s doesn't accept your access token: it's wrong, has expired, or was revoked (create another one "+
			"in the settings of the board, and run rollcall login %[1]s)", c.Board())
	case p.Kind == "insufficient-scope":
		return detail + fmt.Sprintf(" (create a token with it in the settings of the board, and run rollcall login %s)", c.Board())
	case p.RetryAfter > 0 && p.Temporary():
		return fmt.Sprintf("%s (try again in %v)", detail, time.Duration(math.Ceil(p.RetryAfter.Seconds()))*time.Second)
	}
	return detail
}

// strangerSentence is about a response that isn't one of Rollcall's API.
func strangerSentence(c *client.Client, p *client.Problem) string {
	switch {
	case p.Location != "":
		return fmt.Sprintf("%s leads to %s: use the address that your browser shows when the board is open", c.Board(),
			printable(p.Location))
	case p.Temporary():
		return fmt.Sprintf("%s answers %d %s: the server or a proxy in front of it has a problem, so try again later", c.Board(),
			p.Status, http.StatusText(p.Status))
	}
	return fmt.Sprintf("%s doesn't answer like a board: check the address, and that the server has the API (%d %s)", c.Board(),
		p.Status, http.StatusText(p.Status))
}
