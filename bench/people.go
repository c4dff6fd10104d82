package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/argon2"
	"golang.org/x/sync/errgroup"
)

const (
	teamSize  = 25
	signingIn = 2 // sign-ins at once; more would only wait for the server to hash passwords
)

// person is one account of ours.
type person struct {
	name, display, team string
	password            string
	cookie              string // of the session; "" before sign-in
	uid                 string // from the board; only set for changers
}

// people returns n people of a kind. Names sort by kind, then by number. Teams are numbered from first, so people with
// a lower first come earlier on the board.
func people(kind string, n, first int) []*person {
	all := make([]*person, n)
	for i := range all {
		all[i] = &person{
			name:    fmt.Sprintf("bench-%s-%05d", kind, i),
			display: fmt.Sprintf("Bench %s %05d", strings.ToUpper(kind[:1])+kind[1:], i),
			team:    fmt.Sprintf("Team %04d", (first+i)/teamSize),
		}
		all[i].password = passwordOf(all[i].name)
	}
	return all
}

// passwordOf derives a password from a name, so that a second run against the same server can sign in again.
func passwordOf(name string) string {
	sum := sha256.Sum256([]byte("rollcall bench " + name))
	return hex.EncodeToString(sum[:12])
}

// sharedHash returns the argon2id hash of password with the server's own parameters. With others, the server would hash
// it again at sign-in.
func sharedHash(password string) string {
	salt := make([]byte, 16)
	rand.Read(salt) // never fails
	key := argon2.IDKey([]byte(password), salt, 2, 19456, 1, 32)
	b64 := base64.RawStdEncoding.EncodeToString
	return "$argon2id$v=19$m=19456,t=2,p=1$" + b64(salt) + "$" + b64(key)
}

// client signs people in to a server and loads its pages.
type client struct {
	base   *url.URL
	signUp bool // try to sign up before signing in
	http   *http.Client
}

func newClient(base *url.URL, signUp bool) *client {
	return &client{base: base, signUp: signUp, http: &http.Client{
		Timeout:       30 * time.Second,
		Transport:     &http.Transport{MaxIdleConnsPerHost: maxClients},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func (cl *client) close() { cl.http.CloseIdleConnections() }

// signAllIn signs in everyone who isn't signed in yet, and calls tell now and then.
func (cl *client) signAllIn(ctx context.Context, all []*person, tell func(done, of int)) error {
	g, failed := errgroup.WithContext(ctx)
	g.SetLimit(signingIn)
	var done atomic.Int64
	for _, p := range all {
		if failed.Err() != nil {
			break
		}
		g.Go(func() error {
			if p.cookie == "" {
				if err := cl.signIn(failed, p); err != nil {
					return fmt.Errorf("sign in %s: %w", p.name, err)
				}
			}
			if n := int(done.Add(1)); n%500 == 0 {
				tell(n, len(all))
			}
			return nil
		})
	}
	return errors.Join(g.Wait(), ctx.Err())
}

func (cl *client) signIn(ctx context.Context, p *person) error {
	form := url.Values{"username": {p.name}, "password": {p.password}, "display_name": {p.display}}
	var refused string
	if cl.signUp {
		status, err := cl.post(ctx, "/signup", form, p)
		if err != nil || p.cookie != "" {
			return err
		}
		refused = fmt.Sprintf("POST /signup returned %d, then ", status)
	}
	status, err := cl.post(ctx, "/login", form, p)
	if err == nil && p.cookie == "" {
		err = fmt.Errorf("%sPOST /login returned %d; start the server with --signup open --limit-signups 0 --limit-logins 0 "+
			"--limit-sockets-address 0, and make sure that no other account has a name that starts with bench-", refused, status)
	}
	return err
}

// post sends a form. On success, it sets p's cookie.
func (cl *client) post(ctx context.Context, path string, form url.Values, p *person) (status int, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, cl.base.String()+path, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", cl.base.Scheme+"://"+cl.base.Host)
	answer, err := cl.http.Do(r)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body) // so that the connection can be reused
	if answer.StatusCode != http.StatusSeeOther {
		return answer.StatusCode, nil
	}
	var cookies []string
	for _, c := range answer.Cookies() {
		cookies = append(cookies, c.Name+"="+c.Value)
	}
	p.cookie = strings.Join(cookies, "; ")
	return answer.StatusCode, nil
}

// showEveryone is the query of the first page of everyone. Without a query, a board of several pages lists only those
// who are here.
const showEveryone = "show=everyone"

// board loads the first page of everyone as p.
func (cl *client) board(ctx context.Context, p *person) ([]byte, error) {
	return cl.page(ctx, p, everyone(cl.base).String())
}

// otherPeople returns the IDs of n people other than p, in the order of the board.
func (cl *client) otherPeople(ctx context.Context, p *person, n int) ([]string, error) {
	uids := make([]string, 0, n+pageRows)
	err := cl.allPages(ctx, p, func(_ string, html []byte) bool {
		scanRows(html, func(uid, username, _ []byte) {
			if string(username) != p.name {
				uids = append(uids, string(uid))
			}
		})
		return len(uids) < n
	})
	if err != nil {
		return nil, err
	}
	if len(uids) < n {
		return nil, fmt.Errorf("the board has %d people on its pages, not %d", len(uids), n)
	}
	return uids[:n], nil
}

// allPages loads the pages of everyone as p, in order, while see returns true. at is the address of the page.
func (cl *client) allPages(ctx context.Context, p *person, see func(at string, html []byte) bool) error {
	for at := everyone(cl.base).String(); ; {
		html, err := cl.page(ctx, p, at)
		if err != nil {
			return err
		}
		next, found := scanNext(html)
		if !see(at, html) || !found {
			return nil
		}
		u, err := cl.base.Parse(next)
		if err != nil {
			return err
		}
		at = u.String()
	}
}

// everyone returns the URL of the first page of everyone, whether they're here or not.
func everyone(base *url.URL) *url.URL {
	at := base.JoinPath("/")
	at.RawQuery = showEveryone
	return at
}

// page loads a page of the board as p.
func (cl *client) page(ctx context.Context, p *person, at string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Cookie", p.cookie)
	answer, err := cl.http.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("GET %s returned %d", r.URL.Path, answer.StatusCode)
	}
	return io.ReadAll(answer.Body)
}
