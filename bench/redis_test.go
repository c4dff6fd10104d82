package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReplicasNeedRedis(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	var out bytes.Buffer
	server := filepath.Join(t.TempDir(), "server") // never started
	if err := os.WriteFile(server, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	err := run(t.Context(), []string{"-quick", "-replicas", "2", "-server", server}, &out, &out)
	if err == nil || !strings.Contains(err.Error(), "install redis-server") {
		t.Errorf("run(-replicas 2) without redis-server = %v, want an error that says what to install", err)
	}
}
