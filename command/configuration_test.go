package command

import (
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the documents that are generated from the code")

const configurationIntro = `# Settings

Each flag of ` + "`rollcall serve`" + ` has a variable. A flag wins over its variable, and the variable over the default.
` + "`rollcall config`" + ` prints the settings in effect and where each comes from. It fails if ` + "`rollcall`" + ` would refuse to start. If a
variable begins with ` + "`ROLLCALL_`" + ` but isn't a setting, a line in the log names it. Write durations like ` + "`90s`, `10m` or `1h30m`" + `.
For what each limit is for, and for limits that you can't change, see [limits](limits.md).

This page is generated from the code: to update it, run ` + "`go test -run TestConfigurationDocument -update ./command`" + `.
`

// others are the settings without a flag.
const others = `
## Variables without a flag

Secrets are never flags, because other users of the machine could read them.

| variable | default | meaning |
|---|---|---|
| ` + "`REDIS_URL`" + ` | | ` + "`redis://:PASSWORD@HOST:6379`, `rediss://…` with TLS, or `unix://…`" + `: replicas share one board ([replicas](replicas.md)). If it isn't set, this process serves alone |
| ` + "`DATABASE_URL`" + ` | | the Postgres database for the accounts, instead of a file on this machine. If this version can't use the value, the server doesn't start |
| ` + "`REDIS_URL_FILE`, `DATABASE_URL_FILE`" + ` | | a file that holds the value; white space around it is ignored. Set the variable or the file, not both. With ` + "`--run-as`" + `, that user reads the file |
| ` + "`PORT`" + ` | | the port to listen on, on every interface, if neither ` + "`--addr` nor `ROLLCALL_ADDR`" + ` is set |
| ` + "`FLY_APP_NAME`" + ` | | set by Fly: ` + "`--public-url`" + ` defaults to ` + "`https://$FLY_APP_NAME.fly.dev`" + `, and ` + "`Fly-Client-IP` and `Fly-Request-Id`" + ` are accepted from a trusted proxy |
| ` + "`XDG_DATA_HOME`, `HOME`" + ` | | where the database is if ` + "`--db`" + ` isn't set: ` + "`rollcall/rollcall.db`" + ` in ` + "`$XDG_DATA_HOME`" + ` or ` + "`$HOME/.local/share`" + `, in ` + "`Library/Application Support`" + ` on macOS, and in ` + "`%LocalAppData%`" + ` on Windows |
| ` + "`GOGC`, `GOMEMLIMIT`" + ` | ` + "`40`, none" + ` | when Go collects garbage, and how much memory it tries not to exceed ([operations](operations.md)) |
`

// configuration is docs/configuration.md.
func configuration() string {
	var b strings.Builder
	b.WriteString(configurationIntro)
	group := ""
	var walk func(reflect.Type, string)
	walk = func(t reflect.Type, within string) {
		for i := range t.NumField() {
			f := t.Field(i)
			in := f.Tag.Get("group")
			if in == "" {
				in = within
			}
			_, hidden := f.Tag.Lookup("hidden")
			switch {
			case f.Anonymous:
				walk(f.Type, in)
			case f.Tag.Get("variable") != "" && !hidden:
				if in != group {
					group = in
					fmt.Fprintf(&b, "\n## %s\n\n| flag | variable | default | meaning |\n|---|---|---|---|\n", strings.TrimSuffix(in, ":"))
				}
				b.WriteString(row(f))
			}
		}
	}
	walk(reflect.TypeFor[settings](), "")
	b.WriteString(others)
	return b.String()
}

func row(f reflect.StructField) string {
	variable := f.Tag.Get("variable")
	name := strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(variable, "ROLLCALL_")), "_", "-")
	value := f.Tag.Get("default")
	switch {
	case strings.HasPrefix(value, "$"):
		value = "see below"
	case value != "":
		value = "`" + value + "`"
	}
	help := strings.NewReplacer("$$", "$", " Default: ${db}.", "", "|", `\|`).Replace(f.Tag.Get("help"))
	return fmt.Sprintf("| `--%s` | `%s` | %s | %s |\n", name, variable, value, strings.TrimSuffix(help, "."))
}

// TestConfigurationDocument: the document has every flag as it is in the code.
func TestConfigurationDocument(t *testing.T) {
	const file = root + "/docs/configuration.md"
	want := configuration()
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil || string(got) != want {
		t.Errorf("%s doesn't match the code (%v): go test -run TestConfigurationDocument -update ./command", file, err)
	}
	for _, variable := range variables() {
		if strings.HasPrefix(variable, "ROLLCALL_HEALTHCHECK") || strings.HasPrefix(variable, "ROLLCALL_DEMO") {
			continue // of other commands
		}
		hidden := strings.Contains("ROLLCALL_GRACE_CLEAN ROLLCALL_GRACE_DROPPED ROLLCALL_WARMING", variable)
		if !hidden && !strings.Contains(want, "`"+variable+"`") {
			t.Errorf("%s does not name %s", file, variable)
		}
	}
}
