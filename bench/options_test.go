package main

import (
	"io"
	"slices"
	"strings"
	"testing"
)

func TestParseOptions(t *testing.T) {
	o, err := parseOptions([]string{"-scenarios", "lone,page", "-changes", "51", "-rate", "100"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"lone", "page"}; !slices.Equal(o.scenarios, want) {
		t.Errorf("scenarios = %v, want %v", o.scenarios, want)
	}
	if o.changes != 52 || o.changers() != 50 {
		t.Errorf("changes, changers = %d, %d, want 52, 50", o.changes, o.changers())
	}
	replicas, err := parseOptions([]string{"-replicas", "3", "-quick"}, io.Discard)
	if err != nil || !slices.Equal(replicas.scenarios, replicaScenarios) {
		t.Errorf("parseOptions(-replicas 3) = %v, %v, want the scenarios %v", replicas.scenarios, err, replicaScenarios)
	}
	large, err := parseOptions([]string{"-scenarios", "many"}, io.Discard)
	if err != nil || !large.postgres || slices.Contains(replicas.scenarios, "many") {
		t.Errorf("parseOptions(-scenarios many) = %+v, %v, want only many, on Postgres", large, err)
	}
	if got, want := o.does("burst", "page"), true; got != want {
		t.Errorf("does(burst, page) = %v, want %v", got, want)
	}
	if got, want := o.does("burst", "idle"), false; got != want {
		t.Errorf("does(burst, idle) = %v, want %v", got, want)
	}
}

func TestParseOptionsRefuses(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"-users 0", "-users 0: use 1 to 20000"},
		{"-users 20001", "-users 20001"},
		{"-watchers -1", "-watchers -1"},
		{"-rate 301", "-rate 301"},
		{"-burst 1m", "-burst 1m0s"},
		{"-scenarios idle,noise", `"noise"`},
		{"-scenarios ,", `""`},
		{"-scenarios quiet", `"quiet" isn't one of idle, connect, lone, burst, page, browse, churn, streams, api, million, many, all`},
		{"-scenarios page -replicas 2", `"page" isn't one of lone, burst, quiet, sync, all`},
		{"-scenarios churn -addr 127.0.0.1:80", `"churn" isn't one of idle, connect, lone, burst, page, browse, all`},
		{"-scenarios churn -replicas 2", `"churn" isn't one of lone, burst, quiet, sync, all`},
		{"-present 3", "-present 3: use 4 to 200"},
		{"-present 201", "-present 201: use 4 to 200"},
		{"-moves 0", "-moves 0"},
		{"-present 10 -moves 11", "-moves 11: use 1 to 10"},
		{"-churn 31s", "-churn 31s"},
		{"-replicas 6", "-replicas 6: use 1 to 5"},
		{"-replicas 2 -addr 127.0.0.1:80", "leave out -addr"},
		{"-replicas 2 -online 100001", "-online 100001"},
		{"-postgres -addr 127.0.0.1:80", "leave out -addr"},
		{"-scenarios million -replicas 2", `"million" isn't one of lone, burst, quiet, sync, all`},
		{"-million 1000001", "-million 1000001"},
		{"-many 200001", "-many 200001"},
		{"-pid 7", "-pid"},
		{"idle", `"idle" is not a flag`},
		{"-nonsense", "-nonsense"},
	} {
		if _, err := parseOptions(strings.Fields(c.args), io.Discard); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("parseOptions(%s) = %v, want an error with %q", c.args, err, c.want)
		}
	}
}
