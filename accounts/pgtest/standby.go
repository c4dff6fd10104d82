package pgtest

import (
	"fmt"
	"net"
	"path/filepath"
	"strconv"
)

// Standby starts a standby of s, called name, that gets changes from the address source, which leads to s. Once
// Synchronous names it, commits wait for it. The caller must Stop it.
func (s *Server) Standby(name, source string) (*Server, error) {
	host, port, err := net.SplitHostPort(source)
	if err != nil {
		return nil, err
	}
	return newServer(func(standby *Server, bin, data string) error {
		return standby.run(filepath.Join(bin, "pg_basebackup"), "--host=127.0.0.1", "--port="+strconv.Itoa(s.Port),
			"--username=postgres", "--pgdata="+data, "--write-recovery-conf", "--checkpoint=fast", "--no-sync")
	}, fmt.Sprintf("primary_conninfo=host=%s port=%s user=postgres application_name=%s", host, port, name),
		"wal_retrieve_retry_interval=100ms")
}

// Address returns the address of s.
func (s *Server) Address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port)) }

// Synchronous makes commits wait for the standby called name, or for none if name is empty.
func (s *Server) Synchronous(name string) error {
	return s.Exec("postgres", "ALTER SYSTEM SET synchronous_standby_names = '"+name+"'", "SELECT pg_reload_conf()")
}

// Promote makes a standby a primary, on which commits wait for nobody.
func (s *Server) Promote() error {
	return s.Exec("postgres", "SELECT pg_promote(true, 30)", "ALTER SYSTEM SET synchronous_standby_names = ''",
		"SELECT pg_reload_conf()")
}
