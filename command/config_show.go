package command

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"text/tabwriter"

	"github.com/alecthomas/kong"
)

// configCmd prints the settings that serve would use.
type configCmd struct {
	settings `embed:""`
}

// Run prints the table even if serve would reject the settings, and then fails as serve would.
func (c *configCmd) Run(ctx *kong.Context, con *console, from sources) error {
	refusal := c.check(con.env)
	for _, p := range ctx.Path {
		if p.Flag != nil && !p.Resolved {
			from[p.Flag.Name] = "flag"
		}
	}
	if c.OnFly && from["public-url"] == "" {
		from["public-url"] = "FLY_APP_NAME"
	}
	table := tabwriter.NewWriter(con.stdout, 0, 0, 2, ' ', 0)
	for _, flag := range ctx.Selected().Flags {
		if flag.Tag.Get("variable") == "" {
			continue
		}
		source := from[flag.Name]
		if source == "" {
			source = "default"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", flag.Name, show(flag.Target), source)
	}
	for _, name := range secretNames() {
		source := name
		if con.env[name] == "" {
			source += "_FILE"
		}
		if value, err := con.env.secret(name); err == nil && value != "" {
			fmt.Fprintf(table, "%s\t%s\t%s\n", name, value, source)
		}
	}
	c.showProviders(table, con.env)
	return errors.Join(table.Flush(), refusal)
}

// showProviders prints the variables of the providers.
func (c *configCmd) showProviders(table io.Writer, env environment) {
	for _, name := range c.signOn.variables() {
		value := env[name]
		if strings.HasSuffix(name, "_CLIENT_SECRET") && value != "" {
			value = secret(value).String()
		}
		if value != "" {
			fmt.Fprintf(table, "%s\t%s\t%s\n", name, value, name)
		}
	}
}

// show formats a setting's value as its variable takes it, or returns "-" if it's empty.
func show(v reflect.Value) string {
	if k := v.Kind(); (k == reflect.Slice || k == reflect.String) && v.Len() == 0 {
		return "-"
	}
	if v.Kind() == reflect.Slice {
		parts := make([]string, v.Len())
		for i := range parts {
			parts[i] = show(v.Index(i))
		}
		return strings.Join(parts, ",")
	}
	return fmt.Sprint(v.Interface())
}
