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
	signingIn = 2 // at once: more would only wait for the server's hashing
)

// person is one account of ours.
type person struct {
	name, display, team string
	password            string
	cookie              string // of the session; "" before sign in
	uid                 string // as the board says; only of people who make changes
}

// people makes n persons of a kind. Names sort by kind, then number; teams by the number first + n, so that those of
// whom first is lowest stand first on the board.
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

// passwordOf derives a password, so that a second run against the same server can sign in again.
func passwordOf(name string) string {
	sum := sha256.Sum256([]byte("rollcall bench " + name))
	return hex.EncodeToString(sum[:12])
}

// sharedHash is the argon2id hash of password as the server makes them itself: others would be made anew at sign in.
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
	signUp bool // try that first
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

// signAllIn signs in those who are not signed in yet, and reports its progress to tell.
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
		refused = fmt.Sprintf("POST /signup was answered %d, then ", status)
	}
	status, err := cl.post(ctx, "/login", form, p)
	if err == nil && p.cookie == "" {
		err = fmt.Errorf("%sPOST /login %d; a server to be measured needs --limit-signups 0 --limit-logins 0 --limit-sockets-address 0, and accounts of other programs must not have our names", refused, status)
	}
	return err
}

// post sends a form. On success p has its cookie.
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
	_, _ = io.Copy(io.Discard, answer.Body) // so that the connection serves again
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

// board loads the first page as p.
func (cl *client) board(ctx context.Context, p *person) ([]byte, error) {
	return cl.page(ctx, p, cl.base.String()+"/")
}

// everybody lists the ids of n people in the order of the board, as p, who is not among them.
func (cl *client) everybody(ctx context.Context, p *person, n int) ([]string, error) {
	uids := make([]string, 0, n+pageRows)
	for at := cl.base.JoinPath("/"); len(uids) < n; {
		html, err := cl.page(ctx, p, at.String())
		if err != nil {
			return nil, err
		}
		scanRows(html, func(uid, username, _ []byte) {
			if string(username) != p.name {
				uids = append(uids, string(uid))
			}
		})
		next, found := scanNext(html)
		if !found {
			break
		}
		if at, err = cl.base.Parse(next); err != nil {
			return nil, err
		}
	}
	if len(uids) < n {
		return nil, fmt.Errorf("the board has %d people on its pages, not %d", len(uids), n)
	}
	return uids[:n], nil
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
		return nil, fmt.Errorf("GET %s was answered %d", r.URL.Path, answer.StatusCode)
	}
	return io.ReadAll(answer.Body)
}
