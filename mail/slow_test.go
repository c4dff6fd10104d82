package mail

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A server that says nothing more, wherever it is, holds a message for 30 s.
func TestSendSilentServer(t *testing.T) {
	for command, step := range map[string]Step{
		"greeting": StepGreeting, "EHLO": StepGreeting, "AUTH": StepSignIn, "MAIL": StepSender, "RCPT": StepRecipient,
		"DATA": StepContent, ".": StepContent,
	} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			got := sendError(t, local(t, polite.but(command, "").dial))
			if took := time.Since(start); took != 30*time.Second {
				t.Errorf("Send(silent after %s) took %v, want 30s", command, took)
			}
			if got.Kind != Temporary || got.Step != step || got.Code != 0 || !errors.Is(got, context.DeadlineExceeded) ||
				!strings.Contains(got.Error(), "took longer than 30s") {
				t.Errorf("Send(silent after %s) = %#v, want a timeout at %s", command, got, step)
			}
		})
	}
}

func TestSendTimeout(t *testing.T) {
	silent := script{}.dial
	startTLS := polite.but("EHLO", "250-x\r\n250 STARTTLS").but("STARTTLS", "220 Go on")
	for name, c := range map[string]struct {
		dial   dialFunc
		scheme string
		step   Step
	}{
		"connecting": {func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}, "smtp", StepConnect},
		"TLS first":                   {silent, "smtps", StepConnect},
		"STARTTLS":                    {startTLS.dial, "smtp", StepTLS},
		"a line from time to time":    {drip, "smtp", StepGreeting},
		"a server that stops to read": {stopsReading, "smtp", StepContent},
	} {
		synctest.Test(t, func(t *testing.T) {
			sender := local(t, c.dial)
			sender.config.TLSFirst = c.scheme == "smtps"
			sender.config.Timeout = 5 * time.Second
			start := time.Now()
			got := sendError(t, sender)
			if took := time.Since(start); took != 5*time.Second {
				t.Errorf("Send(%s) took %v, want 5s", name, took)
			}
			if got.Kind != Temporary || got.Step != c.step || !errors.Is(got, context.DeadlineExceeded) {
				t.Errorf("Send(%s) = %#v, want a timeout at %s", name, got, c.step)
			}
		})
	}
}

// drip connects to a server that sends its greeting for ever.
func drip(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	go func() {
		defer server.Close()
		for ctx.Err() == nil {
			_, _ = io.WriteString(server, "220-x\r\n")
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
			}
		}
	}()
	return near{client}, nil
}

// stopsReading connects to a server that asks for the content and then doesn't read it.
func stopsReading(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	go func() {
		defer server.Close()
		_, _ = io.WriteString(server, polite["greeting"]+"\r\n")
		in := bufio.NewReader(server)
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			command, _, _ := strings.Cut(strings.TrimSpace(line), " ")
			_, _ = io.WriteString(server, polite[command]+"\r\n")
			if command == "DATA" {
				<-ctx.Done()
				return
			}
		}
	}()
	return near{client}, nil
}

func TestSendCanceled(t *testing.T) {
	for _, command := range []string{"greeting", "MAIL", "."} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(3*time.Second, cancel)
			start := time.Now()
			err := local(t, polite.but(command, "").dial).Send(ctx, someMessage)
			got, ok := errors.AsType[*Error](err)
			if !ok || got.Kind != Temporary || !errors.Is(err, context.Canceled) {
				t.Errorf("Send(canceled after %s) = %v, want %v", command, err, context.Canceled)
			}
			if took := time.Since(start); took != 3*time.Second {
				t.Errorf("Send(canceled after %s) took %v, want 3s", command, took)
			}
		})
	}
}

// A slow server in DATA, with a real SMTP server.
func TestSendSlowContent(t *testing.T) {
	config, roots := certificates(t, remote)
	for _, c := range []struct {
		slow, took time.Duration
		arrives    bool
	}{
		{20 * time.Second, 20 * time.Second, true},
		{40 * time.Second, 30 * time.Second, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &server{tls: config, mechanisms: []string{"PLAIN"}, hold: func() { time.Sleep(c.slow) }}
			l := make(pipes)
			s.start(t, l)
			sender := newSender(t, "smtp", remote, true, nil, roots)
			sender.dial = l.dial
			start := time.Now()
			err := sender.Send(t.Context(), someMessage)
			if took := time.Since(start); took != c.took {
				t.Errorf("Send(slow %v) took %v, want %v", c.slow, took, c.took)
			}
			if (err == nil) != c.arrives || err != nil && !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Send(slow %v) = %v, want arrives %v", c.slow, err, c.arrives)
			}
			time.Sleep(c.slow - c.took) // until the server has finished
		})
	}
}

// After the server has taken the message, nothing can fail any more.
func TestSendQuit(t *testing.T) {
	for name, c := range map[string]struct {
		script script
		took   time.Duration
	}{
		"answered":          {polite, 0},
		"refused":           {polite.but("QUIT", "500 No"), 0},
		"not answered":      {polite.but("QUIT", ""), 2 * time.Second},
		"hung up at QUIT":   {polite.but("QUIT", "421 Bye!"), 0},
		"hung up before it": {polite.but(".", "250 OK!"), 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			var lines []string
			dial := func(context.Context, string, string) (net.Conn, error) {
				client, server := net.Pipe()
				go func() { lines = c.script.serve(server) }()
				return near{client}, nil
			}
			start := time.Now()
			if err := local(t, dial).Send(t.Context(), someMessage); err != nil || time.Since(start) != c.took {
				t.Errorf("Send(QUIT %s) = %v after %v, want nil after %v", name, err, time.Since(start), c.took)
			}
			synctest.Wait()
			if last := lines[len(lines)-1]; name != "hung up before it" && last != "QUIT" {
				t.Errorf("Send(QUIT %s): the last line is %q, want QUIT", name, last)
			}
		})
	}
}

// The code of a refusal stays, even if the time is over before the server answers QUIT.
func TestSendTimeoutAfterRefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sender := local(t, polite.but("RCPT", "550 No").but("QUIT", "").dial)
		sender.config.Timeout = time.Second
		start := time.Now()
		got := sendError(t, sender)
		if got.Code != 550 || got.Kind != Permanent || got.Err != nil || time.Since(start) != time.Second {
			t.Errorf("Send = %#v after %v, want 550 after 1s", got, time.Since(start))
		}
	})
}

// A refusal ends the connection in order, too.
func TestSendQuitsAfterRefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lines []string
		got := sendError(t, local(t, func(context.Context, string, string) (net.Conn, error) {
			client, server := net.Pipe()
			go func() { lines = polite.but("RCPT", "550 No").serve(server) }()
			return near{client}, nil
		}))
		synctest.Wait()
		if got.Code != 550 || lines[len(lines)-1] != "QUIT" {
			t.Errorf("Send(refused) = %v with the commands %q, want QUIT at the end", got, lines)
		}
	})
}
