package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"
)

// answerWait is how long a browser may take to start or to run a command on a busy machine.
const answerWait = 3 * time.Minute

// gesture is an action sequence of an input source, in both WebDriver protocols.
type gesture map[string]any

// leftClick moves the mouse to a point and clicks.
func leftClick(x, y float64) []gesture {
	actions := []gesture{
		{"type": "pointerMove", "x": math.Round(x), "y": math.Round(y)},
		{"type": "pointerDown", "button": 0},
		{"type": "pointerUp", "button": 0},
	}
	return []gesture{{
		"type": "pointer", "id": "mouse", "parameters": gesture{"pointerType": "mouse"}, "actions": actions,
	}}
}

// specialKeys are keys that don't type a character, with their code points in WebDriver.
var specialKeys = strings.NewReplacer(kb.Enter, "\ue007", kb.Escape, "\ue00c", kb.Tab, "\ue004",
	kb.ArrowLeft, "\ue012", kb.ArrowUp, "\ue013", kb.ArrowRight, "\ue014", kb.ArrowDown, "\ue015")

// keystrokes types text and special keys on the keyboard.
func keystrokes(keys string) []gesture {
	var strokes []gesture
	for _, key := range specialKeys.Replace(keys) {
		for _, kind := range []string{"keyDown", "keyUp"} {
			strokes = append(strokes, gesture{"type": kind, "value": string(key)})
		}
	}
	return []gesture{{"type": "key", "id": "keyboard", "actions": strokes}}
}

// asJSON returns the body of a JavaScript function that returns the value of an expression as JSON. It loads watch.js
// in browsers that can't preload it.
func asJSON(expression string) string {
	return "if (!window.test) {\n" + watchScript + "}\nreturn JSON.stringify((" + expression + ")) ?? 'null'"
}

// decode decodes a result of asJSON.
func decode(answer string, into any) error {
	if into == nil {
		return nil
	}
	return json.Unmarshal([]byte(answer), into)
}

// browserFolder creates a home folder for a browser. It isn't t.TempDir, because a browser may still write files while
// it exits.
func browserFolder(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp(scratch, "browser-")
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

// startBrowser starts a browser, or a program it needs, in its own home folder. All its processes are killed when t
// ends.
func startBrowser(t *testing.T, home string, cmd *exec.Cmd) {
	t.Helper()
	var log buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.WaitDelay = time.Second // its children keep the log open
	cmd.Env = append(cmd.Env, "PATH="+os.Getenv("PATH"), "LANG=C.UTF-8",
		"HOME="+home, "TMPDIR="+home, "XDG_RUNTIME_DIR="+home, "NO_AT_BRIDGE=1", "MOZ_CRASHREPORTER_DISABLE=1")
	ownGroup(cmd)
	if err := cmd.Start(); err != nil {
		t.Fatalf("%v: scripts/test-programs installs it", err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // it may have ended already
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("output of %s:\n%s", filepath.Base(cmd.Path), log.String())
		}
	})
}

// webdriver is a window that is controlled over HTTP with W3C WebDriver.
type webdriver struct {
	t       *testing.T
	server  *server
	session string // URL of the session
}

// command sends a command of the session and decodes the value in the response.
func (w *webdriver) command(method, path string, body, into any) error {
	sent, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(w.t.Context(), method, w.session+path, bytes.NewReader(sent))
	if err != nil {
		return err
	}
	client := http.Client{Timeout: answerWait}
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	var got struct{ Value json.RawMessage }
	if err := json.NewDecoder(answer.Body).Decode(&got); err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s", method, path, got.Value)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(got.Value, into)
}

// post sends a command and fails the test if it fails.
func (w *webdriver) post(path string, body any) {
	w.t.Helper()
	if err := w.command(http.MethodPost, path, body, nil); err != nil {
		w.t.Fatal(err)
	}
}

func (w *webdriver) open(path string) {
	w.t.Helper()
	w.post("/url", map[string]string{"url": w.server.url + path})
}

func (w *webdriver) evaluate(expression string, into any) error {
	var answer string
	body := map[string]any{"script": asJSON(expression), "args": []any{}}
	if err := w.command(http.MethodPost, "/execute/sync", body, &answer); err != nil {
		return err
	}
	return decode(answer, into)
}

func (w *webdriver) clickAt(x, y float64) {
	w.t.Helper()
	w.post("/actions", map[string]any{"actions": leftClick(x, y)})
}

func (w *webdriver) press(keys string) {
	w.t.Helper()
	w.post("/actions", map[string]any{"actions": keystrokes(keys)})
}

// resize changes the size of the window, which includes the browser's own bars, until the viewport has the right size.
func (w *webdriver) resize(width, height int) {
	w.t.Helper()
	err := within(patience, func() (bool, string) {
		var inner, outer struct{ Width, Height int }
		if err := w.evaluate(`({ width: innerWidth, height: innerHeight })`, &inner); err != nil {
			return false, err.Error()
		}
		if inner.Width == width && inner.Height == height {
			return true, ""
		}
		if err := w.command(http.MethodGet, "/window/rect", nil, &outer); err != nil {
			return false, err.Error()
		}
		w.post("/window/rect", map[string]int{
			"width": outer.Width + width - inner.Width, "height": outer.Height + height - inner.Height,
		})
		return false, fmt.Sprintf("the viewport is %d×%d", inner.Width, inner.Height)
	})
	if err != nil {
		w.t.Fatalf("resize to %d×%d: %v", width, height, err)
	}
}
