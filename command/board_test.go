package command

import (
	"io"
	"path/filepath"
	"strings"
	"testing"
)

// A running server uses what board set stores.
func TestBoardSetReachesServers(t *testing.T) {
	db := filepath.Join(t.TempDir(), "rollcall.db")
	command(t, "user", "add", "ada", "--admin", "--create", "--db", db)
	r := start(t, "serve", "--addr", "127.0.0.1:0", "--db", db)
	defer r.said(t)
	client := browser(t)
	shows := func(name string) bool {
		answer, err := client.Get(r.url + "/login")
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		page, err := io.ReadAll(answer.Body)
		return err == nil && strings.Contains(string(page), "<bdi>"+name+"</bdi>")
	}
	if !shows("Rollcall") {
		t.Fatal("the board isn't called Rollcall")
	}
	command(t, "board", "set", "board_name=Harbor Works", "--db", db)
	waitFor(t, "the new name of the board", func() bool { return shows("Harbor Works") })
}
