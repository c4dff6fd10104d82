package command

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"rollcall/accounts"
	"rollcall/command/client"
)

// Times of a claim that busy holds.
const (
	busyWait = 10 * time.Second // for an answer, while the command runs
	busyEnd  = 2 * time.Second  // for everything after the command has ended
)

// busyCmd runs a command, and claims that the person is busy while it runs. It stays in the process group and on the
// terminal of the command, whose exit code it passes on. Nothing about the board delays the command or ends it.
type busyCmd struct {
	As      string        `enum:"dnd,away" default:"dnd" help:"dnd (do not disturb) or away."`
	Text    string        `placeholder:"TEXT" help:"Text that others see."`
	Emoji   string        `placeholder:"EMOJI" help:"One emoji beside the text."`
	Key     string        `placeholder:"KEY" help:"Names the claim, of which you can have one per key. Default: the name of the command and a random part."`
	Lease   time.Duration `placeholder:"DURATION" default:"5m" help:"How long others still see that you're busy if rollcall is killed: 15s to 24h."`
	Command []string      `arg:"" passthrough:"" help:"The command and its arguments, best after --."`
}

// Exit codes of shells for commands that can't be started.
const (
	notExecutable exitCode = 126
	notFound      exitCode = 127
	bySignal      exitCode = 128 // plus the number of the signal
)

// Run runs the command.
func (c *busyCmd) Run(ctx context.Context, con *console) error {
	if c.Key == "" {
		c.Key = busyKey(c.Command)
	} else if err := accounts.CheckKey(c.Key); err != nil {
		return fmt.Errorf("--key %s: use 1 to %d of a to z, digits, dots, dashes, and underscores, and begin with a letter or "+
			"a digit", c.Key, accounts.MaxKey)
	}
	if c.Lease < accounts.MinLease || c.Lease > accounts.MaxLease {
		return fmt.Errorf("--lease %v: it must be from %v to %.0fh", c.Lease, accounts.MinLease, accounts.MaxLease.Hours())
	}
	args := c.Command
	if args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		return errors.New("there is no command to run: write it after --")
	}
	return c.runCommand(context.WithoutCancel(ctx), con, args)
}

// runCommand starts the command before anything else.
func (c *busyCmd) runCommand(ctx context.Context, con *console, args []string) error {
	signals := make(chan os.Signal, 16)
	hearSignals(signals, con.deaf)
	defer signal.Stop(signals)
	child := exec.Command(args[0], args[1:]...)
	child.Stdin, child.Stdout, child.Stderr = con.stdin, con.stdout, con.stderr
	con.umask()
	if err := child.Start(); err != nil {
		return startFailure(con.stderr, args[0], err)
	}
	claim := c.hold(ctx, con)
	ended := make(chan error, 1)
	go func() { ended <- child.Wait() }()
	for {
		select {
		case s := <-signals:
			// The terminal sends SIGINT and SIGQUIT to the whole process group, so the command has them already.
			if s == syscall.SIGTERM || s == syscall.SIGHUP {
				_ = child.Process.Signal(s) // it may have ended
			}
		case <-ended:
			claim.end()
			return codeOf(child.ProcessState)
		}
	}
}

// hearSignals sends signals to a channel instead of letting them end this process. A signal that was ignored when this
// process started stays ignored, for the command as well. deaf says that SIGINT was. Go doesn't tell whether SIGQUIT
// was, but shells ignore SIGINT and SIGQUIT together.
func hearSignals(signals chan<- os.Signal, deaf bool) {
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGHUP} {
		switch {
		case deaf && (s == os.Interrupt || s == syscall.SIGQUIT):
			signal.Ignore(s)
		case !signal.Ignored(s):
			signal.Notify(signals, s)
		}
	}
}

