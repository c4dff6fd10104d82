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
	return append([]string{"--user", "rollcall", "on", ">secret"}, strings.Fields(documentedRules(t))...)
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
}
