package command

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// completionCmd prints a script that completes commands in a shell.
type completionCmd struct {
	Bash  completionScript `cmd:"" help:"For bash: eval \"$$(rollcall completion bash)\" in ~/.bashrc."`
	Zsh   completionScript `cmd:"" help:"For zsh: eval \"$$(rollcall completion zsh)\" in ~/.zshrc, after compinit."`
	Fish  completionScript `cmd:"" help:"For fish: rollcall completion fish > ~/.config/fish/completions/rollcall.fish"`
	Words completionWords  `cmd:"" hidden:"" help:"Print what the last of some words can become. The scripts call it."`
}

type completionScript struct{}

// completionScripts ask the program what a word can become. In lines of the answer, a tab separates a word from its
// explanation. An answer of ":command" or ":file" means a command of the system, or a file.
var completionScripts = map[string]string{
	"bash": `_rollcall() {
	local cur=${COMP_WORDS[COMP_CWORD]} answer
	answer=$(rollcall completion words -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | cut -f 1)
	local IFS=$'\n'
	case $answer in
	:command) COMPREPLY=($(compgen -c -- "$cur")) ;;
	:file) COMPREPLY=($(compgen -f -- "$cur")) ;;
	*) COMPREPLY=($answer) ;;
	esac
}
complete -o filenames -F _rollcall rollcall
`,
	"zsh": `#compdef rollcall
_rollcall() {
	local -a answer words_ told
	answer=("${(@f)$(rollcall completion words -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
	case $answer[1] in
	:command) _command_names ;;
	:file) _files ;;
	*)
		words_=("${(@)answer%%$'\t'*}")
		told=("${(@)answer/$'\t'/  -- }")
		compadd -d told -a words_
		;;
	esac
}
compdef _rollcall rollcall
`,
	"fish": `function __rollcall_complete
	set -l words (commandline -opc)[2..-1] (commandline -ct)
	set -l answer (rollcall completion words -- $words 2>/dev/null)
	switch "$answer[1]"
		case :command
			__fish_complete_command
		case :file
			__fish_complete_path (commandline -ct)
		case '*'
			printf '%s\n' $answer
	end
end
complete -c rollcall -f -a '(__rollcall_complete)'
`,
}

// Run prints the script of the shell that the command names.
func (completionScript) Run(con *console, command *kong.Context) error {
	_, err := fmt.Fprint(con.stdout, completionScripts[command.Selected().Name])
	return err
}

type completionWords struct {
	Words []string `arg:"" optional:"" passthrough:"" help:"The words after rollcall. The last one is incomplete and can be empty."`
}

// Run prints what the last word can become.
func (c *completionWords) Run(con *console, command *kong.Context) error {
	words := c.Words
	if len(words) > 0 && words[0] == "--" {
		words = words[1:]
	}
	for _, line := range complete(command.Model.Node, words) {
		if _, err := fmt.Fprintln(con.stdout, line); err != nil {
			return err
		}
	}
	return nil
}

const (
	anyCommand = ":command"
	anyFile    = ":file"
)

// complete returns what the last of words can become, each with a tab and its explanation.
func complete(at *kong.Node, words []string) (lines []string) {
	if len(words) == 0 {
		words = []string{""}
	}
	last := words[len(words)-1]
	var pending *kong.Flag // its value is the next word
	position, onlyArgs := 0, false
	for _, word := range words[:len(words)-1] {
		child := childOf(at, word)
		switch {
		case pending != nil:
			pending = nil
		case onlyArgs:
			position++
		case word == "--":
			onlyArgs = true
		case strings.HasPrefix(word, "-"):
			pending = takesNext(at, word)
		case child != nil && position == 0:
			at = child
		default:
			position++
			onlyArgs = passesOn(at)
		}
	}
	switch {
	case pending != nil:
		return valuesOf(pending.Value, "", last)
	case strings.HasPrefix(last, "-") && !onlyArgs:
		return completeFlag(at, last)
	}
	return completeArg(at, position, last)
}

// childOf returns a visible or hidden command below at by its name, or nil.
func childOf(at *kong.Node, name string) *kong.Node {
	i := slices.IndexFunc(at.Children, func(n *kong.Node) bool { return n.Name == name || slices.Contains(n.Aliases, name) })
	if i < 0 {
		return nil
	}
	return at.Children[i]
}

// flagsAt returns the flags that are valid at a command: its own, those above it, and at the top, those of serve.
func flagsAt(at *kong.Node) (flags []*kong.Flag) {
	if at.Parent == nil && at.DefaultCmd != nil {
		flags = append(flags, at.DefaultCmd.Flags...)
	}
	for n := at; n != nil; n = n.Parent {
		flags = append(flags, n.Flags...)
	}
	return slices.DeleteFunc(flags, func(f *kong.Flag) bool { return f.Hidden })
}

// takesNext returns the flag in a word if its value is the next word.
func takesNext(at *kong.Node, word string) *kong.Flag {
	for _, f := range flagsAt(at) {
		if word == "--"+f.Name && !f.IsBool() {
			return f
		}
	}
	return nil
}

// passesOn reports whether everything after the first argument of a command is for another program.
func passesOn(at *kong.Node) bool {
	return len(at.Positional) > 0 && at.Positional[0].Passthrough
}

func completeFlag(at *kong.Node, last string) (lines []string) {
	if name, value, hasValue := strings.Cut(last, "="); hasValue {
		for _, f := range flagsAt(at) {
			if name == "--"+f.Name {
				return valuesOf(f.Value, name+"=", value)
			}
		}
		return nil
	}
	for _, f := range flagsAt(at) {
		lines = appendIf(lines, last, "--"+f.Name, f.Help)
	}
	return lines
}

// completeArg returns the commands below at, or the values of its argument at a position.
func completeArg(at *kong.Node, position int, last string) (lines []string) {
	if position == 0 {
		for _, child := range at.Children {
			if !child.Hidden {
				lines = appendIf(lines, last, child.Name, child.Help)
			}
		}
	}
	switch {
	case passesOn(at) && position > 0:
		return []string{anyFile}
	case passesOn(at):
		return []string{anyCommand}
	case position < len(at.Positional):
		return append(lines, valuesOf(at.Positional[position], "", last)...)
	}
	return lines
}

// valuesOf returns the options for a value, or files if it names one.
func valuesOf(v *kong.Value, before, last string) (lines []string) {
	for _, option := range v.EnumSlice() {
		if option != "" {
			lines = appendIf(lines, last, option, "")
		}
	}
	if strings.Contains(strings.ToLower(v.Name+" "+v.Tag.PlaceHolder), "file") || v.Name == "db" {
		return []string{anyFile}
	}
	for i := range lines {
		lines[i] = before + lines[i]
	}
	return lines
}

// appendIf appends a word with the first sentence of its explanation, if it begins with what is typed already.
func appendIf(lines []string, typed, word, help string) []string {
	if !strings.HasPrefix(word, typed) {
		return lines
	}
	help, _, _ = strings.Cut(help, ". ")
	if help != "" {
		word += "\t" + strings.TrimSuffix(help, ".")
	}
	return append(lines, word)
}
