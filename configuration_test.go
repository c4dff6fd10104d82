package main

import (
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write documents anew that are made from the code")

const configurationIntro = `# Settings

Each flag of ` + "`rollcall serve`" + ` has a variable; the flag wins, then the variable, then the default. ` + "`rollcall config`" + ` prints what is
in force and where each value comes from, and fails where ` + "`rollcall`" + ` would refuse to start; a variable that begins with
` + "`ROLLCALL_`" + ` and is no setting is named in the log. Durations are written ` + "`90s`, `10m`, `1h30m`" + `. What the limits are for, and
those that cannot be changed: [limits](limits.md).

This page is made from the code: ` + "`go test -run TestConfigurationDocument -update .`" + ` writes it anew.
`

// others are the settings that are no flags.
const others = `
## Variables alone

Secrets are never flags, which other people of the machine could read.

| variable | default | meaning |
|---|---|---|
| ` + "`REDIS_URL`" + ` | | ` + "`redis://:PASSWORD@HOST:6379`, `rediss://…` with TLS, or `unix://…`" + `: replicas share one board ([replicas](replicas.md)). Without it this process is alone |
| ` + "`DATABASE_URL`" + ` | | where accounts are when they are not in a file of this machine. A value that this version cannot use ends the start |
| ` + "`REDIS_URL_FILE`, `DATABASE_URL_FILE`" + ` | | a file that holds the value, white space around it apart; one of the two may be set. With ` + "`--run-as`" + ` that user reads it |
| ` + "`PORT`" + ` | | the port to listen on, on every interface, when neither ` + "`--addr` nor `ROLLCALL_ADDR`" + ` is given |
| ` + "`FLY_APP_NAME`" + ` | | set by Fly: ` + "`--public-url`" + ` is ` + "`https://$FLY_APP_NAME.fly.dev`" + ` unless it is given, and ` + "`Fly-Client-IP` and `Fly-Request-Id`" + ` are believed from a trusted peer |
| ` + "`XDG_DATA_HOME`, `HOME`" + ` | | where the database is unless ` + "`--db`" + ` says: ` + "`rollcall/rollcall.db`" + ` in the first, or in ` + "`.local/share`" + ` of the second; ` + "`Library/Application Support`" + ` on macOS, ` + "`%LocalAppData%`" + ` on Windows |
| ` + "`GOGC`, `GOMEMLIMIT`" + ` | ` + "`40`, none" + ` | when Go collects garbage, and how much memory it tries to stay below ([operations](operations.md)) |
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

// TestConfigurationDocument: every flag is documented with what it is in the code.
func TestConfigurationDocument(t *testing.T) {
	const file = "docs/configuration.md"
	want := configuration()
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil || string(got) != want {
		t.Errorf("%s is not what the code says (%v): go test -run TestConfigurationDocument -update .", file, err)
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