// startFailure reports why a command didn't start, with the exit code of a shell.
func startFailure(stderr io.Writer, name string, err error) error {
	code := notExecutable
	var why error
	switch {
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		code, why = notFound, errors.New("command not found")
	case errors.Is(err, fs.ErrPermission):
		why = fs.ErrPermission
	default:
		why = err
	}
	fmt.Fprintf(stderr, "rollcall: %s: %v\n", name, why)
	return code
}

// codeOf returns the exit code that a shell gives the end of a command.
func codeOf(state *os.ProcessState) error {
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return bySignal + exitCode(status.Signal())
	}
	if code := state.ExitCode(); code != 0 {
		return exitCode(code)
	}
	return nil
}

// busyKey returns a key for a run of a command.
func busyKey(command []string) string {
	const random, longest = 6, 20
	name := "busy"
	for _, arg := range command {
		if arg != "--" {
			name = strings.ToLower(filepath.Base(arg))
			break
		}
	}
	name = strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '-' || r == '.' || r == '_' {
			return r
		}
		return -1
	}, name)
	name = strings.TrimLeft(name[:min(len(name), longest)], "-._")
	if name == "" {
		name = "busy"
	}
	return name + "-" + strings.ToLower(rand.Text()[:random])
}

// busyClaim holds a claim in the background.
type busyClaim struct {
	over chan struct{} // closed when the command has ended
	done chan struct{} // closed when the goroutine has ended
}

// hold sets the claim, and renews it until end is called. It tells the first failure, once.
func (c *busyCmd) hold(ctx context.Context, con *console) *busyClaim {
	held := &busyClaim{over: make(chan struct{}), done: make(chan struct{})}
	holder := claimHolder{key: c.Key, claim: client.Claim{State: c.As, Text: c.Text, Emoji: c.Emoji, Lease: c.Lease.String()},
		lease: c.Lease, stderr: con.stderr}
	go func() {
		defer close(held.done)
		api, err := con.client()
		if err != nil {
			holder.tell(err)
			return
		}
		holder.api, holder.explain = api, func(err error) error { return explain(api, err) }
		holder.run(ctx, held.over)
	}()
	return held
}

// end ends the claim, and waits for that, at most busyEnd.
func (b *busyClaim) end() {
	close(b.over)
	select {
	case <-b.done:
	case <-time.After(busyEnd):
	}
}

// claimAPI is the part of client.Client that holds a claim.
type claimAPI interface {
	PutClaim(ctx context.Context, key string, claim client.Claim) error
	DeleteClaim(ctx context.Context, key string) error
}

// claimHolder sets and renews one claim.
type claimHolder struct {
	api     claimAPI
	explain func(error) error // says what an error of api means
	key     string
	claim   client.Claim
	lease   time.Duration
	stderr  io.Writer
	told    bool
}

// run holds the claim until over is closed, and then ends it. It's renewed long before its lease ends, so that there's
// time to try again.
func (h *claimHolder) run(ctx context.Context, over <-chan struct{}) {
	maySet := false // also if a request got no answer
	for ended := false; !ended; {
		next := h.lease * 2 / 5
		err := h.put(ctx)
		if _, refused := errors.AsType[*client.Problem](err); !refused {
			maySet = true
		}
		if err != nil {
			next = h.lease / 10
			h.tell(h.explain(err))
		}
		select {
		case <-over:
			ended = true
		case <-time.After(next):
		}
	}
	if maySet {
		ctx, cancel := context.WithTimeout(ctx, busyEnd)
		defer cancel()
		_ = h.api.DeleteClaim(ctx, h.key) // without it, the claim ends with its lease
	}
}

func (h *claimHolder) put(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, busyWait)
	defer cancel()
	return h.api.PutClaim(ctx, h.key, h.claim)
}

// tell reports a failure, and no others after it.
func (h *claimHolder) tell(err error) {
	if !h.told {
		h.told = true
		fmt.Fprintln(h.stderr, "rollcall: the board doesn't show that you're busy:", err)
	}
}
