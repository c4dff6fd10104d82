package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
)

// apiTokens is the number of people who read the API, each with an access token, because each token has a limit.
const apiTokens = 64

// apiClient calls the API with the tokens of several people in turn.
type apiClient struct {
	*client
	tokens []string
}

// newAPIClient makes an access token for each of people. They sign in again, because they must have done so recently.
func newAPIClient(ctx context.Context, cl *client, people []*person) (*apiClient, error) {
	c := &apiClient{client: cl}
	for _, p := range people {
		again := *p
		if err := cl.signIn(ctx, &again); err != nil {
			return nil, err
		}
		token, err := makeToken(ctx, cl, &again)
		if err != nil {
			return nil, fmt.Errorf("make an access token: %w", err)
		}
		c.tokens = append(c.tokens, token)
	}
	return c, nil
}

func makeToken(ctx context.Context, cl *client, p *person) (string, error) {
	at := cl.base.JoinPath("/api/v1/me/tokens").String()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, at, bytes.NewReader([]byte(`{"scopes":["roster:read"]}`)))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Origin", cl.base.Scheme+"://"+cl.base.Host)
	r.Header.Set("Cookie", p.cookie)
	answer, err := cl.http.Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	var made struct{ Token string }
	if answer.StatusCode != http.StatusCreated {
		return "", fmt.Errorf("POST /api/v1/me/tokens returned %d", answer.StatusCode)
	}
	err = json.NewDecoder(answer.Body).Decode(&made)
	return made.Token, err
}

// usersPage is a page of the roster.
type usersPage struct {
	Users []struct {
		User string `json:"user"`
	} `json:"users"`
	Next string `json:"next"`
}

// get calls an operation and decodes its answer into out, unless that is nil.
func (c *apiClient) get(ctx context.Context, path string, query url.Values, out any) error {
	at := c.base.JoinPath("/api/v1" + path)
	at.RawQuery = query.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+c.tokens[rand.IntN(len(c.tokens))])
	answer, err := c.http.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s returned %d", at.Path, answer.StatusCode)
	}
	if out == nil {
		_, err = io.Copy(io.Discard, answer.Body)
		return err
	}
	return json.NewDecoder(answer.Body).Decode(out)
}

// walk returns the cursors of n pages of 200 people, from the first on.
func (c *apiClient) walk(ctx context.Context, n int) (cursors []string, err error) {
	q := url.Values{"limit": {"200"}}
	for len(cursors) < n {
		var p usersPage
		if err := c.get(ctx, "/users", q, &p); err != nil {
			return nil, err
		}
		if p.Next == "" {
			break
		}
		cursors = append(cursors, p.Next)
		q.Set("cursor", p.Next)
	}
	return cursors, nil
}

// measureAPI measures pages of the roster in the API, with access tokens, on a board of -accounts.
func measureAPI(ctx context.Context, b *bench) error {
	if err := fill(ctx, b, b.accounts); err != nil {
		return err
	}
	cl := newClient(b.bases[0], false)
	defer cl.close()
	c, err := newAPIClient(ctx, cl, b.people[:apiTokens])
	if err != nil {
		return err
	}
	b.report.add("api", "accounts", float64(b.accounts), "", "")
	return c.measure(ctx, b, "api", "≤ 50 at 100,000", number(b, 3))
}

// measure measures lookups in the API. wanted is the limit of their p95 in the report of scenario, and word something
// to search for.
func (c *apiClient) measure(ctx context.Context, b *bench, scenario, wanted, word string) error {
	cursors, err := c.walk(ctx, max(2, min(b.accounts/pageRows, 100)))
	if err != nil {
		return err
	}
	if len(cursors) == 0 {
		return fmt.Errorf("the roster has one page: %s needs more than %d accounts", scenario, pageRows)
	}
	for _, l := range []struct {
		name  string
		query func() url.Values
	}{
		{"first page of the roster", func() url.Values { return url.Values{} }},
		{"later page of the roster", func() url.Values { return url.Values{"cursor": {cursors[rand.IntN(len(cursors))]}} }},
		{"roster, who is here", func() url.Values { return url.Values{"state": {"here"}} }},
		{"roster, search", func() url.Values { return url.Values{"q": {word}} }},
	} {
		took, err := timeEach(ctx, b, func(ctx context.Context, _ int) error {
			q := l.query()
			q.Set("limit", "200")
			return c.get(ctx, "/users", q, nil)
		})
		if err != nil {
			return fmt.Errorf("API, %s: %w", l.name, err)
		}
		s := spreadOf(took)
		b.report.add(scenario, "API, "+l.name+", p50", s.p50, "ms", "")
		b.report.add(scenario, "API, "+l.name+", p95", s.p95, "ms", wanted)
	}
	return nil
}
