package command

import (
	"fmt"
	"io"
	"net/url"
)

// publicFlag says where people open the board, for commands that print links to it.
type publicFlag struct {
	PublicURL string `variable:"ROLLCALL_PUBLIC_URL" placeholder:"URL" help:"Public address of the board, including any base path, for the link."`
}

// public returns the public address, or nil if it's not set and this isn't a machine on Fly.
func (p *publicFlag) public(env environment) (*url.URL, error) {
	return publicURL(publicAddress(p.PublicURL, env))
}

// publicAddress returns the public address that is set, or else that of a machine on Fly.
func publicAddress(set string, env environment) string {
	if app := env["FLY_APP_NAME"]; set == "" && app != "" {
		return "https://" + app + ".fly.dev"
	}
	return set
}

// printLink prints a link to path on the board.
func printLink(w io.Writer, public *url.URL, path string) error {
	if public != nil {
		_, err := fmt.Fprintf(w, "Link: %s%s\n", public, path)
		return err
	}
	_, err := fmt.Fprintf(w, "Link: %s\nPut the address of the board in front of the link. "+
		"To get the whole link next time, set --public-url or ROLLCALL_PUBLIC_URL.\n", path)
	return err
}
