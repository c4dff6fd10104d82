package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// User is a person as the owner of the token sees them.
type User struct {
	ID    string    `json:"id"`
	User  string    `json:"user"`
	Name  string    `json:"name"`
	Team  string    `json:"team,omitempty"`
	State string    `json:"state"` // online, away, dnd or offline
	Text  string    `json:"text,omitempty"`
	Emoji string    `json:"emoji,omitempty"`
	Until time.Time `json:"until,omitzero"`
}

// Presence is what the owner of the token sees of themselves.
type Presence struct {
	Shown     User `json:"shown"`
	Invisible bool `json:"invisible,omitempty"`
}

// Presence returns how others see the owner of the token.
func (c *Client) Presence(ctx context.Context) (p Presence, err error) {
	return p, c.Call(ctx, http.MethodGet, "/me/presence", nil, &p)
}

// Account is the account of the token's owner.
type Account struct {
	User   string   `json:"user"`
	Name   string   `json:"name"`
	Scopes []string `json:"scopes"`
}

// Me returns the account of the token's owner.
func (c *Client) Me(ctx context.Context) (a Account, err error) {
	return a, c.Call(ctx, http.MethodGet, "/me", nil, &a)
}

// Status is a status that a person sets by hand.
type Status struct {
	State string     `json:"state,omitempty"` // "": automatic
	Text  string     `json:"text,omitempty"`
	Emoji string     `json:"emoji,omitempty"`
	For   string     `json:"for,omitempty"`
	Until *time.Time `json:"until,omitempty"`
}

// SetStatus replaces the status and returns it as it's stored.
func (c *Client) SetStatus(ctx context.Context, s Status) (set Status, err error) {
	return set, c.Call(ctx, http.MethodPut, "/me/status", s, &set)
}

// ClearStatus clears the status.
func (c *Client) ClearStatus(ctx context.Context) error {
	return c.Call(ctx, http.MethodDelete, "/me/status", nil, nil)
}

// SetInvisible makes the owner of the token invisible, or visible again.
func (c *Client) SetInvisible(ctx context.Context, invisible bool) error {
	return c.Call(ctx, http.MethodPut, "/me/privacy", map[string]bool{"invisible": invisible}, nil)
}

// Claim is what a program says about the owner of the token, until its lease ends.
type Claim struct {
	State string `json:"state"`
	Text  string `json:"text,omitempty"`
	Emoji string `json:"emoji,omitempty"`
	Lease string `json:"lease"`
}

// PutClaim sets or renews the claim with a key.
func (c *Client) PutClaim(ctx context.Context, key string, claim Claim) error {
	return c.Call(ctx, http.MethodPut, "/me/claims/"+url.PathEscape(key), claim, nil)
}

// DeleteClaim ends the claim with a key.
func (c *Client) DeleteClaim(ctx context.Context, key string) error {
	return c.Call(ctx, http.MethodDelete, "/me/claims/"+url.PathEscape(key), nil, nil)
}

// Limits of Here.
const (
	pageSize = 200
	maxPages = 500
)

// People is a list of people.
type People struct {
	Users   []User `json:"users"`
	Warming bool   `json:"warming,omitempty"` // the server has just started: people are still coming back
	Next    string `json:"next,omitempty"`
}

// Here returns the people who are here, in board order, of one team or of all ("").
func (c *Client) Here(ctx context.Context, team string) (all People, err error) {
	query := url.Values{"state": {"here"}, "limit": {strconv.Itoa(pageSize)}}
	if team != "" {
		query.Set("team", team)
	}
	for range maxPages {
		var page People
		if err := c.Call(ctx, http.MethodGet, "/users?"+query.Encode(), nil, &page); err != nil {
			return all, err
		}
		all.Users = append(all.Users, page.Users...)
		all.Warming = all.Warming || page.Warming
		if page.Next == "" {
			return all, nil
		}
		query.Set("cursor", page.Next)
	}
	return all, nil
}
