package mail

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
)

// postfix is a real Postfix. It takes messages on several ports, and passes them on to relay.
type postfix struct {
	submission int // STARTTLS and a password
	login      int // the same, with AUTH LOGIN only
	smtps      int // TLS first and a password
	open       int // neither TLS nor a password
	relay      *server
	roots      *x509.CertPool
}

const mainCF = `compatibility_level = 3.6
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
queue_directory = %[1]s/queue
data_directory = %[1]s/data
maillog_file = %[1]s/log
maillog_file_prefixes = %[1]s
myhostname = mail.example.org
mydestination =
alias_maps =
local_recipient_maps =
relayhost = [127.0.0.1]:%[2]d
smtp_dns_support_level = disabled
smtp_host_lookup = native
smtpd_tls_cert_file = %[1]s/cert.pem
smtpd_tls_key_file = %[1]s/key.pem
smtpd_tls_security_level = encrypt
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:127.0.0.1:%[3]d
smtpd_helo_restrictions = reject_invalid_helo_hostname, reject_non_fqdn_helo_hostname
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_recipient_restrictions = check_recipient_access inline:{
  {slow@example.org = 450 4.2.0 Try later}, {gone@example.org = 550 5.1.1 Nobody}}
strict_rfc821_envelopes = yes
`

const masterCF = `127.0.0.1:%d inet n - n - - smtpd
127.0.0.1:%d inet n - n - - smtpd
  -o smtpd_sasl_mechanism_filter=login
127.0.0.1:%d inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes
127.0.0.1:%d inet n - n - - smtpd
  -o smtpd_tls_security_level=none
  -o smtpd_sasl_auth_enable=no
  -o smtpd_relay_restrictions=permit_mynetworks,reject
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
smtp unix - - n - - smtp
retry unix - - n - - error
error unix - - n - - error
postlog unix-dgram n - n - 1 postlogd
`

// startPostfix starts Postfix with everything in a temporary folder, until t ends.
func startPostfix(t *testing.T) *postfix {
	t.Helper()
	out, err := exec.Command("/usr/sbin/postconf", "-dh", "daemon_directory").Output()
	if err != nil {
		t.Fatalf("%v: scripts/test-programs installs Postfix, unless there's another mail server", err)
	}
	config, roots := certificates(t, remote)
	relay, ports := listen(t), freePorts(t, 4)
	p := &postfix{
		submission: ports[0], login: ports[1], smtps: ports[2], open: ports[3],
		relay: &server{arrived: make(chan delivery, 100)}, roots: roots,
	}
	p.relay.start(t, relay)
	folder := postfixFolder(t, config)
	write(t, filepath.Join(folder, "conf/main.cf"), fmt.Sprintf(mainCF, folder, portOf(relay), checkPasswords(t)))
	write(t, filepath.Join(folder, "conf/master.cf"), fmt.Sprintf(masterCF, p.submission, p.login, p.smtps, p.open))
	stop := startMaster(t, filepath.Join(strings.TrimSpace(string(out)), "master"), filepath.Join(folder, "conf"))
	t.Cleanup(func() {
		stop()
		if log, _ := os.ReadFile(filepath.Join(folder, "log")); t.Failed() {
			t.Logf("the log of Postfix:\n%s", log)
		}
	})
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		conn, err := net.Dial("tcp", p.address(p.open))
		if err == nil {
			conn.Close()
			return p
		}
		if time.Now().After(deadline) {
			t.Fatalf("Postfix doesn't listen: %v", err)
		}
	}
}

// startMaster starts the master process. The shell ends it when its own input ends, and so even if the test process is
// killed. Pdeathsig doesn't work here, because the master changes its user.
func startMaster(t *testing.T, master, conf string) (stop func()) {
	t.Helper()
	cmd := exec.Command("/bin/sh", "-c", `"$0" -s -c "$1" & read -r _; kill $!; wait`, master, conf)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return func() {
		in.Close()
		_ = cmd.Wait()
	}
}

