package handlers

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"
)

// acl changes the permissions of the default user.
func acl(t *testing.T, admin rueidis.Client, rules ...string) {
	t.Helper()
	command := admin.B().Arbitrary("ACL", "SETUSER", "default").Args(rules...).Build()
	if err := admin.Do(t.Context(), command).Error(); err != nil {
		t.Fatal(err)
	}
}

// TestSharedLimiterRefused: if Redis refuses to count, each replica counts its own attempts and logs a warning once.
func TestSharedLimiterRefused(t *testing.T) {
	for _, rule := range []string{"-@scripting", "-incr", "resetkeys"} {
		open, _ := startRedis(t)
		acl(t, open(), rule)
		var log bytes.Buffer
		l := SharedLimiters(open(), "rollcall:", slog.New(slog.NewTextHandler(&log, nil))).Strangers
		granted := 0
		for range 30 {
			if ok, _, err := l.Take(context.Background(), "name", 10, time.Hour); ok && err == nil {
				granted++
			}
			l.(*sharedLimiter).pausedUntil.Store(0) // so that every attempt uses Redis
		}
		if granted < 10 || granted > 11 { // without INCR, the first attempt still counts in Redis
			t.Errorf("with the ACL rule %s %d attempts were let through, want 10", rule, granted)
		}
		if n := strings.Count(log.String(), "Redis refuses to count"); n != 1 ||
			!strings.Contains(log.String(), "level=WARN") {
			t.Errorf("with the ACL rule %s the log says so %d times, want once at warn level:\n%s", rule, n, log.String())
		}
	}
}

// TestCheckSharedLimiter: the check finds every missing permission and leaves no keys behind.
func TestCheckSharedLimiter(t *testing.T) {
	open, _ := startRedis(t)
	admin, client := open(), open()
	if err := CheckSharedLimiter("rollcall:")(t.Context(), client); err != nil {
		t.Errorf("CheckSharedLimiter = %v, want nil", err)
	}
	for _, rule := range []string{"evalsha", "get", "set", "incr", "decr", "del", "pttl"} {
		acl(t, admin, "-"+rule)
		err := CheckSharedLimiter("rollcall:")(t.Context(), client)
		acl(t, admin, "+"+rule)
		if err == nil {
			t.Errorf("CheckSharedLimiter without %s = nil, want an error", rule)
		}
		admin.Do(t.Context(), admin.B().Flushall().Build())
	}
	if err := CheckSharedLimiter("rollcall:")(t.Context(), client); err != nil {
		t.Errorf("CheckSharedLimiter = %v, want nil", err)
	}
	text, err := os.ReadFile("../docs/replicas.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := regexp.MustCompile(`(?m)^ACL SETUSER \S+ on >PASSWORD (.+)$`).FindStringSubmatch(string(text))
	acl(t, admin, append([]string{"resetkeys", "-@all"}, strings.Fields(documented[1])...)...)
	if err := CheckSharedLimiter("rollcall:")(t.Context(), client); err != nil {
		t.Errorf("CheckSharedLimiter with the permissions in docs/replicas.md = %v, want nil", err)
	}
	if n, err := admin.Do(t.Context(), admin.B().Dbsize().Build()).AsInt64(); n != 0 || err != nil {
		t.Errorf("after the check there are %d keys, %v, want none", n, err)
	}
}
