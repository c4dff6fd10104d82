package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// somebodysHash matches no known password. It is for people who never sign in.
const somebodysHash = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// crowd imports n people named p001, p002, and so on.
func crowd(s *server, n int) {
	s.t.Helper()
	var csv strings.Builder
	csv.WriteString("username,password,display_name,team\n")
	for i := range n {
		fmt.Fprintf(&csv, "p%03d,\"%s\",Person %03d,\n", i+1, somebodysHash, i+1)
	}
	file := filepath.Join(s.t.TempDir(), "people.csv")
	if err := os.WriteFile(file, []byte(csv.String()), 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.cli("import", file)
}

// A board with too many people for one page is split into pages. Its counts are links then, and every page is live.
func TestPages(t *testing.T) {
	parallel(t)
	s := startServer(t, "--grace-clean=200ms")
	crowd(s, 230)
	anna := s.person(t, "anna").board()
	s.addUser("zoe")
	rows := func(want int) {
		t.Helper()
		anna.until(fmt.Sprintf("there are %d rows", want), fmt.Sprintf(`test.visible().length === %d`, want), soon)
	}
	rows(200)
	anna.until("everyone is counted", `document.querySelector('#n-all').innerText === '232'`, soon)
	anna.clickThrough(`.pager [rel=next]`)
	anna.untilLive()
	rows(32)
	zoe := s.member(t, "zoe").board()
	anna.untilState("zoe", "online", soon)
	s.addUser("yan")
	anna.untilState("yan", "offline", soon)
	rows(33)

	anna.clickThrough(`.bar a:has(#n-online)`)
	anna.untilLive()
	anna.untilVisible("anna", "zoe")
	zoe.close()
	anna.untilVisible("anna")
	anna.clickThrough(`.bar a:has(#n-offline)`)
	anna.untilLive()
	rows(200)
	anna.clickThrough(`.bar a:has(#n-all)`)
	anna.clickThrough(`.pager [rel=next]`)
	anna.clickThrough(`.pager [rel=prev]`)
	anna.untilLive()
	rows(200)
	anna.untilState("anna", "online", soon)
}
