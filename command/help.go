package command

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

type helpFlag bool

// BeforeReset prints help for the given command, even if the rest of the command line is wrong.
func (helpFlag) BeforeReset(ctx *kong.Context) error {
	if !slices.Contains(ctx.Args, "serve") && ctx.Selected() != nil && ctx.Selected().Name == "serve" {
		ctx.Path = ctx.Path[:1] // serve is only the default here: show all commands
	}
	return errors.Join(errAnswered, ctx.PrintUsage(false))
}

// helpWord turns "help COMMAND", which many people try first, into "COMMAND --help".
func helpWord(args []string) []string {
	if len(args) == 0 || args[0] != "help" {
		return args
	}
	return append(slices.Clone(args[1:]), "--help")
}

// maxTypos is how many letters a word can differ from a command that suggest suggests.
const maxTypos = 2

// suggest adds the command that was probably meant to an error. Kong does this only for subcommands, because it takes a
// misspelled first word for an argument of serve.
func suggest(parser *kong.Kong, args []string, err error) error {
	if len(args) == 0 || err.Error() != "unexpected argument "+args[0] {
		return err
	}
	best, typos := "", maxTypos+1
	for _, command := range parser.Model.Children {
		if n := distance(strings.ToLower(args[0]), command.Name); n < typos {
			best, typos = command.Name, n
		}
	}
	if best == "" {
		return err
	}
	return fmt.Errorf("%w, did you mean %q?", err, best)
}

// distance returns how many letters must be added, removed or replaced to turn a into b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}

// durations parses durations. Its error says what is missing.
var durations = kong.TypeMapper(reflect.TypeFor[time.Duration](), kong.MapperFunc(readDuration))

func readDuration(ctx *kong.DecodeContext, target reflect.Value) error {
	var text string
	if err := ctx.Scan.PopValueInto("duration", &text); err != nil {
		return err
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return fmt.Errorf("%q isn't a duration: add a unit, as in 30s, 10m or 1h", text)
	}
	target.SetInt(int64(d))
	return nil
}
