// Package command is the command line. It reads flags, the environment and signals, checks them, opens the other
// parts (accounts, presence, ui), wires them into handlers, serves, and stops in order. It knows no HTML and no SQL,
// and doesn't decide when a person counts as present.
package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"rollcall/command/process"
)

// Main runs the command line of this process and returns its exit code. files holds the templates and assets, as ui.New
// takes them.
func Main(files fs.FS) int {
	umask := process.KeepFilesPrivate()
	if os.Getenv("GOGC") == "" {
		tuneCollector()
	}
	deaf := signal.Ignored(os.Interrupt)
	ctx, stop := signal.NotifyContext(context.Background(), stopSignals()...)
	// After the first signal, signals have their default effect again, so a second one ends the process at once.
	context.AfterFunc(ctx, stop)
	con := &console{env: environ(os.Environ()), files: files, stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		umask: umask, deaf: deaf}
	err := run(ctx, os.Args[1:], con)
	if code, ok := errors.AsType[exitCode](err); ok {
		return int(code)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "rollcall:", strings.ReplaceAll(err.Error(), "\n", "; "))
		return 1
	}
	return 0
}

// stopSignals returns the signals that stop the server gracefully. SIGHUP is one of them unless it's ignored, as under
// nohup.
func stopSignals() []os.Signal {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	return signals
}

// console is the part of the process that a command uses.
type console struct {
	env            environment
	stdin          io.Reader
	stdout, stderr io.Writer
	files          fs.FS        // templates and assets
	db             process.Path // the database file, if root has become its owner
	umask          func()       // gives this process the umask with which it was started
	deaf           bool         // this process was started with SIGINT ignored, as scripts start commands in the background
}

// exitCode is an error that has been reported already. The process ends with this code.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// commands defines the command line.
type commands struct {
	Help    helpFlag    `short:"h" help:"Show help."`
	Version versionFlag `help:"Show the version."`

	Login      loginCmd      `cmd:"" group:"Your presence, with an account on a board:" help:"Log in to a board with an access token."`
	Logout     logoutCmd     `cmd:"" group:"Your presence, with an account on a board:" help:"Forget the access token."`
	Status     statusCmd     `cmd:"" group:"Your presence, with an account on a board:" help:"Print how others see you, or the last known state if the board doesn't answer at once."`
	Set        setCmd        `cmd:"" group:"Your presence, with an account on a board:" help:"Set your status."`
	Clear      clearCmd      `cmd:"" group:"Your presence, with an account on a board:" help:"Clear your status."`
	Invisible  invisibleCmd  `cmd:"" group:"Your presence, with an account on a board:" help:"Appear offline to others, or stop that."`
	Busy       busyCmd       `cmd:"" group:"Your presence, with an account on a board:" help:"Run a command, and show that you're busy while it runs."`
	Who        whoCmd        `cmd:"" group:"Your presence, with an account on a board:" help:"Print who is here."`
	Watch      watchCmd      `cmd:"" group:"Your presence, with an account on a board:" help:"Show who is here, live, until you press Ctrl-C."`
	Completion completionCmd `cmd:"" group:"Your presence, with an account on a board:" help:"Print a script that completes commands in your shell."`

	Serve       serveCmd       `cmd:"" default:"withargs" help:"Serve the board (the default)."`
	Demo        demoCmd        `cmd:"" help:"Serve a board with simulated people who come and go, in a temporary folder."`
	User        userCmd        `cmd:"" help:"Add, import, list, change, approve, and delete people, whether or not the server runs."`
	Invite      inviteCmd      `cmd:"" help:"Create, list, and revoke invitations."`
	Token       tokenCmd       `cmd:"" help:"Create, list, revoke, and check access tokens, with which programs act for a person."`
	Team        teamCmd        `cmd:"" help:"List, rename, merge, and delete teams."`
	Share       shareCmd       `cmd:"" help:"List and revoke the share links of people."`
	Hook        hookCmd        `cmd:"" help:"List, test, and delete webhooks."`
	Board       boardCmd       `cmd:"" help:"Show and change the settings of the board: its name, who can sign up, teams, whom people see, and invisible."`
	Log         logCmd         `cmd:"" help:"Print the audit log: who changed accounts, teams, invitations, and settings."`
	Backup      backupCmd      `cmd:"" help:"Write a backup of the database file, whether or not the server runs."`
	Restore     restoreCmd     `cmd:"" help:"Replace the database file with a backup."`
	DB          dbCmd          `cmd:"" name:"db" help:"Move from a database file to Postgres."`
	Config      configCmd      `cmd:"" help:"Print the settings in effect and where each comes from."`
	Doctor      doctorCmd      `cmd:"" help:"Check the database, its disk, the address, the public URL, sign-up, and Redis with the settings of a server. Changes nothing, and ends with a verdict."`
	Healthcheck healthcheckCmd `cmd:"" aliases:"health" help:"Check that the server is running."`
	Ver         versionCmd     `cmd:"" name:"version" help:"Print the version."`
}

// run runs one command line. Its error is a message for the person who typed the command.
func run(ctx context.Context, args []string, con *console) error {
	from := sources{}
	parser, err := kong.New(&commands{},
		kong.Name("rollcall"),
		kong.Description("Rollcall is a live board of who is here. "+
			"Run “rollcall demo” to try it, or “rollcall” to start the server."),
		kong.NoDefaultHelp(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, FlagsLast: true, WrapUpperBound: 110}),
		kong.ValueFormatter(describe),
		durations,
		kong.Vars{"db": defaultDB(runtime.GOOS, con.env), "scopes": scopeNames()},
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
	return con.db.FullError(command.Run())
}

// errAnswered ends a command line after a flag, such as --version, has printed the answer.
var errAnswered = errors.New("answered")

type versionFlag bool

// BeforeReset prints the version.
func (versionFlag) BeforeReset(con *console) error {
	fmt.Fprintln(con.stdout, version())
	return errAnswered
}
