package e2e_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// firefox is one Firefox process, controlled with WebDriver BiDi: JSON commands and responses over a WebSocket.
type firefox struct {
	conn *websocket.Conn
	mu   sync.Mutex // held from a command to its response
	last int        // guarded by mu; the ID of the last command
}

// startFirefox starts a headless Firefox and returns a function that opens windows.
func startFirefox(t *testing.T, s *server) func() driver {
	t.Helper()
	home := browserFolder(t)
	program := "firefox-esr"
	if _, err := exec.LookPath(program); err != nil {
		program = "firefox"
	}
	startBrowser(t, home, exec.Command(program,
		"--headless", "--no-remote", "--profile", home, "--remote-debugging-port", "0"))
	f := &firefox{conn: dialFirefox(t, home)}
	t.Cleanup(func() { f.conn.Close() })
	f.must(t, "session.new", map[string]any{"capabilities": map[string]any{}}, nil)
	f.must(t, "script.addPreloadScript", map[string]any{"functionDeclaration": "() => {\n" + watchScript + "}"}, nil)
	return func() driver {
		t.Helper()
		var person struct{ UserContext string }
		f.must(t, "browser.createUserContext", map[string]any{}, &person)
		var made struct{ Context string }
		f.must(t, "browsingContext.create", map[string]any{"type": "window", "userContext": person.UserContext}, &made)
		return &firefoxWindow{t: t, server: s, firefox: f, context: made.Context}
	}
}

// dialFirefox connects to Firefox once it has written its address to the profile.
func dialFirefox(t *testing.T, profile string) *websocket.Conn {
	t.Helper()
	var conn *websocket.Conn
	err := within(answerWait, func() (bool, string) {
		text, err := os.ReadFile(filepath.Join(profile, "WebDriverBiDiServer.json"))
		if err != nil {
			return false, err.Error()
		}
		var at struct {
			Host string `json:"ws_host"`
			Port int    `json:"ws_port"`
		}
		if err := json.Unmarshal(text, &at); err != nil {
			return false, err.Error()
		}
		url := fmt.Sprintf("ws://%s:%d/session", at.Host, at.Port)
		if conn, _, err = websocket.DefaultDialer.Dial(url, nil); err != nil {
			return false, err.Error()
		}
		return true, ""
	})
	if err != nil {
		t.Fatalf("start Firefox: %v", err)
	}
	return conn
}

// command sends a command and decodes the result. It subscribes to no events, so only responses arrive.
func (f *firefox) command(method string, params, into any) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last++
	deadline := time.Now().Add(answerWait)
	if err := f.conn.SetWriteDeadline(deadline); err != nil {
		return err
	}
	if err := f.conn.SetReadDeadline(deadline); err != nil {
		return err
	}
	if err := f.conn.WriteJSON(map[string]any{"id": f.last, "method": method, "params": params}); err != nil {
		return err
	}
	var answer struct {
		ID             int
		Type           string
		Error, Message string
		Result         json.RawMessage
	}
	if err := f.conn.ReadJSON(&answer); err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	if answer.ID != f.last || answer.Type != "success" {
		return fmt.Errorf("%s: answer %d is %s: %s", method, answer.ID, answer.Error, answer.Message)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(answer.Result, into)
}

// must sends a command and fails the test if it fails.
func (f *firefox) must(t *testing.T, method string, params, into any) {
	t.Helper()
	if err := f.command(method, params, into); err != nil {
		t.Fatal(err)
	}
}

// firefoxWindow is a window with its own user context, and so its own cookies.
type firefoxWindow struct {
	t       *testing.T
	server  *server
	firefox *firefox
	context string
}

func (w *firefoxWindow) open(path string) {
	w.t.Helper()
	w.firefox.must(w.t, "browsingContext.navigate",
		map[string]any{"context": w.context, "url": w.server.url + path, "wait": "complete"}, nil)
}

func (w *firefoxWindow) evaluate(expression string, into any) error {
	var answer struct {
		Result           struct{ Value string }
		ExceptionDetails struct{ Text string }
	}
	params := map[string]any{
		"expression": "(() => {\n" + asJSON(expression) + "\n})()", "target": map[string]any{"context": w.context},
		"awaitPromise": false,
	}
	if err := w.firefox.command("script.evaluate", params, &answer); err != nil {
		return err
	}
	if answer.ExceptionDetails.Text != "" {
		return fmt.Errorf("exception: %s", answer.ExceptionDetails.Text)
	}
	return decode(answer.Result.Value, into)
}

func (w *firefoxWindow) clickAt(x, y float64) {
	w.t.Helper()
	w.perform(leftClick(x, y))
}

func (w *firefoxWindow) press(keys string) {
	w.t.Helper()
	w.perform(keystrokes(keys))
}

func (w *firefoxWindow) resize(width, height int) {
	w.t.Helper()
	size := map[string]int{"width": width, "height": height}
	w.firefox.must(w.t, "browsingContext.setViewport", map[string]any{"context": w.context, "viewport": size}, nil)
}

func (w *firefoxWindow) perform(gestures []gesture) {
	w.t.Helper()
	w.firefox.must(w.t, "input.performActions", map[string]any{"context": w.context, "actions": gestures}, nil)
}
