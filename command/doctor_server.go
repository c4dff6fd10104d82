package command

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"rollcall/accounts"
	"rollcall/command/process"
)

const (
	criticalSpace = 100 << 20 // fewer free bytes are a problem
	lowSpace      = 1 << 30   // fewer free bytes are worth a warning

	localTimeout  = 2 * time.Second // for a server on this machine to answer
	publicTimeout = 5 * time.Second // for the public URL to answer
)

// checkDisk prints how much space is left for the database, and checks that this user can write there.
func (c *doctorCmd) checkDisk(f *findings) {
	if c.DatabaseURL != "" {
		return // it's on the database server
	}
	path, err := filepath.Abs(c.DB)
	if err != nil {
		f.problem(err)
		return
	}
	for parent := filepath.Dir(path); ; parent = filepath.Dir(path) { // the folder may not exist yet
		if _, err := os.Lstat(path); err == nil || parent == path {
			break
		}
		path = parent
	}
	if err := process.CheckWritable(path); err != nil {
		f.problem(fmt.Errorf("this user can't write %s: %w", path, err))
	}
	free, known := process.FreeSpace(path)
	if !known {
		return
	}
	f.line("disk", "%s free", size(free))
	switch {
	case free < criticalSpace:
		f.problem(fmt.Errorf("only %s are free for the database: free some space", size(free)))
	case free < lowSpace:
		f.warn("only %s are free for the database", size(free))
	}
}

// size formats n bytes for people to read.
func size(n uint64) string {
	units, unit := []string{"MiB", "GiB", "TiB"}, 0
	amount := float64(n) / (1 << 20)
	for ; amount >= 1024 && unit < len(units)-1; unit++ {
		amount /= 1024
	}
	return fmt.Sprintf("%.1f %s", amount, units[unit])
}

// checkAddress prints what listens at --addr, and reports whether it's Rollcall.
func (c *doctorCmd) checkAddress(ctx context.Context, f *findings) (serving bool) {
	if _, port, _ := net.SplitHostPort(c.Addr); port == "0" {
		f.line("address", "%s: any free port", c.Addr)
		return false
	}
	at := "http://" + reachable(c.Addr)
	client := &http.Client{Timeout: localTimeout, Transport: &http.Transport{DisableKeepAlives: true}} // no proxy
	if ask(ctx, client, at+"/healthz", "ok\n") == nil {
		if err := ask(ctx, client, at+"/readyz", "ready\n"); err != nil {
			f.line("address", "%s: Rollcall is running but isn't ready", c.Addr)
			f.problem(fmt.Errorf("the server at %s isn't ready (%w): see its log", c.Addr, err))
		} else {
			f.line("address", "%s: Rollcall is running and ready", c.Addr)
		}
		return true
	}
	l, err := listen("--addr", c.Addr)
	switch {
	case err == nil:
		f.line("address", "%s: free", c.Addr)
		if err := l.Close(); err != nil {
			f.problem(err)
		}
		return false
	case errors.Is(err, syscall.EADDRINUSE):
		f.line("address", "%s: in use by another program", c.Addr)
	default:
		f.line("address", "%s: can't be used", c.Addr)
	}
	f.problem(err)
	return false
}

// checkPublicURL checks whether Rollcall answers at its public URL. Without a server on this machine, no answer is
// expected. With one, no answer is only a warning, because some networks don't let a machine reach itself by its public
// name.
func (c *doctorCmd) checkPublicURL(ctx context.Context, f *findings, serving bool) {
	if c.Public == nil && c.local() {
		f.line("public URL", "not set: only this machine reaches the board")
		return
	}
	if c.Public == nil {
		f.line("public URL", "not set")
		f.warn("other machines reach this server over plain HTTP: put TLS in front and set --public-url to its https address")
		return
	}
	if c.Public.Scheme == "http" && !isLocal(c.Public.Hostname()) {
		f.warn("the public URL is http, so passwords and sessions cross the network unencrypted: " +
			"put TLS in front and set --public-url to its https address")
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	client := &http.Client{Timeout: publicTimeout, CheckRedirect: stay}
	defer client.CloseIdleConnections()
	err := ask(ctx, client, c.Public.String()+"/healthz", "ok\n")
	if err == nil {
		f.line("public URL", "%s: Rollcall answers", c.Public)
		return
	}
	f.line("public URL", "%s: no answer from Rollcall", c.Public)
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(err, &certificate):
		f.problem(fmt.Errorf("browsers won't trust the certificate of the public URL: %w", certificate))
	case serving:
		f.warn("the public URL doesn't answer from this machine: %v", err)
	}
}

// ask returns an error unless GET address answers 200 with the text.
func ask(ctx context.Context, client *http.Client, address, text string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, int64(len(text))+1))
	switch {
	case err != nil:
		return err
	case answer.StatusCode != http.StatusOK:
		return fmt.Errorf("it answers %s", answer.Status)
	case string(body) != text:
		return errors.New("another program answers")
	}
	return nil
}

// showSignup prints who can create an account.
func (c *doctorCmd) showSignup(f *findings) {
	f.line("sign-up", "%s", cmp.Or(c.Signup, "as administrators choose"))
	if c.Signup == accounts.SignUpOpen && (c.Public != nil && !isLocal(c.Public.Hostname()) || !c.local()) {
		f.warn("anyone who can open the board can create an account: to invite them instead, set --signup invite")
	}
}
