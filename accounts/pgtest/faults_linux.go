package pgtest

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// Kill kills all processes of s at once, like a crash of its machine.
func (s *Server) Kill() error {
	if err := s.Freeze(); err != nil { // so that nobody notices that the others are gone
		return err
	}
	err := s.signal(syscall.SIGKILL)
	s.cmd.Wait()
	return err
}

// Freeze stops all processes of s until Resume. Its connections stay open.
func (s *Server) Freeze() error { return s.signal(syscall.SIGSTOP) }

// Resume ends Freeze.
func (s *Server) Resume() error { return s.signal(syscall.SIGCONT) }

// signal signals the main process and then the others, which are in sessions of their own.
func (s *Server) signal(sig syscall.Signal) error {
	pid := s.cmd.Process.Pid
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return err
	}
	pids := append([]string{strconv.Itoa(pid)}, strings.Fields(string(children))...)
	for _, text := range pids {
		if one, err := strconv.Atoi(text); err == nil {
			_ = syscall.Kill(one, sig) // it may have ended since
		}
	}
	return nil
}

// thaw lets a frozen server end.
func (s *Server) thaw() { _ = s.Resume() }
