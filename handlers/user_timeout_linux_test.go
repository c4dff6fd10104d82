package handlers

import (
	"net"
	"syscall"
	"testing"
)

// TestAcceptedConnectionsHaveAUserTimeout: without it, a client that vanished holds its place for a long time.
func TestAcceptedConnectionsHaveAUserTimeout(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	accepted, err := (&limitedListener{l, newConnLimit(0, func() {})}).Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer accepted.Close()
	raw, err := accepted.(*limitedConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var got int
	var failed error
	err = raw.Control(func(fd uintptr) {
		got, failed = syscall.GetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout)
	})
	if want := int(pongWait.Milliseconds()); err != nil || failed != nil || got != want {
		t.Errorf("the user timeout of an accepted connection is %d ms (%v, %v), want %d", got, err, failed, want)
	}
}
