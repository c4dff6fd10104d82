package replica

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/presence"
)

// authority issues certificates for servers on this machine.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, form, form, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{t: t, key: key}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.file = a.write("CERTIFICATE", der)
	return a
}

func (a *authority) write(kind string, der []byte) (file string) {
	file = filepath.Join(a.t.TempDir(), "x.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	if err := os.WriteFile(file, text, 0o600); err != nil {
		a.t.Fatal(err)
	}
	return file
}

// pool returns the authorities that trust a.
func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// args returns the arguments for a server on 127.0.0.1 that speaks only TLS.
func (a *authority) args() []string {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	form := &x509.Certificate{
		SerialNumber: big.NewInt(2), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, form, a.cert, &key.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	secret, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	return []string{"--tls-cert-file", a.write("CERTIFICATE", der), "--tls-key-file", a.write("EC PRIVATE KEY", secret),
		"--tls-ca-cert-file", a.file, "--tls-auth-clients", "no", "--tls-replication", "yes", "--tls-cluster", "yes"}
}

// startTLS starts a server that speaks only TLS.
func (a *authority) startTLS(args ...string) *redisServer {
	a.t.Helper()
	return a.start(append([]string{"--save", "", "--appendonly", "no"}, args...)...)
}

func (a *authority) start(args ...string) *redisServer {
	a.t.Helper()
	r := newServer(a.t, slices.Concat(args, a.args())...)
	r.tls = &tls.Config{RootCAs: a.pool(), MinVersion: tls.VersionTLS12}
	r.start()
	return r
}

// documentedUser returns the arguments for a server with the user in docs/replicas.md.
func documentedUser(t *testing.T) []string {
	t.Helper()
	rules, _ := documentedRules(t)
	return append([]string{"--user", "rollcall"}, rules...)
}

// TestRedisTLS: two replicas agree over TLS, and a server that somebody else certified is refused at once.
func TestRedisTLS(t *testing.T) {
	ours := newAuthority(t)
	server := ours.startTLS(append([]string{"--user", "default", "off"}, documentedUser(t)...)...)
	url := "rediss://rollcall:secret@127.0.0.1:" + server.port
	at := func(cfg *Config) { cfg.URL, cfg.Authorities = url, ours.pool() }
	a, b := server.join(at), server.join(at)
	a.Publish("ada", presence.Digest{Connected: true})
	wait(t, "ada at b", patience, func() bool { return len(b.Remote("ada")) == 1 })
	for name, cfg := range map[string]Config{
		"those of the system": {URL: url},
		"others":              {URL: url, Authorities: newAuthority(t).pool()},
	} {
		cfg.Prefix, cfg.Accounts, cfg.Log = "rollcall:", "one", testConfig("").Log
		_, opened := Open(t.Context(), cfg)
		_, inspected := Inspect(t.Context(), cfg)
		for what, err := range map[string]error{"Open": opened, "Inspect": inspected} {
			if !strings.Contains(fmt.Sprint(err), "certificate is not trusted") {
				t.Errorf("%s with the authorities of %s = %v, want that the certificate isn't trusted", what, name, err)
			}
		}
	}
}

// TestSentinelTLS: the Sentinels and the servers speak TLS. The user of the servers is unknown to the Sentinels.
func TestSentinelTLS(t *testing.T) {
	t.Parallel()
	ours := newAuthority(t)
	w := startWatchedBy(t, ours.start, "", documentedUser(t)...)
	at := func(cfg *Config) {
		cfg.URL, cfg.Authorities = strings.Replace(w.url("rollcall:secret@"), "redis:", "rediss:", 1), ours.pool()
	}
	a, b := w.servers[0].join(at), w.servers[0].join(at)
	a.Publish("ada", presence.Digest{Connected: true})
	wait(t, "ada at b", patience, func() bool { return len(b.Remote("ada")) == 1 })
	_, rules := documentedRules(t)
	for _, sentinel := range w.sentinels {
		acl(t, sentinel.admin(), "rollcall", rules...)
		if p := a.store.at.sentinels.askOne(t.Context(), "127.0.0.1:"+sentinel.port); p.err != nil {
			t.Errorf("a Sentinel with the documented user says %v, want the primary", p.err)
		}
	}
}

// TestClusterTLS: the nodes of a cluster speak TLS and know the documented user.
func TestClusterTLS(t *testing.T) {
	t.Parallel()
	ours := newAuthority(t)
	c := startClusterBy(t, ours.start, documentedUser(t)...)
	cfg := testConfig(strings.Replace(c.url("rollcall:secret@"), "redis:", "rediss:", 1))
	cfg.Authorities = ours.pool()
	at := func(to *Config) { *to = cfg }
	a, b := c.nodes[0].join(at), c.nodes[0].join(at)
	for n := range 20 {
		a.Publish(name(n), presence.Digest{Connected: true})
	}
	wait(t, "everybody at b", patience, func() bool {
		for n := range 20 {
			if len(b.Remote(name(n))) == 0 {
				return false
			}
		}
		return a.Peers().Others == 1 && a.Peers().Lost.IsZero()
	})
	r, err := Inspect(t.Context(), cfg)
	if err != nil || r.Servers != 3 || !r.Announces || r.Users != 20 || len(r.Replicas) != 2 {
		t.Errorf("Inspect = %+v, %v, want 3 servers that announce, 20 users, and 2 replicas", r, err)
	}
	for _, rule := range []string{"-cluster|slots", "-cluster|info", "-hset"} {
		for _, n := range c.nodes {
			acl(t, n.admin(), "rollcall", rule)
		}
		_, opened := Open(t.Context(), cfg)
		_, inspected := Inspect(t.Context(), cfg)
		for what, err := range map[string]error{"Open": opened, "Inspect": inspected} {
			if !strings.Contains(fmt.Sprint(err), "doesn't permit this user") {
				t.Errorf("%s with %s = %v, want that a permission is missing", what, rule, err)
			}
		}
		for _, n := range c.nodes {
			acl(t, n.admin(), "rollcall", "+"+rule[1:])
		}
	}
}

// TestClusterAddresses: what's wrong with the address of a cluster is said at once.
func TestClusterAddresses(t *testing.T) {
	t.Parallel()
	c := startCluster(t)
	one, two := startRedis(t), startRedis(t)
	for url, want := range map[string]string{
		c.nodes[0].url(): "give the addresses of several nodes",
		one.url() + "?addr=127.0.0.1:" + two.port:   "is no cluster",
		one.url() + "/1?addr=127.0.0.1:" + two.port: "only one",
		"redis://a:6379,b:6379":                     "addr=OTHER:6379",
		"redis-cluster://a:6379":                    "addr=OTHER:6379",
	} {
		_, opened := Open(t.Context(), testConfig(url))
		_, inspected := Inspect(t.Context(), testConfig(url))
		for what, err := range map[string]error{"Open": opened, "Inspect": inspected} {
			if text := fmt.Sprint(err); !strings.Contains(text, want) || strings.Contains(text, "\n") {
				t.Errorf("%s(%s) = %v, want one line with %q", what, url, err, want)
			}
		}
	}
	c.nodes[0].stop() // a primary, and one of the addresses
	cfg := testConfig(c.url(""))
	r, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatalf("Open with one node down = %v, want nil", err)
	}
	defer func() { _ = r.Close() }()
	wait(t, "the replica of the node to take over", 3*patience, func() bool { return isClosed(r.Synced()) })
}
