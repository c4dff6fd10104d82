package command

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"runtime"
	"strings"
	"time"

	"golang.org/x/term"

	"rollcall/accounts"
	"rollcall/command/client"
)

// clientWait is how long commands wait for an answer.
const clientWait = 15 * time.Second

// loginCmd remembers a board and an access token for the other commands.
type loginCmd struct {
	URL        string `arg:"" name:"url" help:"The address of the board, as your browser shows it."`
	TokenStdin bool   `help:"Read the access token from standard input, without a prompt."`
}

// Run checks the token before it replaces an older one.
func (c *loginCmd) Run(ctx context.Context, con *console) error {
	path, err := clientFile(runtime.GOOS, con.env)
	if err != nil {
		return err
	}
	board, err := client.ParseURL(c.URL)
	if err != nil {
		return fmt.Errorf("%q isn't the address of a board: write one such as https://board.example.org", c.URL)
	}
	if !isLocal(board.Hostname()) && board.Scheme == "http" {
		fmt.Fprintln(con.stderr, "This address begins with http, so others on the network can read your access token.")
	}
	token, err := c.token(con, board)
	if err != nil {
		return err
	}
	l := login{board.String(), token}
	api, err := l.client()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, clientWait)
	defer cancel()
	me, err := api.Me(ctx)
	if err != nil {
		return explain(api, err)
	}
	if err := l.write(path); err != nil {
		return fmt.Errorf("keep the access token: %w", err)
	}
	_, err = fmt.Fprintf(con.stdout, "Logged in to %s as %s. The token can use: %s.\n", l.URL, printable(me.User),
		printable(strings.Join(me.Scopes, ", ")))
	return err
}

// token asks for an access token, or reads it from standard input.
func (c *loginCmd) token(con *console, board *url.URL) (string, error) {
	if in, ok := con.stdin.(*os.File); !c.TokenStdin && ok && term.IsTerminal(int(in.Fd())) {
		fmt.Fprintf(con.stderr, "Create an access token at %s/settings, with the scopes me:read, me:write, claims:write, "+
			"and roster:read.\nPaste it here (it isn't shown): ", board)
		line, err := term.ReadPassword(int(in.Fd()))
		fmt.Fprintln(con.stderr)
		if err != nil {
			return "", fmt.Errorf("read the token: %w", err)
		}
		return cleanToken(string(line))
	}
	line, err := bufio.NewReader(io.LimitReader(con.stdin, 4<<10)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the token: %w", err)
	}
	return cleanToken(line)
}

func cleanToken(line string) (string, error) {
	line = strings.TrimSpace(line)
	if !accounts.IsToken(line) {
		return "", errors.New("that isn't an access token: copy all of it, from rollcall_ to the end")
	}
	return line, nil
}

// logoutCmd forgets the access token.
type logoutCmd struct{}

// Run removes the file of login. The token itself ends only in the settings of the board.
func (logoutCmd) Run(con *console) error {
	path, err := clientFile(runtime.GOOS, con.env)
	if err != nil {
		return err
	}
	if cache := statusCache(runtime.GOOS, con.env); cache != "" {
		os.Remove(cache)
	}
	err = os.Remove(path)
	if errors.Is(err, fs.ErrNotExist) {
		_, err = fmt.Fprintln(con.stdout, "You weren't logged in.")
		return err
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(con.stdout, "Logged out. The access token still works until you revoke it in the settings of the board.")
	return err
}
