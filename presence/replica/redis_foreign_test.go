package replica

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"rollcall/presence"
)

// fields writes n fields that no replica writes into a user's hash.
func (r *redisServer) fields(user string, n int) {
	r.t.Helper()
	const fill = "for i=1,ARGV[1] do redis.call('HSET', KEYS[1], 'field'..i, 'garbage') end return 1"
	admin := r.admin()
	command := admin.B().Eval().Script(fill).Numkeys(1).Key("rollcall:presence:" + user).Arg(strconv.Itoa(n)).Build()
	if err := admin.Do(r.t.Context(), command).Error(); err != nil {
		r.t.Fatal(err)
	}
}

func (s *syncer) peerIDs() (ids []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id := range s.peers.byID {
		ids = append(ids, id)
	}
	return ids
}

// TestRedisForeignFields: fields of other programs in our hashes don't count as replicas, and stay. The cleanup removes
// only the entries of a dead replica.
func TestRedisForeignFields(t *testing.T) {
	server := startRedis(t)
	admin := server.admin()
	a, b := server.join(), server.join()
	a.Publish("ada", presence.Digest{Connected: true})
	server.fields("ada", 20)
	const dead = "gone-ABCDEFGHIJ"
	long := strings.Repeat("x", 21) + "-ABCDEFGHIJ"
	for _, field := range []string{dead, "gone-abcdefghij", "ABCDEFGHIJ", "a host-ABCDEFGHIJ", long} {
		set := admin.B().Hset().Key("rollcall:presence:ada").FieldValue().FieldValue(field, "1 0").Build()
		if err := admin.Do(t.Context(), set).Error(); err != nil {
			t.Fatal(err)
		}
	}
	wait(t, "b to know the dead replica", patience, func() bool { return len(b.peerIDs()) == 2 })
	settleAll(t, []*Redis{a, b})
	if ids := b.peerIDs(); len(ids) != 2 {
		t.Fatalf("b knows the replicas %q, want a and the dead one", ids[:min(len(ids), 5)])
	}
	if got := b.Remote("ada"); len(got) != 1 {
		t.Errorf("b has ada as %v, want only the entry of a", got)
	}
	b.mu.Lock()
	for _, p := range b.peers.byID {
		if !p.alive {
			p.missing = time.Now().Add(-2 * cleanAfter)
		}
	}
	b.mu.Unlock()
	hash := func() map[string]string {
		m, err := admin.Do(t.Context(), admin.B().Hgetall().Key("rollcall:presence:ada").Build()).AsStrMap()
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	wait(t, "the cleanup to remove the dead replica's entry", patience, func() bool {
		_, ok := hash()[dead]
		return !ok
	})
	if got := hash(); len(got) != 1+20+4 {
		t.Errorf("after the cleanup, the hash has %d fields, want 24 of other programs and one of a", len(got))
	}
}

// TestRedisHugeHash: reading a hash with more fields than replicas ever write has a limited cost. If the hash belongs
// to a connected user, replicas remove it once and write their entries again.
func TestRedisHugeHash(t *testing.T) {
	server := startRedis(t)
	admin := server.admin()
	a, b := server.join(), server.join()
	a.Publish("ada", presence.Digest{Connected: true})
	b.Publish("ada", presence.Digest{Connected: true, Active: true})
	settleAll(t, []*Redis{a, b})
	before := sent(t, admin)
	reads, removed := calls(t, admin, "hrandfield"), calls(t, admin, "unlink")
	const huge = 50_000 // more than a megabyte
	server.fields("ada", huge)
	server.fields("nobody", huge)
	length := func(user string) int64 {
		n, err := admin.Do(t.Context(), admin.B().Hlen().Key("rollcall:presence:"+user).Build()).AsInt64()
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	wait(t, "ada's hash to hold two entries again", patience, func() bool { return length("ada") == 2 })
	settleAll(t, []*Redis{a, b})
	if len(a.Remote("ada")) != 1 || len(b.Remote("ada")) != 1 || len(a.peerIDs()) != 1 {
		t.Errorf("a has %d entries of ada, b %d, and a knows %d replicas, want one each",
			len(a.Remote("ada")), len(b.Remote("ada")), len(a.peerIDs()))
	}
	if n := length("nobody"); n != huge {
		t.Errorf("the hash of a user who isn't connected has %d fields, want all %d", n, huge)
	}
	if n := calls(t, admin, "unlink") - removed; n < 1 || n > 4 {
		t.Errorf("it took %d commands to remove a hash, want one or two per replica", n)
	}
	if n := calls(t, admin, "hrandfield") - reads; n > 40 {
		t.Errorf("it took %d reads to handle two hashes, want a few per replica", n)
	}
	if n := sent(t, admin) - before; n > 1<<20 {
		t.Errorf("the server sent %d bytes to handle two hashes, want at most 1 MiB", n)
	}
}

// sent returns how many bytes the server has sent to all its clients.
func sent(t *testing.T, admin rueidis.Client) int {
	t.Helper()
	text, err := admin.Do(t.Context(), admin.B().Info().Section("stats").Build()).ToString()
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(text, "total_net_output_bytes:")
	line, _, _ := strings.Cut(rest, "\r\n")
	n, err := strconv.Atoi(line)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestReplicaIDShape(t *testing.T) {
	for range 100 {
		if id := replicaID(); !isReplicaID(id) {
			t.Errorf("isReplicaID(%q) = false, want true for one of our own IDs", id)
		}
	}
	for _, text := range []string{
		"", "-", "ABCDEFGHIJ", "h-ABCDEFGHI", "h-ABCDEFGHI1", "h_ABCDEFGHIJ", "ü-ABCDEFGHIJ",
		strings.Repeat("h", 21) + "-ABCDEFGHIJ",
	} {
		if isReplicaID(text) {
			t.Errorf("isReplicaID(%q) = true, want false", text)
		}
	}
}
