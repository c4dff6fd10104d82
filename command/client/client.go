// Package client calls the API of a server for the commands that people use in a terminal. It doesn't know flags, the
// environment, files, or how to word an error.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	apiPath = "/api/v1"
	maxBody = 16 << 20 // bytes of one response
)

// Errors of New.
var (
	ErrURL   = errors.New("not the address of a board")
	ErrToken = errors.New("not an access token")
)

// Client calls the API of one board with one access token.
type Client struct {
	board *url.URL // without a slash at the end of its path
	token string
	agent string
	http  *http.Client
}

// New returns a client for the board at an address such as https://board.example.org. agent names the program. Errors:
// ErrURL, ErrToken.
func New(board, token, agent string) (*Client, error) {
	u, err := ParseURL(board)
	if err != nil {
		return nil, err
	}
	if token == "" || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, ErrToken
	}
	// A redirect could lead the token to another server, so it's an error.
	keep := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Client{u, token, agent, &http.Client{CheckRedirect: keep}}, nil
}

// ParseURL returns the address of a board without a slash at its end, or ErrURL.
func ParseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" ||
		u.Fragment != "" {
		return nil, ErrURL
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host, Path: strings.TrimRight(u.Path, "/")}, nil
}

// Board returns the address of the board.
func (c *Client) Board() string { return c.board.String() }

// Problem is a response that says why a request failed.
type Problem struct {
	Status     int
	Kind       string        // the last part of the problem's type, such as insufficient-scope; "" if the server isn't Rollcall
	Detail     string        // a sentence for people
	RetryAfter time.Duration // 0: not said
	Location   string        // where a redirect leads
}

func (p *Problem) Error() string {
	if p.Detail != "" {
		return p.Detail
	}
	return fmt.Sprintf("%d %s", p.Status, http.StatusText(p.Status))
}

// Temporary reports whether the same request may succeed later.
func (p *Problem) Temporary() bool {
	return p.Status == http.StatusRequestTimeout || p.Status == http.StatusTooManyRequests || p.Status >= 500
}

// Call sends a request to a path below /api/v1. body is sent as JSON unless it's nil, and the response is decoded to
// into unless that's nil. Its error is a *Problem if the server refuses.
func (c *Client) Call(ctx context.Context, method, path string, body, into any) error {
	response, err := c.send(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode >= 300 {
		return readProblem(response)
	}
	if into == nil || response.StatusCode == http.StatusNoContent {
		return nil
	}
	if !hasType(response, "application/json") {
		return &Problem{Status: response.StatusCode}
	}
	return json.NewDecoder(io.LimitReader(response.Body, maxBody)).Decode(into)
}

func (c *Client) send(ctx context.Context, method, path string, body any) (*http.Response, error) {
	var in io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		in = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(ctx, method, c.board.String()+apiPath+path, in)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+c.token)
	r.Header.Set("User-Agent", c.agent)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	response, err := c.http.Do(r)
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err // without the address, which the message names once
	}
	return response, err
}

func hasType(r *http.Response, want string) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && kind == want
}

func readProblem(r *http.Response) error {
	p := &Problem{Status: r.StatusCode, Location: r.Header.Get("Location")}
	if seconds, err := strconv.ParseUint(r.Header.Get("Retry-After"), 10, 16); err == nil {
		p.RetryAfter = time.Duration(seconds) * time.Second
	}
	var told struct{ Type, Detail string }
	if !hasType(r, "application/problem+json") ||
		json.NewDecoder(io.LimitReader(r.Body, maxBody)).Decode(&told) != nil {
		return p
	}
	p.Kind, p.Detail = told.Type[strings.LastIndex(told.Type, "/")+1:], told.Detail
	return p
}
