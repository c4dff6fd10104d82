package command

import (
	"bufio"
	"context"
	"database/sql"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"rollcall/accounts/pgtest"
)

// uiFolder is the variable that tells the programs of this test where the templates and assets are.
const uiFolder = "TEST_UI_FOLDER"

func TestMain(m *testing.M) {
	if os.Getenv(uiFolder) == "" {
		folder, err := filepath.Abs("../ui")
		if err != nil {
			panic(err)
		}
		os.Setenv(uiFolder, folder)
	}
	binary := os.Getenv("ROLLCALL_BINARY")
	if binary == "" {
		testscript.Main(m, map[string]func(){"rollcall": func() { os.Exit(Main(uiFiles())) }})
		return
	}
	testscript.Main(withBinary{m, binary}, nil)
}

// withBinary runs the tests with a built program as rollcall, which starts several times faster than this test binary
// with its race detector. Tests that call functions of this package have the detector in any case.
type withBinary struct {
	testscript.TestingM
	binary string
}

func (b withBinary) Run() int {
	folder, err := os.MkdirTemp("", "rollcall")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(folder)
	if err := os.Chmod(folder, 0o755); err != nil { // tests also start it as other users
		panic(err)
	}
	if err := os.Symlink(b.binary, filepath.Join(folder, "rollcall")); err != nil {
		panic(err)
	}
	os.Setenv("PATH", folder+string(filepath.ListSeparator)+os.Getenv("PATH"))
	return b.TestingM.Run()
}

// uiFiles replaces the embedded files. It reads them into memory, because a process that gives up root can't
// necessarily read the folder later.
func uiFiles() fs.FS {
	files, folder := fstest.MapFS{}, os.DirFS(os.Getenv(uiFolder))
	err := fs.WalkDir(folder, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(folder, path)
		files[path] = &fstest.MapFile{Data: data}
		return err
	})
	if err != nil {
		panic(err)
	}
	return files
}

// TestScripts runs the scripts in testdata/script. Besides the standard commands of testscript, they can use:
//
//	listen VAR           listens on a free port and sets VAR to the address
//	serve VAR [flag...]  starts rollcall on a free port and sets VAR to the address
//	stop VAR             sends SIGTERM to the server at that address, which must exit with 0
//	sqlite FILE TEXT     runs one statement on a database file
//	token VAR NAME [scope...]  creates an access token of a person and sets VAR to it
//	api PATH REGEXP      reads from the API with the variables of the client until the response matches
//	watch REGEXP TEXT [flag...]  runs rollcall watch, sets a status with the text after the first line, and interrupts
//	                     it after a line that matches
//	postgres VAR         starts a Postgres and sets VAR to the URL of an empty database, for a role with the password hunter2
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", env.WorkDir+"/home")
			env.Setenv(uiFolder, os.Getenv(uiFolder))
			for _, name := range []string{"XDG_DATA_HOME", "PORT", "REDIS_URL", "DATABASE_URL", "FLY_APP_NAME"} {
				env.Setenv(name, "")
			}
			env.Values["servers"] = servers{}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"listen":   scriptListen,
			"serve":    scriptServe,
			"stop":     scriptStop,
			"sqlite":   scriptSQLite,
			"postgres": scriptPostgres,
			"token":    scriptToken,
			"api":      scriptAPI,
			"watch":    scriptWatch,
		},
	})
}

// servers holds the servers that a script has started, by address.
type servers map[string]*exec.Cmd

func scriptListen(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: listen VAR")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { l.Close() })
	ts.Setenv(args[0], l.Addr().String())
}

func scriptServe(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: serve VAR [flag...]")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute) // a busy machine is slow
	cmd := exec.CommandContext(ctx, "rollcall", append([]string{"serve", "--addr", "127.0.0.1:0"}, args[1:]...)...)
	cmd.Dir = ts.Getenv("WORK")
	cmd.Env = append(os.Environ(), "HOME="+ts.Getenv("HOME"), "XDG_DATA_HOME=", "FLY_APP_NAME=",
		"DATABASE_URL="+ts.Getenv("DATABASE_URL"))
	stdout, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	ts.Defer(func() { cancel(); cmd.Wait() })

	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		if addr, ok := strings.CutPrefix(lines.Text(), "Rollcall is at http://"); ok {
			ts.Setenv(args[0], addr)
			ts.Value("servers").(servers)[addr] = cmd
			return
		}
	}
	ts.Fatalf("rollcall serve ended without printing its address")
}

func scriptStop(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: stop VAR")
	}
	cmd := ts.Value("servers").(servers)[ts.Getenv(args[0])]
	ts.Check(cmd.Process.Signal(syscall.SIGTERM))
	if err := cmd.Wait(); err != nil {
		ts.Fatalf("rollcall serve after SIGTERM: %v, want exit code 0", err)
	}
}

func scriptSQLite(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: sqlite FILE TEXT")
	}
	db, err := sql.Open("sqlite", ts.MkAbs(args[0])) // accounts imports the driver
	ts.Check(err)
	defer db.Close()
	_, err = db.Exec(args[1])
	ts.Check(err)
}

func scriptPostgres(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: postgres VAR")
	}
	server, err := pgtest.Start()
	ts.Check(err)
	ts.Defer(server.Stop)
	ts.Check(server.Exec("postgres", "CREATE ROLE "+pgtest.LockedRole+" LOGIN PASSWORD 'hunter2'"))
	name, err := server.Create("OWNER " + pgtest.LockedRole)
	ts.Check(err)
	ts.Setenv(args[0], server.URLAs(pgtest.LockedRole+":hunter2", name))
}
