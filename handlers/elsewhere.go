package handlers

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"

	"rollcall/accounts"
	"rollcall/identity"
	"rollcall/ui"
)

// ProviderURLs are the addresses of a board that its operator registers at a provider.
type ProviderURLs struct {
	Redirect    string // of the callback
	SignedOut   string // where the provider may send people after it signed them out
	BackChannel string // where the provider may send logout tokens
}

// URLsAtProvider returns the addresses that a provider with this key needs. public is the board's public URL.
func URLsAtProvider(public *url.URL, key string) ProviderURLs {
	base := strings.TrimSuffix(public.String(), "/")
	return ProviderURLs{base + "/auth/" + key + "/callback", base + "/login", base + "/auth/" + key + "/backchannel"}
}

// provider is an OpenID Connect provider with which people sign in.
type provider struct {
	*identity.Provider
	unreadWarned atomic.Bool // that somebody's groups are unknown has been logged, once per process
}

func (p *provider) key() string  { return p.Config().Key }
func (p *provider) name() string { return p.Config().Name }

// providers holds the configured providers, in the order of the configuration.
type providers []*provider

func newProviders(all []*identity.Provider) (list providers) {
	for _, p := range all {
		list = append(list, &provider{Provider: p})
	}
	return list
}

// find returns the provider with a key, or nil.
func (all providers) find(key string) *provider {
	n := slices.IndexFunc(all, func(p *provider) bool { return p.key() == key })
	if n < 0 {
		return nil
	}
	return all[n]
}

// provider returns the provider that the path names.
func (s *Server) provider(c echo.Context) (*provider, error) {
	p := s.providers.find(c.Param("key"))
	if p == nil {
		return nil, &failure{Status: http.StatusNotFound, Heading: "No such provider",
			Message: "This board doesn't offer to sign in there."}
	}
	return p, nil
}

// ElsewhereName returns the name of a provider or of the proxy, as people see it.
func (s *Server) ElsewhereName(key string) string {
	switch p := s.providers.find(key); {
	case p != nil:
		return p.name()
	case s.cfg.Header != nil && s.cfg.Header.Issuer() == key:
		return "the proxy in front of this board"
	}
	return key
}

// offeredWays returns the ways to sign in that this server offers, besides passwords.
func (s *Server) offeredWays() accounts.Ways {
	offered := accounts.Ways{RPID: s.rpID()}
	for _, p := range s.providers {
		offered.Providers = append(offered.Providers, p.key())
	}
	if s.cfg.Header != nil {
		offered.Providers = append(offered.Providers, s.cfg.Header.Issuer())
	}
	return offered
}

// offers reports whether the session may still be used: if somebody else started it, the provider is still configured,
// and the proxy still names the person.
func (s *Server) offers(c echo.Context, x accounts.Session) bool {
	switch x.Method {
	case accounts.ByProvider:
		return s.providers.find(x.Provider) != nil
	case accounts.ByProxy:
		named, ok := proxied(c)
		return ok && x.Provider == s.cfg.Header.Issuer() && x.ProviderSession == named.Value
	}
	return true
}

const signOutWait = 2 * time.Second // for a provider to say where people sign out

// elsewhere returns what the sign-in page offers besides the password.
func (s *Server) elsewhere(c echo.Context, next string) ui.SignInElsewhere {
	e := ui.SignInElsewhere{Next: s.nextField(next)}
	if named, ok := proxied(c); ok {
		e.Proxied = named.Value
	}
	query := ""
	if e.Next != "" {
		query = "?next=" + url.QueryEscape(e.Next)
	}
	for _, p := range s.providers {
		down, _ := p.Down()
		e.Providers = append(e.Providers, ui.ProviderLink{
			Name: p.name(), Href: s.site.path("/auth/") + p.key() + query, Down: down,
		})
	}
	e.SignedOut = s.signOutElsewhere(c)
	return e
}

// signOutElsewhere returns where somebody who has just signed out can do so at the provider, too.
func (s *Server) signOutElsewhere(c echo.Context) ui.ProviderLink {
	key := c.QueryParam("out")
	if key == "" {
		return ui.ProviderLink{}
	}
	if p := s.providers.find(key); p != nil {
		ctx, cancel := context.WithTimeout(c.Request().Context(), signOutWait)
		defer cancel()
		page, _ := p.LogoutURL(ctx)
		return ui.ProviderLink{Name: p.name(), Href: page}
	}
	if s.cfg.Header != nil && key == s.cfg.Header.Issuer() {
		return ui.ProviderLink{Name: s.ElsewhereName(key), Href: s.cfg.HeaderSignOut}
	}
	return ui.ProviderLink{}
}
