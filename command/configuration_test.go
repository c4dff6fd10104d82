package command

import (
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "update the documents that are generated from the code")

const configurationIntro = `# Settings

Each flag of ` + "`rollcall serve`" + ` has an environment variable. The flag wins over the variable, and the variable wins over
the default. ` + "`rollcall config`" + ` prints the settings in force and where each comes from. It fails if ` + "`rollcall`" + ` would
refuse to start. The log names each variable that begins with ` + "`ROLLCALL_`" + ` and isn't a setting. Write durations like
` + "`90s`, `10m`, or `1h30m`" + `. For what the limits do, and for limits that you can't change, see [Limits](limits.md).

This page is generated from the code. To update it, run ` + "`go test -run TestConfigurationDocument -update ./command`" + `
`

// others documents the settings that have no flag.
const others = `
## Variables without a flag

Secrets have no flags, because other users of the machine can read the flags of a process.

| variable | default | meaning |
|---|---|---|
| ` + "`REDIS_URL`" + ` | | ` + "`redis://:PASSWORD@HOST:6379`, `rediss://…` for TLS, or `unix://…`" + `. With several addresses, [Sentinels](replicas.md#sentinel) or a [cluster](replicas.md#cluster). [Replicas](replicas.md) with the same Redis share one board. If not set, this process runs alone |
| ` + "`DATABASE_URL`" + ` | | Address of the Postgres database that holds the accounts, instead of a file on this machine. If this version can't use the value, Rollcall doesn't start |
| ` + "`ROLLCALL_SECRET_KEY`" + ` | | 32 random bytes in base64 (` + "`openssl rand -base64 32`" + `), the same on all replicas. Encrypts the secrets of authenticator apps, and what browsers keep during a sign-in. Several keys with commas between them: the first encrypts, all decrypt. If not set: with a database file, the file ` + "`DATABASE.key`" + ` beside it, made when it's needed; with Postgres, nobody can set up an authenticator app. [Keep a copy](backup.md#the-secret-key) |
| ` + "`ROLLCALL_SMTP_URL`" + ` | | ` + "`smtp://USER:PASSWORD@HOST:587`, or `smtps://…`" + ` for TLS from the start. Without it, Rollcall sends no emails. See [Email](mail.md) |
| ` + "`REDIS_URL_FILE`, `DATABASE_URL_FILE`, `ROLLCALL_SECRET_KEY_FILE`, `ROLLCALL_SMTP_URL_FILE`" + ` | | File that holds the value. White space around the value is ignored. Set either the variable or its file, not both. With ` + "`--run-as`" + `, that user must be able to read the file |
| ` + "`ROLLCALL_OIDC_KEY_…`" + ` | | Settings of the provider with that key in ` + "`--oidc`" + `, in capital letters, such as ` + "`ROLLCALL_OIDC_CORP_ISSUER`" + `: see [Signing in](sign-in.md#settings-of-a-provider) |
| ` + "`PORT`" + ` | | Port to listen on, on every interface, if neither ` + "`--addr` nor `ROLLCALL_ADDR`" + ` is set |
| ` + "`FLY_APP_NAME`" + ` | | Set by Fly. ` + "`--public-url`" + ` is then ` + "`https://$FLY_APP_NAME.fly.dev`" + ` unless you set it, and ` + "`Fly-Client-IP` and `Fly-Request-Id`" + ` from a trusted proxy are used |
| ` + "`XDG_DATA_HOME`, `HOME`" + ` | | Where the database is unless you set ` + "`--db`" + `: ` + "`rollcall/rollcall.db`" + ` in the first, or in ` + "`.local/share`" + ` of the second. On macOS it's in ` + "`Library/Application Support`" + `, on Windows in ` + "`%LocalAppData%`" + ` |
| ` + "`GOGC`, `GOMEMLIMIT`" + ` | ` + "`40`" + ` or more, none | When Go collects garbage, and how much memory it tries to stay below ([operations](operations.md)) |
`

// configuration returns the text of docs/configuration.md.
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
					const header = "\n## %s\n\n| flag | variable | default | meaning |\n|---|---|---|---|\n"
					fmt.Fprintf(&b, header, strings.TrimSuffix(in, ":"))
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

// TestConfigurationDocument: docs/configuration.md matches the flags in the code.
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
		t.Errorf("%s doesn't match the code (%v): run go test -run TestConfigurationDocument -update ./command", file, err)
	}
	for _, variable := range variables() {
		if strings.HasPrefix(variable, "ROLLCALL_HEALTHCHECK") || strings.HasPrefix(variable, "ROLLCALL_DEMO") {
			continue // belong to other commands
		}
		hidden := strings.Contains("ROLLCALL_GRACE_CLEAN ROLLCALL_GRACE_DROPPED ROLLCALL_WARMING ROLLCALL_WEBHOOK_LEASE", variable)
		if !hidden && !strings.Contains(want, "`"+variable+"`") {
			t.Errorf("%s doesn't mention %s", file, variable)
		}
	}
}
