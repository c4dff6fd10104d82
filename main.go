// Rollcall answers one question, live: who is here?
//
// This package is the command. It reads flags and the environment, checks them, opens the parts (accounts, presence, ui),
// wires them into handlers, serves, and stops in order. It refuses to know what a board looks like, what SQL is, or
// when somebody counts as present.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
)

// gcPercent is GOGC where the environment does not set it. What lives on the heap is mostly idle sockets and what is
// sent is shared, so collecting earlier costs little and saves 2 KiB a socket.
const gcPercent = 40

func main() {
	restrictNewFiles()
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	ctx, stop := signal.NotifyContext(context.Background(), stopSignals()...)
	// From the first signal on signals do again what they do by themselves: a second one ends the process at once.
	context.AfterFunc(ctx, stop)
	con := &console{env: environ(os.Environ()), stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr}
	if err := run(ctx, os.Args[1:], con); err != nil {
		fmt.Fprintln(os.Stderr, "rollcall:", strings.ReplaceAll(err.Error(), "\n", "; "))
		os.Exit(1)
	}
}

// stopSignals are those that ask for an orderly end. A hang-up is one of them only where it would end the process
// anyway, not under nohup.
func stopSignals() []os.Signal {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	return signals
}

// console is all that a command gets of the process it runs in.
type console struct {
	env            environment
	stdin          io.Reader
	stdout, stderr io.Writer
	place          place // of the database, for root that has become its owner
}

// commands is the grammar of the command line.
type commands struct {
	Help    helpFlag    `short:"h" help:"Show help."`
	Version versionFlag `help:"Show the version."`

	Serve       serveCmd       `cmd:"" default:"withargs" help:"Serve the board (what rollcall alone does)."`
	Demo        demoCmd        `cmd:"" help:"Serve a board with two dozen people in it, in a temporary folder."`
	User        userCmd        `cmd:"" help:"Add, import, list and change people, while the server runs or not."`
	Backup      backupCmd      `cmd:"" help:"Write a backup of the database file, while the server runs or not."`
	Restore     restoreCmd     `cmd:"" help:"Put a backup in the place of the database file."`
	DB          dbCmd          `cmd:"" name:"db" help:"Move from a database file to Postgres."`
	Config      configCmd      `cmd:"" help:"Print the settings in force and where each comes from."`
	Doctor      doctorCmd      `cmd:"" help:"Look at the database, its disk, the address, the public URL, sign-up, and Redis as a server with these settings would. Change nothing, and end with a verdict."`
	Healthcheck healthcheckCmd `cmd:"" aliases:"health" help:"Ask the running server whether it is alive."`
	Ver         versionCmd     `cmd:"" name:"version" help:"Print the version."`
}

// run does what one command line asks for. Whatever it returns is one line for the person who typed it.
func run(ctx context.Context, args []string, con *console) error {
	from := sources{}
	parser, err := kong.New(&commands{},
		kong.Name("rollcall"),
		kong.Description("Rollcall is a live board of who is here. Run “rollcall demo” to look around, “rollcall” to serve."),
		kong.NoDefaultHelp(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, FlagsLast: true, WrapUpperBound: 110}),
		kong.ValueFormatter(describe),
		durations,
		kong.Vars{"db": defaultDB(runtime.GOOS, con.env)},
		kong.Writers(con.stdout, con.stderr),
		kong.Resolvers(resolver{con.env, from}),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(con, from),
	)
	if err != nil {
		return err
	}
	args = helpWord(args)
	command, err := parser.Parse(args)
	if errors.Is(err, errAnswered) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%w (see rollcall --help)", suggest(parser, args, err))
	}
	if err := giveUpRoot(command, con); err != nil {
		return err
	}
	return con.place.outside(command.Run())
}

// errAnswered ends a command line that a flag has answered by itself.
var errAnswered = errors.New("answered")

type versionFlag bool

// BeforeReset prints the version.
func (versionFlag) BeforeReset(con *console) error {
	fmt.Fprintln(con.stdout, version())
	return errAnswered
}
