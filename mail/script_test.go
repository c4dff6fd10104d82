package mail

import (
	"bufio"
	"context"
	"io"
	"net"
	"strings"
	"testing"
)

// near is one end of a connection to this machine. It's in memory, so that time in a synctest bubble passes while both
// ends wait.
type near struct{ net.Conn }

func (near) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 25} }

// pipes is a listener in memory.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	conn, ok := <-p
	if !ok {
		return nil, net.ErrClosed
	}
	return conn, nil
}

func (p pipes) Close() error   { close(p); return nil }
func (p pipes) Addr() net.Addr { return near{}.RemoteAddr() }

func (p pipes) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	p <- near{server}
	return near{client}, nil
}

// script is a server that answers each command by its first word: "greeting" at first, and "." after the content. After
// an empty answer it reads on and says nothing more. It says what it has read. An answer that ends with "!" makes it
// hang up.
type script map[string]string

// polite accepts everything.
var polite = script{
	"greeting": "220 mail.example.org", "EHLO": "250-mail.example.org\r\n250 AUTH PLAIN LOGIN", "AUTH": "235 2.7.0 OK",
	"MAIL": "250 OK", "RCPT": "250 OK", "DATA": "354 Go on", ".": "250 OK", "QUIT": "221 Bye",
}

// but returns polite with another answer to one command.
func (s script) but(command, answer string) script {
	changed := script{}
	for name, usual := range s {
		changed[name] = usual
	}
	changed[command] = answer
	return changed
}

// serve answers on conn until the client hangs up, and returns what it has read.
func (s script) serve(conn net.Conn) (lines []string) {
	defer conn.Close()
	silent := false
	answer := func(command string) {
		text := s[command]
		if silent = silent || text == ""; silent {
			return
		}
		hangUp := strings.HasSuffix(text, "!")
		_, _ = io.WriteString(conn, strings.TrimSuffix(text, "!")+"\r\n")
		if hangUp {
			conn.Close()
		}
	}
	answer("greeting")
	content := false
	for in := bufio.NewScanner(conn); in.Scan(); {
		line := in.Text()
		lines = append(lines, line)
		command, _, _ := strings.Cut(line, " ")
		switch {
		case !content:
			answer(command)
			content = command == "DATA" && !silent
		case line == ".":
			answer(".")
			content = false
		}
	}
	return lines
}

// dial connects to a new server with this script. The bubble waits until the server ends.
func (s script) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	go s.serve(server)
	return near{client}, nil
}

// local returns a Sender for a server on this machine that dial reaches.
func local(t testing.TB, dial dialFunc) *Sender {
	t.Helper()
	s := newSender(t, "smtp", "localhost", true, nil, nil)
	s.dial = dial
	return s
}
