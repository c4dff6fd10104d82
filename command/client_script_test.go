package command

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func scriptToken(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: token VAR NAME [scope...]")
	}
	cmd := exec.Command("rollcall", "token", "create", "--user", args[1], "--scope", strings.Join(args[2:], ","))
	cmd.Dir, cmd.Env = ts.Getenv("WORK"), append(cmd.Environ(), "ROLLCALL_DB="+ts.MkAbs(ts.Getenv("ROLLCALL_DB")))
	out, err := cmd.Output()
	ts.Check(err)
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	ts.Setenv(args[0], lines[len(lines)-1])
}

func scriptAPI(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: api PATH REGEXP")
	}
	want := regexp.MustCompile(args[1])
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for body := ""; ; time.Sleep(100 * time.Millisecond) { // a token can read only so often
		r, err := http.NewRequestWithContext(ctx, "GET", ts.Getenv(clientURL)+"/api/v1"+args[0], http.NoBody)
		ts.Check(err)
		r.Header.Set("Authorization", "Bearer "+ts.Getenv(clientToken))
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			ts.Fatalf("GET %s never matched %s; the last answer was %s (%v)", args[0], args[1], body, err)
		}
		text, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		ts.Check(err)
		if body = string(text); want.MatchString(body) {
			return
		}
	}
}

func scriptWatch(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: watch REGEXP TEXT [flag...]")
	}
	want := regexp.MustCompile(args[0])
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "rollcall", append([]string{"watch"}, args[2:]...)...)
	for _, name := range []string{"HOME", clientURL, clientToken} {
		cmd.Env = append(cmd.Environ(), name+"="+ts.Getenv(name))
	}
	stdout, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	lines, seen, first := bufio.NewScanner(stdout), "", true
	for lines.Scan() && !want.MatchString(lines.Text()) {
		seen += lines.Text() + "\n"
		if first {
			first = false
			ts.Check(ts.Exec("rollcall", "set", "dnd", args[1]))
		}
	}
	ts.Check(cmd.Process.Signal(os.Interrupt))
	if err := cmd.Wait(); err != nil || ctx.Err() != nil {
		ts.Fatalf("rollcall watch: %v, want a line like %s and exit code 0 after an interrupt; it printed\n%s", err, args[0], seen)
	}
}
