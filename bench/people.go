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

// door signs people in at a server.
type door struct {
	base   *url.URL
	signUp bool // try that first
	client *http.Client
}

func newDoor(base *url.URL, signUp bool) *door {
	return &door{base: base, signUp: signUp, client: &http.Client{
		Timeout:       30 * time.Second,
		Transport:     &http.Transport{MaxIdleConnsPerHost: maxClients},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func (d *door) close() { d.client.CloseIdleConnections() }

// letIn signs everybody in who is not yet, telling how far it is.
func (d *door) letIn(ctx context.Context, all []*person, tell func(done, of int)) error {
	g, failed := errgroup.WithContext(ctx)
	g.SetLimit(signingIn)
	var done atomic.Int64
	for _, p := range all {
		if failed.Err() != nil {
			break
		}
		g.Go(func() error {
			if p.cookie == "" {
				if err := d.signIn(failed, p); err != nil {
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

func (d *door) signIn(ctx context.Context, p *person) error {
	form := url.Values{"username": {p.name}, "password": {p.password}, "display_name": {p.display}}
	var refused string
	if d.signUp {
		status, err := d.post(ctx, "/signup", form, p)
		if err != nil || p.cookie != "" {
			return err
		}
		refused = fmt.Sprintf("POST /signup was answered %d, then ", status)
	}
	status, err := d.post(ctx, "/login", form, p)
	if err == nil && p.cookie == "" {
		err = fmt.Errorf("%sPOST /login %d; a server to be measured needs --limit-signups 0 --limit-logins 0 --limit-sockets-address 0, and accounts of other programs must not have our names", refused, status)
	}
	return err
}

// post sends a form. On success p has its cookie.
func (d *door) post(ctx context.Context, path string, form url.Values, p *person) (status int, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, d.base.String()+path, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", d.base.Scheme+"://"+d.base.Host)
	answer, err := d.client.Do(r)
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
func (d *door) board(ctx context.Context, p *person) ([]byte, error) {
	return d.page(ctx, p, d.base.String()+"/")
}

// everybody lists the ids of n people in the order of the board, as p, who is not among them.
func (d *door) everybody(ctx context.Context, p *person, n int) ([]string, error) {
	uids := make([]string, 0, n+pageRows)
	for at := d.base.JoinPath("/"); len(uids) < n; {
		html, err := d.page(ctx, p, at.String())
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
		if at, err = d.base.Parse(next); err != nil {
			return nil, err
		}
	}
	if len(uids) < n {
		return nil, fmt.Errorf("the board has %d people on its pages, not %d", len(uids), n)
	}
	return uids[:n], nil
}

// page loads a page of the board as p.
func (d *door) page(ctx context.Context, p *person, at string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Cookie", p.cookie)
	answer, err := d.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("GET %s was answered %d", r.URL.Path, answer.StatusCode)
	}
	return io.ReadAll(answer.Body)
}
