package mailer

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"rollcall/mail"
)

// inbox is an SMTP server that counts messages by recipient.
type inbox struct {
	mu       sync.Mutex
	received map[string]int // guarded by mu
	arrived  chan struct{}  // gets a value for each message
}

// inboxSession is one connection to an inbox.
type inboxSession struct {
	inbox *inbox
	to    string
}

func (*inboxSession) Reset()                                      {}
func (*inboxSession) Logout() error                               { return nil }
func (*inboxSession) Mail(string, *smtp.MailOptions) error        { return nil }
func (s *inboxSession) Rcpt(to string, _ *smtp.RcptOptions) error { s.to = to; return nil }

func (s *inboxSession) Data(r io.Reader) error {
	if _, err := io.Copy(io.Discard, r); err != nil {
		return err
	}
	s.inbox.mu.Lock()
	s.inbox.received[s.to]++
	s.inbox.mu.Unlock()
	s.inbox.arrived <- struct{}{}
	return nil
}

// start returns a Sender to the inbox, which serves until t ends.
func (i *inbox) start(t *testing.T) *mail.Sender {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &inboxSession{inbox: i}, nil }))
	server.Domain = "localhost"
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l)
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-done
	})
	cfg, err := mail.ParseConfig("smtp://"+l.Addr().String(), "rollcall@example.org", "board.example.org")
	if err != nil {
		t.Fatal(err)
	}
	return mail.NewSender(cfg)
}

// Two replicas on one store send each email over SMTP, and none twice. They start as soon as something is queued.
func TestReplicas(t *testing.T) {
	const people = 20
	f := newFixture(t)
	i := &inbox{received: map[string]int{}, arrived: make(chan struct{}, 2*people)}
	sender := i.start(t)
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for range 2 {
		cfg := f.mailer.cfg
		cfg.Sender = sender
		all.Go(func() { New(cfg).Run(ctx) })
	}
	for n := range people {
		f.person(fmt.Sprint("person-", n), fmt.Sprintf("p%d@example.org", n))
		f.do("AskReset", f.store.AskReset(t.Context(), fmt.Sprint("person-", n)))
	}
	for n := range people {
		select {
		case <-i.arrived:
		case <-time.After(time.Minute):
			t.Fatalf("%d messages have arrived, want %d\n%s", n, people, f.logs)
		}
	}
	stop()
	all.Wait()
	i.mu.Lock()
	defer i.mu.Unlock()
	for n := range people {
		if to := fmt.Sprintf("p%d@example.org", n); i.received[to] != 1 {
			t.Errorf("%d messages to %s, want 1", i.received[to], to)
		}
	}
	if len(i.received) != people {
		t.Errorf("messages to %d addresses, want %d", len(i.received), people)
	}
}
