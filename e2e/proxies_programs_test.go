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

// gateway is a proxy that ends TLS in front of a server, as a file of deploy/ has it. Of that file nothing is changed
// but ports, the addresses to listen on, and where the certificate is.
type gateway struct {
	host string // as the file has it
	addr string // where it listens
	pool *x509.CertPool
}

// startNginx serves the file conf of deploy/nginx in front of s until t ends.
func startNginx(t *testing.T, conf, host string, s *server) *gateway {
	t.Helper()
	g, folder, cert := newGateway(t, host)
	text := deployed(t, "nginx/"+conf)
	text = regexp.MustCompile(`(?m)^\s*listen \[::\].*\n`).ReplaceAllString(text, "")
	text = replaceAll(t, text, "listen 443 ", "listen "+g.addr+" ")
	if strings.Contains(text, "listen 80;") {
		text = replaceAll(t, text, "listen 80;", "listen "+freeAddr(t)+";")
	}
	text = replaceAll(t, text, "server 127.0.0.1:8080;", "server "+s.addr+";")
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
		nginx = "/usr/sbin/nginx" // where not everybody's PATH leads
	}
	g.run(t, exec.Command(nginx, "-p", folder, "-e", "stderr", "-c", "nginx.conf"))
	return g
}

// startCaddy serves the file conf of deploy/caddy in front of s until t ends.
func startCaddy(t *testing.T, conf, host string, s *server) *gateway {
	t.Helper()
	g, folder, cert := newGateway(t, host)
	text := deployed(t, "caddy/"+conf)
	_, port, _ := net.SplitHostPort(g.addr)
	text = replaceAll(t, text, "\n"+host+" {\n", fmt.Sprintf("\nhttps://%s:%s {\n\tbind 127.0.0.1\n\ttls %s %s\n", host, port, cert, cert))
	text = replaceAll(t, text, "reverse_proxy 127.0.0.1:8080 ", "reverse_proxy "+s.addr+" ")
	write(t, filepath.Join(folder, "Caddyfile"), "{\n\tadmin off\n\tauto_https disable_redirects\n}\n"+text)
	cmd := exec.Command("caddy", "run", "--adapter", "caddyfile", "--config", filepath.Join(folder, "Caddyfile"))
	cmd.Env = append(os.Environ(), "HOME="+folder, "XDG_CONFIG_HOME="+folder, "XDG_DATA_HOME="+folder)
	g.run(t, cmd)
	return g
}

func newGateway(t *testing.T, host string) (g *gateway, folder, cert string) {
	t.Helper()
	folder = t.TempDir()
	cert = filepath.Join(folder, "cert.pem")
	g = &gateway{host: host, addr: freeAddr(t), pool: x509.NewCertPool()}
	text := certificate(t, host)
	write(t, cert, text)
	if !g.pool.AppendCertsFromPEM([]byte(text)) {
		t.Fatal("the certificate is none")
	}
	return g, folder, cert
}

// deployed is a file of deploy/.
func deployed(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "deploy", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// replaceAll fails when there is nothing to replace: the file would then not be the one that is tested.
func replaceAll(t *testing.T, text, old, with string) string {
	t.Helper()
	if !strings.Contains(text, old) {
		t.Fatalf("there is no %q in\n%s", old, text)
	}
	return strings.ReplaceAll(text, old, with)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// certificate is one for host that signs itself, and its key, in one text.
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

// run starts the proxy, waits until it answers, and ends it with t.
func (g *gateway) run(t *testing.T, cmd *exec.Cmd) {
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
			t.Errorf("end the proxy: %v", err)
		}
		<-ended
		if t.Failed() {
			t.Logf("the proxy said:\n%s", log.String())
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
			t.Fatalf("the proxy does not answer after %v: %v", startWait, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
