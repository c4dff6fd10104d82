package identity

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// metadata is what we need of a discovery document: OpenID Connect Discovery section 3, RP-Initiated Logout section
// 2.1, Back-Channel Logout section 2.1, RFC 8414 section 2, and RFC 9207 section 3.
type metadata struct {
	AuthURL       string   `json:"authorization_endpoint"`
	TokenURL      string   `json:"token_endpoint"`
	UserInfoURL   string   `json:"userinfo_endpoint"`
	KeysURL       string   `json:"jwks_uri"`
	EndSessionURL string   `json:"end_session_endpoint"`
	Algorithms    []string `json:"id_token_signing_alg_values_supported"`
	AuthMethods   []string `json:"token_endpoint_auth_methods_supported"`
	Challenges    []string `json:"code_challenge_methods_supported"`
	SendsIssuer   bool     `json:"authorization_response_iss_parameter_supported"`
	BackChannel   bool     `json:"backchannel_logout_supported"`
}

// discovered is a provider as its discovery document describes it. It doesn't change. Keys that the provider withdraws
// are forgotten with it.
type discovered struct {
	metadata
	oauth      *oauth2.Config
	verifier   *oidc.Config
	keys       *oidc.RemoteKeySet
	logoutKeys *oidc.RemoteKeySet
}

// fetchDiscovery fetches the discovery document and checks it.
func (p *Provider) fetchDiscovery(ctx context.Context) (*discovered, error) {
	ctx = oidc.ClientContext(ctx, p.client)
	provider, err := oidc.NewProvider(ctx, p.config.Issuer)
	if err != nil {
		return nil, p.config.failedDiscovery(err)
	}
	var m metadata
	if err := provider.Claims(&m); err != nil {
		return nil, p.config.failure(ErrProtocol, "discovery", err)
	}
	if problem := m.problem(p.config.Issuer); problem != "" {
		return nil, p.config.failure(ErrProtocol, problem, nil)
	}
	return &discovered{
		metadata: m,
		oauth: &oauth2.Config{
			ClientID:     p.config.ClientID,
			ClientSecret: p.config.ClientSecret,
			Endpoint:     oauth2.Endpoint{AuthURL: m.AuthURL, TokenURL: m.TokenURL, AuthStyle: m.authStyle()},
			RedirectURL:  p.config.RedirectURL,
			Scopes:       p.config.Scopes,
		},
		verifier:   &oidc.Config{ClientID: p.config.ClientID, SupportedSigningAlgs: m.algorithms()},
		keys:       oidc.NewRemoteKeySet(ctx, m.KeysURL),
		logoutKeys: oidc.NewRemoteKeySet(oidc.ClientContext(ctx, p.logoutClient), m.KeysURL),
	}, nil
}

// problem says what makes the provider unusable; "" is nothing.
func (m *metadata) problem(issuer string) string {
	from, err := url.Parse(issuer)
	if err != nil {
		return "issuer isn't a URL"
	}
	for _, endpoint := range []struct {
		name, url string
		required  bool
	}{
		{"authorization_endpoint", m.AuthURL, true},
		{"token_endpoint", m.TokenURL, true},
		{"jwks_uri", m.KeysURL, true},
		{"userinfo_endpoint", m.UserInfoURL, false},
		{"end_session_endpoint", m.EndSessionURL, false},
	} {
		if endpoint.url == "" && !endpoint.required {
			continue
		}
		u, err := url.Parse(endpoint.url)
		if err != nil || u.Host == "" || u.Fragment != "" || u.User != nil {
			return "discovery: no usable " + endpoint.name
		}
		if u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u) || !isLoopback(from)) {
			return "discovery: " + endpoint.name + " doesn't use https"
		}
	}
	if m.authStyle() == oauth2.AuthStyleAutoDetect {
		return "discovery: the provider accepts neither client_secret_basic nor client_secret_post"
	}
	return ""
}

// authStyle returns how the client proves its identity, or AuthStyleAutoDetect if the provider accepts no way that we
// know.
func (m *metadata) authStyle() oauth2.AuthStyle {
	switch {
	case len(m.AuthMethods) == 0 || slices.Contains(m.AuthMethods, "client_secret_basic"):
		return oauth2.AuthStyleInHeader // the default of OpenID Connect Discovery section 3
	case slices.Contains(m.AuthMethods, "client_secret_post"):
		return oauth2.AuthStyleInParams
	}
	return oauth2.AuthStyleAutoDetect
}

// algorithms returns the provider's signature algorithms, without none and those that use the client secret as a key.
// If none is left, the library accepts RS256, which every provider must have.
func (m *metadata) algorithms() []string {
	public := []string{
		oidc.RS256, oidc.RS384, oidc.RS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.PS256, oidc.PS384, oidc.PS512,
		oidc.EdDSA,
	}
	return slices.DeleteFunc(public, func(name string) bool { return !slices.Contains(m.Algorithms, name) })
}

// LogoutURL returns the page of the provider that signs a person out there and then sends them to SignedOutURL, as
// OpenID Connect RP-Initiated Logout 1.0 describes. The provider may ask for confirmation, because the URL has no ID
// token. ok is false if the provider has no such page or doesn't answer. LogoutURL may wait for the provider until ctx
// is done, and not more than 10 seconds.
func (p *Provider) LogoutURL(ctx context.Context) (page string, ok bool) {
	found, err := p.discover(ctx)
	if err != nil || found.EndSessionURL == "" {
		return "", false
	}
	u, err := url.Parse(found.EndSessionURL)
	if err != nil {
		return "", false
	}
	query := u.Query()
	query.Set("client_id", p.config.ClientID)
	if p.config.SignedOutURL != "" {
		query.Set("post_logout_redirect_uri", p.config.SignedOutURL)
	}
	u.RawQuery = query.Encode()
	return u.String(), true
}

// ProviderReport is what Check finds out about a provider.
type ProviderReport struct {
	Keys              int  // that it signs with
	UserInfo          bool // it has a userinfo endpoint
	PKCE              bool // it says that it supports PKCE with S256
	EndSession        bool // LogoutURL works
	BackChannelLogout bool // it says that it sends logout tokens
}

// Check fetches the discovery document and the keys, whatever is known of them already. It changes nothing.
func (p *Provider) Check(ctx context.Context) (ProviderReport, error) {
	found, err := p.fetchDiscovery(ctx)
	if err != nil {
		return ProviderReport{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, found.KeysURL, nil)
	if err != nil {
		return ProviderReport{}, p.config.failure(ErrProtocol, "jwks_uri", err)
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return ProviderReport{}, p.config.failedRequest("jwks_uri", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return ProviderReport{}, p.config.failure(ErrProtocol, "jwks_uri", err)
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(body, &set); err != nil || len(set.Keys) == 0 {
		return ProviderReport{}, p.config.failure(ErrProtocol, "jwks_uri: no keys", err)
	}
	return ProviderReport{
		Keys:              len(set.Keys),
		UserInfo:          found.UserInfoURL != "",
		PKCE:              slices.Contains(found.Challenges, "S256"),
		EndSession:        found.EndSessionURL != "",
		BackChannelLogout: found.BackChannel,
	}, nil
}
