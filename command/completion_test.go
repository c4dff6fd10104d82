package command

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// completed returns what the last word can become.
func completed(t *testing.T, words ...string) (list []string) {
	t.Helper()
	for line := range strings.Lines(command(t, append([]string{"completion", "words", "--"}, words...)...)) {
		word, _, _ := strings.Cut(strings.TrimSpace(line), "\t")
		list = append(list, word)
	}
	return list
}

func TestCompletion(t *testing.T) {
	for _, tt := range []struct {
		words []string
		want  []string // at least
		not   string
	}{
		{[]string{""}, []string{"serve", "status", "busy"}, "--addr"},
		{[]string{"sta"}, []string{"status"}, "set"},
		{[]string{"--ad"}, []string{"--addr"}, "status"},
		{[]string{"user", "de"}, []string{"delete", "decline"}, "add"},
		{[]string{"status", "--f"}, []string{"--format"}, "status"},
		{[]string{"status", "--format", ""}, []string{"text", "json", "waybar", "tmux", "swiftbar"}, "status"},
		{[]string{"status", "--format=w"}, []string{"--format=waybar"}, "waybar"},
		{[]string{"status", "--format", "json", "--f"}, []string{"--format"}, "text"},
		{[]string{"invisible", "o"}, []string{"on", "off"}, ""},
		{[]string{"set", ""}, []string{"online", "away", "dnd", "auto"}, "status"},
		{[]string{"set", "--emoji", "x", "a"}, []string{"away", "auto"}, "dnd"},
		{[]string{"set", "dnd", ""}, nil, "dnd"},
		{[]string{"busy", "--as", ""}, []string{"dnd", "away"}, anyCommand},
		{[]string{"busy", ""}, []string{anyCommand}, ""},
		{[]string{"busy", "--", "ma"}, []string{anyCommand}, ""},
		{[]string{"busy", "--", "make", "-"}, []string{anyFile}, "--as"},
		{[]string{"busy", "make", "-"}, []string{anyFile}, "--as"},
		{[]string{"completion", ""}, []string{"bash", "zsh", "fish"}, "words"},
		{[]string{"backup", ""}, []string{anyFile}, ""},
		{[]string{"nonsense", "x", ""}, nil, "serve"},
	} {
		got := completed(t, tt.words...)
		for _, w := range tt.want {
			if !slices.Contains(got, w) {
				t.Errorf("completion of %q = %q, want it to have %q", tt.words, got, w)
			}
		}
		if tt.not != "" && slices.Contains(got, tt.not) {
			t.Errorf("completion of %q = %q, want it not to have %q", tt.words, got, tt.not)
		}
	}
}

// completionTries completes a few commands in each shell. bash and zsh call the function of the script without a
// terminal, and fish has a command that completes.
var completionTries = map[string]string{
	"bash": `set -e
complete() { :; }
eval "$(rollcall completion bash)"
try() { COMP_WORDS=(rollcall "$@"); COMP_CWORD=$#; COMPREPLY=(); _rollcall; (IFS=,; echo "${COMPREPLY[*]}"); }
try stat; try invisible o; try status --format s; cd /; try backup us; try busy -- unam
`,
	"zsh": `compdef() { : }
eval "$(rollcall completion zsh)"
compadd() { print -r -- "${(j:,:)words_}" }
_files() { print usr }
_command_names() { print uname }
try() { words=(rollcall "$@"); CURRENT=$#words; _rollcall }
try stat; try invisible o; try status --format s; cd /; try backup us; try busy -- unam
`,
	"fish": `rollcall completion fish | source
function try; complete -C "rollcall $argv" | cut -f 1 | string join ,; true; end
try stat; try invisible o; try status --format s; cd /; try backup us; try busy -- unam
`,
}

// The scripts work in their shells.
func TestCompletionScripts(t *testing.T) {
	for shell, try := range completionTries {
		cmd := exec.CommandContext(t.Context(), shell, "-c", try)
		cmd.Env = append(cmd.Environ(), "HOME="+t.TempDir())
		out, err := cmd.CombinedOutput()
		lines := strings.Split(string(out), "\n")
		if err != nil || len(lines) < 5 || lines[0] != "status" || lines[1] != "on,off" && lines[1] != "off,on" ||
			lines[2] != "swiftbar" || strings.TrimSuffix(lines[3], "/") != "usr" || !strings.Contains(lines[4], "uname") {
			t.Errorf("%s: %v, %q", shell, err, out)
		}
	}
}
