package command

import (
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"rollcall/identity"
	"rollcall/presence"
)

// everySetting calls f for each flag of serve.
func everySetting(t reflect.Type, f func(reflect.StructField)) {
	for i := range t.NumField() {
		field := t.Field(i)
		switch {
		case field.Anonymous:
			everySetting(field.Type, f)
		case field.Tag.Get("variable") != "":
			f(field)
		}
	}
}

// The settings in README.md match the code. docs/configuration.md has all settings and is generated from the code.
func TestSettingsOfReadme(t *testing.T) {
	readme := readText(t, "README.md")
	rows := map[string]string{} // the beginning of each row, by flag
	everySetting(reflect.TypeFor[settings](), func(field reflect.StructField) {
		variable := field.Tag.Get("variable")
		flag := strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(variable, "ROLLCALL_")), "_", "-")
		rows[flag] = fmt.Sprintf("| `--%s` | `%s` | ", flag, variable)
		if value := field.Tag.Get("default"); value != "" && !strings.HasPrefix(value, "$") {
			rows[flag] += "`" + value + "` | "
		}
	})
	found := 0
	for line := range strings.Lines(readme) {
		if !strings.HasPrefix(line, "| `--") {
			continue
		}
		found++
		flag, _, _ := strings.Cut(strings.TrimPrefix(line, "| `--"), "`")
		if rows[flag] == "" || !strings.HasPrefix(line, rows[flag]) {
			t.Errorf("README.md has the row %q, want one that starts with %q", line, rows[flag])
		}
	}
	if found < 5 || !strings.Contains(readme, "(docs/configuration.md)") {
		t.Errorf("README.md has %d rows of settings, want at least 5 and a link to docs/configuration.md", found)
	}
}

func TestVariablesFollowFlags(t *testing.T) {
	known := variables()
	everySetting(reflect.TypeFor[settings](), func(field reflect.StructField) {
		variable := field.Tag.Get("variable")
		if want := "ROLLCALL_" + screaming(field.Name); variable != want {
			t.Errorf("variable of %s = %s, want %s", field.Name, variable, want)
		}
		if env := (environment{variable: "x", "ROLLCALL_" + field.Name + "S": "x"}); len(env.unknown(known)) != 1 {
			t.Errorf("unknown(%v) = %v, want only the second", env, env.unknown(known))
		}
	})
}

// screaming converts a Go name to SCREAMING_SNAKE_CASE.
func screaming(name string) string {
	var b strings.Builder
	for i, r := range name {
		if i > 0 && 'A' <= r && r <= 'Z' && name[i-1] > 'Z' {
			b.WriteByte('_')
		}
		b.WriteRune(r)
	}
	return strings.ToUpper(b.String())
}

// The defaults of the flags match those of presence.
func TestDefaultsMatchPresence(t *testing.T) {
	cfg, err := demoSettings()
	if err != nil {
		t.Fatal(err)
	}
	cfg.Warming = 10 * time.Second // the demo sets 0
	if got, want := cfg.presence(), presence.DefaultConfig(); !reflect.DeepEqual(got, want) {
		t.Errorf("presence() = %+v, want %+v", got, want)
	}
	cfg.IdleAfter = 0
	if got := cfg.presence().IdleAfter; got >= 0 {
		t.Errorf("presence().IdleAfter with --idle-after 0 = %v, want a negative value, which means never", got)
	}
}

func TestPublicURL(t *testing.T) {
	for in, want := range map[string]string{
		"https://board.example.org":           "https://board.example.org",
		"https://board.example.org/":          "https://board.example.org",
		"https://example.org:8443/rollcall/":  "https://example.org:8443/rollcall",
		"http://127.0.0.1:8080":               "http://127.0.0.1:8080",
		"board.example.org":                   "",
		"ftp://board.example.org":             "",
		"https://":                            "",
		"https://:8443":                       "",
		"https://ada@example.org":             "",
		"https://example.org/?":               "",
		"https://example.org/#here":           "",
		"https://example.org/rollcall/../etc": "",
		"https://example.org//rollcall":       "",
	} {
		u, err := publicURL(in)
		got := ""
		if err == nil {
			got = u.String()
		}
		if got != want {
			t.Errorf("publicURL(%q) = %q, %v, want %q", in, got, err, want)
		}
	}
}

func TestReachable(t *testing.T) {
	for in, want := range map[string]string{
		":8080":             "127.0.0.1:8080",
		"0.0.0.0:8080":      "127.0.0.1:8080",
		"[::]:8080":         "127.0.0.1:8080",
		"127.0.0.1:8080":    "127.0.0.1:8080",
		"[::1]:8080":        "[::1]:8080",
		"board.example:80":  "board.example:80",
		"192.168.1.20:8080": "192.168.1.20:8080",
	} {
		if got := reachable(in); got != want {
			t.Errorf("reachable(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestDefaultDB(t *testing.T) {
	for _, tc := range []struct {
		goos string
		env  environment
		want string
	}{
		{"linux", environment{"HOME": "/home/ada"}, "/home/ada/.local/share/rollcall/rollcall.db"},
		{"linux", environment{"HOME": "/home/ada", "XDG_DATA_HOME": "/data"}, "/data/rollcall/rollcall.db"},
		{"linux", environment{"HOME": "/home/ada", "XDG_DATA_HOME": "relative"},
			"/home/ada/.local/share/rollcall/rollcall.db"},
		{"linux", environment{}, ""},
		{"darwin", environment{"HOME": "/Users/ada"}, "/Users/ada/Library/Application Support/rollcall/rollcall.db"},
		{"windows", environment{"LocalAppData": "C:/ada"}, "C:/ada/rollcall/rollcall.db"},
	} {
		if got := filepath.ToSlash(defaultDB(tc.goos, tc.env)); got != tc.want {
			t.Errorf("defaultDB(%s, %v) = %q, want %q", tc.goos, tc.env, got, tc.want)
		}
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	cfg := settings{sharing: sharing{RedisURL: "redis://:hunter2@db"}}
	cfg.Providers = []identity.ProviderConfig{{Key: "corp", ClientSecret: "hunter2"}}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(verb, cfg); strings.Contains(got, "hunter2") {
			t.Errorf("Sprintf(%q) = %s, want no secret in it", verb, got)
		}
	}
}
