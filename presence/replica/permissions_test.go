package replica

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/redis/rueidis"

	"rollcall/presence"
)

// acl sets the permissions of a user.
func acl(t *testing.T, admin rueidis.Client, user string, rules ...string) {
	t.Helper()
	do(t, admin, append([]string{"ACL", "SETUSER", user}, rules...)...)
}

// TestRedisPermissions: Open and Inspect name every command that an ACL forbids.
func TestRedisPermissions(t *testing.T) {
	server := startRedis(t)
	admin := server.admin()
	cfg := testConfig("redis://app:secret@127.0.0.1:" + server.port)
	errs := func() map[string]error {
		r, opened := Open(t.Context(), cfg)
		if opened == nil {
			_ = r.Close()
		}
		_, inspected := Inspect(t.Context(), cfg)
		return map[string]error{"Open": opened, "Inspect": inspected}
	}
	for _, c := range []struct{ rule, want string }{
		{"-hset", "HSET"}, {"-hdel", "HDEL"}, {"-hrandfield", "HRANDFIELD"}, {"-set", "SET"}, {"-getex", "GETEX"},
		{"-pttl", "PTTL"},
		{"-scan", "SCAN"}, {"-unlink", "UNLINK"}, {"-get", "GET"}, {"-del", "DEL"},
		{"-incr", "INCR"}, {"-decr", "DECR"},
		{"-info", "INFO"}, {"-client|tracking", "client"}, {"resetkeys", "HDEL"},
	} {
		acl(t, admin, "app", "reset", "on", ">secret", "~rollcall:*", "+@all", c.rule)
		for what, err := range errs() {
			text := fmt.Sprint(err)
			if !strings.Contains(text, c.want) || strings.Contains(text, "\n") || strings.Contains(text, "secret") {
				t.Errorf("%s with the rule %s = %v, want one line that names %s", what, c.rule, err, c.want)
			}
		}
	}
	acl(t, admin, "app", "reset", "on", ">secret", "~rollcall:*", "+@all")
	cfg.Check = func(context.Context, rueidis.Client) error { return errors.New("NOPERM eval") }
	for what, err := range errs() {
		if err == nil || !strings.Contains(err.Error(), "NOPERM eval") {
			t.Errorf("%s = %v, want the error of the check", what, err)
		}
	}
}

// documentedRules returns the permissions of the user "rollcall" in docs/replicas.md: those for Redis, and those for
// Sentinels.
func documentedRules(t *testing.T) (redis, sentinel []string) {
	t.Helper()
	text, err := os.ReadFile("../../docs/replicas.md")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^ACL SETUSER rollcall on >PASSWORD (.+)$`).FindAllStringSubmatch(string(text), -1)
	if len(found) != 2 {
		t.Fatalf("docs/replicas.md has %d lines with ACL SETUSER rollcall, want 2", len(found))
	}
	rules := func(i int) []string { return append([]string{"on", ">secret"}, strings.Fields(found[i][1])...) }
	return rules(0), rules(1)
}

// TestRedisDocumentedPermissions: the permissions in docs/replicas.md are enough.
func TestRedisDocumentedPermissions(t *testing.T) {
	server := startRedis(t)
	rules, _ := documentedRules(t)
	acl(t, server.admin(), "rollcall", rules...)
	user := func(cfg *Config) { cfg.URL = "redis://rollcall:secret@127.0.0.1:" + server.port }
	a, b := server.join(user), server.join(user)
	a.Publish("ada", presence.Digest{Connected: true})
	wait(t, "ada at b, and b at a", patience, func() bool {
		return len(b.Remote("ada")) == 1 && a.Peers().Others == 1 && a.Peers().Lost.IsZero()
	})
}

// TestInspectChangesNothing: Inspect changes no key, including those of other programs under our prefix.
func TestInspectChangesNothing(t *testing.T) {
	server := startRedis(t)
	admin := server.admin()
	for _, command := range [][]string{
		{"SET", "rollcall:presence:text", "of another program"},
		{"SADD", "rollcall:presence:set", "of another program"},
		{"HSET", "rollcall:presence:ada", "gone-ABCDEFGHIJ", "1 0", "note", "of another program"},
		{"SET", "rollcall:store", "one"},
		{"SET", "rollcall:replica:gone-ABCDEFGHIJ", "here"},
	} {
		do(t, admin, command...)
	}
	server.fields("huge", 2*maxFields-100)
	before := server.dump()
	cfg := testConfig(server.url())
	if r, err := Inspect(t.Context(), cfg); err != nil || len(r.Replicas) != 1 {
		t.Fatalf("Inspect = %+v, %v, want one replica", r, err)
	}
	if after := server.dump(); !maps.Equal(before, after) {
		t.Errorf("Inspect left %d keys, want the %d it found, unchanged", len(after), len(before))
	}
}

// dump returns everything on the server, by key.
func (r *redisServer) dump() map[string]string {
	r.t.Helper()
	admin := r.admin()
	keys, err := admin.Do(r.t.Context(), admin.B().Keys().Pattern("*").Build()).AsStrSlice()
	if err != nil {
		r.t.Fatal(err)
	}
	all := map[string]string{}
	for _, key := range keys {
		if all[key], err = admin.Do(r.t.Context(), admin.B().Dump().Key(key).Build()).ToString(); err != nil {
			r.t.Fatal(err)
		}
	}
	return all
}
