package e2e_test

import (
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// startWebKit returns a function that opens windows of WebKitGTK. It has no headless mode, so it draws to a virtual X
// server. Each window has its own browser, because a driver controls only one.
func startWebKit(t *testing.T, s *server) func() driver {
	t.Helper()
	display := startDisplay(t)
	return func() driver {
		t.Helper()
		home, addr := browserFolder(t), freeAddr(t)
		shrinkToolbar(t, home)
		cmd := exec.Command("WebKitWebDriver", "--host=127.0.0.1", "--port="+addr[strings.LastIndex(addr, ":")+1:])
		cmd.Env = []string{"DISPLAY=" + display}
		startBrowser(t, home, cmd)
		w := &webdriver{t: t, server: s, session: "http://" + addr + "/session"}
		if err := within(answerWait, func() (bool, string) { return answers(addr), "no answer" }); err != nil {
			t.Fatalf("start WebKitWebDriver: %v", err)
		}
		var made struct{ SessionID string }
		if err := w.command(http.MethodPost, "", map[string]any{"capabilities": map[string]any{}}, &made); err != nil {
			t.Fatalf("start WebKit: %v", err)
		}
		w.session += "/" + made.SessionID
		return w
	}
}

// shrinkToolbar makes the toolbar so small that a window can be as narrow as a phone.
func shrinkToolbar(t *testing.T, home string) {
	t.Helper()
	folder := filepath.Join(home, ".config", "gtk-3.0")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	style := "* { min-width: 0; margin: 0; border: 0; padding: 0; font-size: 1px; }"
	if err := os.WriteFile(filepath.Join(folder, "gtk.css"), []byte(style), 0o600); err != nil {
		t.Fatal(err)
	}
}

// answers reports whether anything listens at addr.
func answers(addr string) bool {
	conn, err := net.Dial("tcp", addr)
	if err == nil {
		conn.Close()
	}
	return err == nil
}

// startDisplay starts a virtual X server and returns the name of its display.
func startDisplay(t *testing.T) string {
	t.Helper()
	number, tell, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer number.Close()
	cmd := exec.Command("Xvfb", "-displayfd", "3", "-screen", "0", "1280x960x24", "-nolisten", "tcp")
	cmd.ExtraFiles = []*os.File{tell}
	startBrowser(t, browserFolder(t), cmd)
	tell.Close()
	if err := number.SetReadDeadline(time.Now().Add(answerWait)); err != nil {
		t.Fatal(err)
	}
	name, err := io.ReadAll(number) // Xvfb closes the pipe when it is ready or exits
	if err != nil || len(name) == 0 {
		t.Fatalf("start Xvfb: it printed no display number: %v", err)
	}
	return ":" + strings.TrimSpace(string(name))
}