func (p *postfix) address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// postfixFolder makes the folders that Postfix expects, with the owners that it expects, and the certificate.
func postfixFolder(t *testing.T, config *tls.Config) string {
	t.Helper()
	folder := t.TempDir()
	if err := os.Chmod(filepath.Dir(folder), 0o755); err != nil { // so that the user of Postfix can pass through it
		t.Fatal(err)
	}
	owner, err := user.Lookup("postfix")
	if err != nil {
		t.Fatal(err)
	}
	uid, _ := strconv.Atoi(owner.Uid)
	own := "data queue/active queue/bounce queue/corrupt queue/defer queue/deferred queue/flush queue/hold " +
		"queue/incoming queue/maildrop queue/private queue/public queue/saved queue/trace"
	for _, name := range append([]string{"conf", "queue", "queue/pid"}, strings.Fields(own)...) {
		path := filepath.Join(folder, name)
		if err := os.Mkdir(path, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
			t.Fatal(err)
		}
	}
	for name := range strings.FieldsSeq(own) {
		if err := os.Chown(filepath.Join(folder, name), uid, -1); err != nil {
			t.Fatal(err)
		}
	}
	certificate := config.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		"cert.pem": {Type: "CERTIFICATE", Bytes: certificate.Certificate[0]}, "key.pem": {Type: "PRIVATE KEY", Bytes: key},
	} {
		write(t, filepath.Join(folder, name), string(pem.EncodeToMemory(block)))
	}
	return folder
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// freePorts returns n different free ports.
func freePorts(t *testing.T, n int) (ports []int) {
	t.Helper()
	for range n {
		l := listen(t)
		defer l.Close() // after all are found
		ports = append(ports, portOf(l))
	}
	return ports
}

func portOf(l net.Listener) int { return l.Addr().(*net.TCPAddr).Port }

// checkPasswords starts a server that checks passwords for Postfix, with the protocol of Dovecot, and returns its port.
func checkPasswords(t *testing.T) int {
	t.Helper()
	l := listen(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		var wg sync.WaitGroup
		defer wg.Wait()
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { dovecot(conn) })
		}
	}()
	t.Cleanup(func() { // after Postfix has ended
		l.Close()
		<-done
	})
	return portOf(l)
}

// dovecot answers on one connection: https://doc.dovecot.org/main/core/man/auth_protocol.html
func dovecot(conn net.Conn) {
	defer conn.Close()
	_, _ = io.WriteString(conn, "VERSION\t1\t1\nMECH\tPLAIN\tplaintext\nMECH\tLOGIN\tplaintext\nSPID\t1\nCUID\t1\n"+
		"COOKIE\t00000000000000000000000000000000\nDONE\n")
	passwords := &conversation{server: &server{mechanisms: []string{"PLAIN", "LOGIN"}}}
	open := map[string]sasl.Server{} // by request
	for in := bufio.NewScanner(conn); in.Scan(); {
		fields := strings.Split(in.Text(), "\t")
		if fields[0] != "AUTH" && fields[0] != "CONT" {
			continue
		}
		id := fields[1]
		if fields[0] == "AUTH" {
			open[id], _ = passwords.Auth(fields[2])
		}
		var answer []byte
		if text, ok := strings.CutPrefix(fields[len(fields)-1], "resp="); ok || fields[0] == "CONT" {
			answer, _ = base64.StdEncoding.DecodeString(text)
		}
		challenge, over, err := open[id].Next(answer)
		switch {
		case err != nil:
			fmt.Fprintf(conn, "FAIL\t%s\n", id)
		case over:
			fmt.Fprintf(conn, "OK\t%s\tuser=%s\n", id, testUser)
		default:
			fmt.Fprintf(conn, "CONT\t%s\t%s\n", id, base64.StdEncoding.EncodeToString(challenge))
		}
	}
}
