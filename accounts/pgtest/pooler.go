package pgtest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// Pooler is a running PgBouncer that gives each transaction one of a few connections.
type Pooler struct {
	port   int
	folder string
	cmd    *exec.Cmd
}

const poolerSettings = `[databases]
* = host=127.0.0.1 port=%d user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 3
max_client_conn = 200
`

// StartPooler starts a pooler in front of s. The caller must Stop it.
func StartPooler(s *Server) (p *Pooler, err error) {
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		program = "/usr/sbin/pgbouncer" // which isn't in every PATH
	}
	p = &Pooler{}
	if p.folder, err = os.MkdirTemp("", "rollcall-pgbouncer-"); err != nil {
		return nil, err
	}
	if err := os.Chmod(p.folder, 0o755); err != nil {
		return nil, err
	}
	if p.port, err = freePort(); err != nil {
		return nil, err
	}
	file := filepath.Join(p.folder, "pgbouncer.ini")
	if err := os.WriteFile(file, fmt.Appendf(nil, poolerSettings, s.Port, p.port), 0o644); err != nil {
		return nil, err
	}
	p.cmd = exec.Command(program, "--quiet", file)
	p.cmd.Stderr = os.Stderr
	unprivileged(p.cmd)
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("pgbouncer: %w (apt-get install pgbouncer)", err)
	}
	for deadline := time.Now().Add(startWait); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", p.port)); err == nil {
			return p, conn.Close()
		}
	}
	p.Stop()
	return nil, fmt.Errorf("pgbouncer did not start")
}

// URL returns the URL of a database through the pooler.
func (p *Pooler) URL(database string) string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/%s?sslmode=disable", p.port, database)
}

// Stop stops the pooler.
func (p *Pooler) Stop() {
	p.cmd.Process.Signal(syscall.SIGTERM)
	p.cmd.Wait()
	os.RemoveAll(p.folder)
}
