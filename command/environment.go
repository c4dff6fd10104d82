package command

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"
)

// environment holds the variables of a process. An empty variable counts as not set, because compose files and unit
// files often set variables to nothing to unset them.
type environment map[string]string

func environ(pairs []string) environment {
	env := environment{}
	for _, pair := range pairs {
		if name, value, ok := strings.Cut(pair, "="); ok && value != "" {
			env[name] = value
		}
	}
	return env
}

// unknown returns the variables that look like settings but aren't, sorted, so that a misspelled one gets noticed.
func (env environment) unknown(known []string) []string {
	var names []string
	for name := range env {
		if slices.Contains(secretNames(), strings.TrimSuffix(name, "_FILE")) {
			continue
		}
		if strings.HasPrefix(name, "ROLLCALL_") && !slices.Contains(known, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// secret is a value that is never printed.
type secret string

// String keeps the value out of logs and messages.
func (s secret) String() string {
	if s == "" {
		return ""
	}
	return "(set, not shown)"
}

// GoString does the same for %#v.
func (s secret) GoString() string { return s.String() }

// maxSecret limits the size of a secret's file, in bytes.
const maxSecret = 64 << 10

// secret returns the value of the variable name, or of the file that name_FILE points to, without white space around
// it.
func (env environment) secret(name string) (secret, error) {
	value, path := env[name], env[name+"_FILE"]
	switch {
	case path == "":
		return secret(value), nil
	case value != "":
		return "", fmt.Errorf("%s and %s_FILE are both set: keep one", name, name)
	}
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("%s_FILE: %w", name, err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxSecret))
	if err != nil {
		return "", fmt.Errorf("%s_FILE: %w", name, err)
	}
	if value = strings.TrimSpace(string(text)); value == "" {
		return "", fmt.Errorf("%s_FILE: %s is empty", name, path)
	}
	return secret(value), nil
}

// readSecrets replaces each _FILE variable with the contents of its file, for a process that can't read the files
// later.
func (env environment) readSecrets() error {
	names := secretNames()
	for name := range env {
		if secret, is := strings.CutSuffix(name, "_CLIENT_SECRET_FILE"); is && strings.HasPrefix(name, "ROLLCALL_OIDC_") {
			names = append(names, secret+"_CLIENT_SECRET")
		}
	}
	for _, name := range names {
		value, err := env.secret(name)
		if err != nil {
			return err
		}
		if value != "" {
			env[name] = string(value)
			delete(env, name+"_FILE")
		}
	}
	return nil
}

// secretNames returns the variables that have no flag, because they're secret. Each can also be in a file.
func secretNames() []string { return []string{"DATABASE_URL", "REDIS_URL", secretKeyVariable, smtpURL} }

// sources maps the name of a flag to where its value comes from: the name of a variable, or "flag". Settings that
// aren't in it have their default.
type sources map[string]string

// resolver sets flags that aren't on the command line from the variables in their `variable` tags.
type resolver struct {
	env  environment
	from sources
}

// Validate is part of kong.Resolver.
func (resolver) Validate(*kong.Application) error { return nil }

// Resolve returns the value of a flag's variable, or nil.
func (r resolver) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	variable := flag.Tag.Get("variable")
	value, ok := r.env[variable]
	if port := r.env["PORT"]; !ok && port != "" && variable == "ROLLCALL_ADDR" {
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return nil, fmt.Errorf("PORT is %q, which isn't a port", port)
		}
		variable, value, ok = "PORT", ":"+port, true
	}
	if !ok {
		return nil, nil
	}
	r.from[flag.Name] = variable
	if enum := flag.EnumSlice(); flag.Enum != "" && !slices.Contains(enum, value) {
		options := strings.TrimPrefix(strings.Join(enum, ", "), ", ") // some settings may be empty
		return nil, fmt.Errorf("%s must be one of %s, not %q", variable, options, value)
	}
	// Kong parses the value too, but its error would name only the flag and not the variable.
	trial := reflect.New(flag.Target.Type()).Elem()
	if err := flag.Parse(kong.ScanFromTokens(kong.Token{Type: kong.FlagValueToken, Value: value}), trial); err != nil {
		return nil, fmt.Errorf("%s: %s", variable, strings.TrimPrefix(err.Error(), flag.ShortSummary()+": "))
	}
	return value, nil
}

// variables returns the names of all variables that the commands know.
func variables() []string {
	names := []string{smtpURL, smtpURL + "_FILE"}
	var walk func(reflect.Type)
	walk = func(t reflect.Type) {
		for i := range t.NumField() {
			f := t.Field(i)
			if name := f.Tag.Get("variable"); name != "" {
				names = append(names, name)
			} else if f.Type.Kind() == reflect.Struct {
				walk(f.Type)
			}
		}
	}
	walk(reflect.TypeFor[commands]())
	slices.Sort(names)
	return slices.Compact(names)
}

// describe returns a flag's help with its variable.
func describe(value *kong.Value) string {
	if variable := value.Tag.Get("variable"); variable != "" {
		return value.Help + " ($" + variable + ")"
	}
	return value.Help
}

// defaultDB returns the path of rollcall.db in the folder for program data on the platform goos, or "" if there's no
// such folder.
func defaultDB(goos string, env environment) string {
	var base string
	switch goos {
	case "windows":
		base = env["LocalAppData"]
	case "darwin", "ios":
		base = under(env["HOME"], "Library", "Application Support")
	default:
		base = env["XDG_DATA_HOME"]
		if !filepath.IsAbs(base) {
			base = under(env["HOME"], ".local", "share")
		}
	}
	return under(base, "rollcall", "rollcall.db")
}

// under joins a path, or returns "" if base is "".
func under(base string, rest ...string) string {
	if base == "" {
		return ""
	}
	return filepath.Join(append([]string{base}, rest...)...)
}
