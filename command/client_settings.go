package command

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/BurntSushi/toml"

	"rollcall/command/client"
)

// The variables of the client. They win over its file.
const (
	clientURL   = "ROLLCALL_URL"
	clientToken = "ROLLCALL_TOKEN" // or ROLLCALL_TOKEN_FILE
)

// clientVariables returns the variables that a server must not take for misspelled settings.
func clientVariables() []string { return []string{clientURL, clientToken, clientToken + "_FILE"} }

// login is the board that somebody's commands use, and their access token for it.
type login struct {
	URL   string `toml:"url"`
	Token string `toml:"token"`
}

// errNoLogin says what to do before the first command.
var errNoLogin = errors.New("you aren't logged in: run rollcall login URL with the address of your board, or set " +
	clientURL + " and " + clientToken)

// clientFile returns the path of the file that rollcall login writes.
func clientFile(goos string, env environment) (string, error) {
	base := env["XDG_CONFIG_HOME"]
	switch {
	case goos == "windows":
		base = env["AppData"]
	case !filepath.IsAbs(base):
		base = under(env["HOME"], ".config")
	}
	if base == "" {
		return "", errors.New("there is no home folder to keep the login in: set " + clientURL + " and " + clientToken)
	}
	return filepath.Join(base, "rollcall", "client.toml"), nil
}

// statusCache returns the path of the file in which rollcall status keeps what it knew last, or "" if there's no folder
// for it.
func statusCache(goos string, env environment) string {
	base := env["XDG_CACHE_HOME"]
	switch {
	case goos == "windows":
		base = env["LocalAppData"]
	case !filepath.IsAbs(base):
		base = under(env["HOME"], ".cache")
	}
	return under(base, "rollcall", "status.json")
}

const maxClientFile = 64 << 10 // bytes

// readLogin reads the file that rollcall login writes. It returns errNoLogin if there's none.
func readLogin(path string) (l login, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return l, errNoLogin
	}
	if err != nil {
		return l, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxClientFile))
	if err != nil {
		return l, err
	}
	found, err := toml.Decode(string(text), &l)
	switch {
	case err != nil:
		return l, fmt.Errorf("%s can't be read: run rollcall login URL to write it again", path)
	case len(found.Undecoded()) > 0:
		return l, fmt.Errorf("%s: there is no setting %s", path, found.Undecoded()[0])
	case l.URL == "" || l.Token == "":
		return l, errNoLogin
	}
	return l, nil
}

// login returns the board and the token that commands use: the variables, or else the file. The token in the file is
// only ever sent to the board in the file.
func (con *console) login() (login, error) {
	token, err := con.env.secret(clientToken)
	if err != nil {
		return login{}, err
	}
	given := login{con.env[clientURL], string(token)}
	if given.URL != "" && given.Token != "" {
		return given, nil
	}
	path, err := clientFile(runtime.GOOS, con.env)
	if err != nil {
		return login{}, err
	}
	stored, err := readLogin(path)
	switch {
	case err != nil:
		return login{}, err
	case given.Token != "":
		stored.Token = given.Token
	case given.URL != "" && given.URL != stored.URL:
		return login{}, fmt.Errorf("%s is %s, but you're logged in to %s: set %s too", clientURL, given.URL, stored.URL,
			clientToken)
	}
	return stored, nil
}

// client returns a client for the board that somebody is logged in to.
func (con *console) client() (*client.Client, error) {
	l, err := con.login()
	if err != nil {
		return nil, err
	}
	return l.client()
}

func (l login) client() (*client.Client, error) {
	c, err := client.New(l.URL, l.Token, "rollcall/"+buildVersion())
	switch {
	case errors.Is(err, client.ErrURL):
		return nil, fmt.Errorf("%q isn't the address of a board: write one such as https://board.example.org", l.URL)
	case errors.Is(err, client.ErrToken):
		return nil, errors.New("the access token has characters that no token has: copy it again")
	}
	return c, err
}

// sum identifies the login without revealing the token.
func (l login) sum() string {
	sum := sha256.Sum256([]byte(l.URL + "\n" + l.Token))
	return hex.EncodeToString(sum[:])
}

// write writes the login to a file that only its owner can read, in one step.
func (l login) write(path string) error {
	var text bytes.Buffer
	if err := toml.NewEncoder(&text).Encode(l); err != nil {
		return err
	}
	return replaceFile(path, text.Bytes())
}

// replaceFile writes a file that only its owner can read, so that others see either the old or the new one.
func replaceFile(path string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // 0600
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}
