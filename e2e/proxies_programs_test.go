//go:build linux

package e2e_test

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
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// tlsProxy is a reverse proxy that terminates TLS, configured with a file from deploy/. The test changes only ports,
// listen addresses, and the path of the certificate.
type tlsProxy struct {
	host string // the name in the file
	addr string // the address it listens on
	pool *x509.CertPool
}

// startNginx runs nginx in front of s until t ends, with conf from deploy/nginx. more has texts to replace, and with
// what.
func startNginx(t *testing.T, conf, host string, s *server, more ...string) *tlsProxy {
	t.Helper()
	g, folder, cert := newTLSProxy(t, host)
	text := deployed(t, "nginx/"+conf)
	text = regexp.MustCompile(`(?m)^\s*listen \[::\].*\n`).ReplaceAllString(text, "")
	text = replaceAll(t, text, "listen 443 ", "listen "+g.addr+" ")
	if strings.Contains(text, "listen 80;") {
		text = replaceAll(t, text, "listen 80;", "listen "+freeAddr(t)+";")
	}
	text = replaceAll(t, text, "server 127.0.0.1:8080;", "server "+s.addr+";")
	for i := 0; i < len(more); i += 2 {
		text = replaceAll(t, text, more[i], more[i+1])
	}
	text = replaceAll(t, text, "/etc/letsencrypt/live/"+host+"/fullchain.pem", cert)
	text = replaceAll(t, text, "/etc/letsencrypt/live/"+host+"/privkey.pem", cert)
	around := "daemon off;\npid nginx.pid;\nerror_log stderr warn;\nworker_rlimit_nofile 8192;\nevents { worker_connections 4096; }\nhttp {\naccess_log off;\n"
	if os.Geteuid() == 0 {
		around = "user root;\n" + around
	}
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		around += kind + "_temp_path " + filepath.Join(folder, kind) + ";\n"
	}
	write(t, filepath.Join(folder, "nginx.conf"), around+text+"}\n")
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		nginx = "/usr/sbin/nginx" // not in everyone's PATH
	}
	g.run(t, exec.Command(nginx, "-p", folder, "-e", "stderr", "-c", "nginx.conf"))
	return g
}

// startCaddy is startNginx for Caddy and conf from deploy/caddy.
func startCaddy(t *testing.T, conf, host string, s *server, more ...string) *tlsProxy {
	t.Helper()
	g, folder, cert := newTLSProxy(t, host)
	text := deployed(t, "caddy/"+conf)
	_, port, _ := net.SplitHostPort(g.addr)
	text = replaceAll(t, text, "\n"+host+" {\n",
		fmt.Sprintf("\nhttps://%s:%s {\n\tbind 127.0.0.1\n\ttls %s %s\n", host, port, cert, cert))
	text = replaceAll(t, text, "reverse_proxy 127.0.0.1:8080 ", "reverse_proxy "+s.addr+" ")
	for i := 0; i < len(more); i += 2 {
		text = replaceAll(t, text, more[i], more[i+1])
	}
	write(t, filepath.Join(folder, "Caddyfile"), "{\n\tadmin off\n\tauto_https disable_redirects\n}\n"+text)
	cmd := exec.Command("caddy", "run", "--adapter", "caddyfile", "--config", filepath.Join(folder, "Caddyfile"))
	cmd.Env = append(os.Environ(), "HOME="+folder, "XDG_CONFIG_HOME="+folder, "XDG_DATA_HOME="+folder)
	g.run(t, cmd)
	return g
}

func newTLSProxy(t *testing.T, host string) (g *tlsProxy, folder, cert string) {
	t.Helper()
	folder = t.TempDir()
	cert = filepath.Join(folder, "cert.pem")
	g = &tlsProxy{host: host, addr: freeAddr(t), pool: x509.NewCertPool()}
	text := certificate(t, host)
	write(t, cert, text)
	if !g.pool.AppendCertsFromPEM([]byte(text)) {
		t.Fatal("the certificate is invalid")
	}
	return g, folder, cert
}

// deployed returns the content of a file in deploy/.
func deployed(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "deploy", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// replaceAll fails the test if there is nothing to replace, because the test must know what the file contains.
func replaceAll(t *testing.T, text, old, with string) string {
	t.Helper()
	if !strings.Contains(text, old) {
		t.Fatalf("found no %q in\n%s", old, text)
	}
	return strings.ReplaceAll(text, old, with)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// certificate returns a self-signed certificate for host and its key, in PEM.
func certificate(t *testing.T, host string) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, form, form, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})) +
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
}

// run starts the proxy, waits until it accepts connections, and stops it when t ends.
func (g *tlsProxy) run(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	var log buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	ownGroup(cmd)
	if err := cmd.Start(); err != nil {
		t.Fatalf("%v: scripts/test-programs installs it", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); err != nil {
			t.Errorf("stop the proxy: %v", err)
		}
		<-ended
		if t.Failed() {
			t.Logf("output of the proxy:\n%s", log.String())
		}
	})
	deadline := time.After(startWait)
	for {
		conn, err := tls.Dial("tcp", g.addr, &tls.Config{ServerName: g.host, RootCAs: g.pool})
		if err == nil {
			conn.Close()
			return
		}
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("the proxy ended: %v", err)
		case <-deadline:
			t.Fatalf("the proxy doesn't accept connections after %v: %v", startWait, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
