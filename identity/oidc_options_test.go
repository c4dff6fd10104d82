package identity

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestParseProvider(t *testing.T) {
	got, err := ParseProvider("corp", ProviderOptions{
		Name:         " Example login ",
		Issuer:       "https://login.example.com/realms/a/",
		ClientID:     "rollcall",
		ClientSecret: "secret",
		Scopes:       "profile,email groups",
		Domains:      "Example.com, example.org,example.com",
		Teams:        "/eng=Engineering, cn=ops=Operations ,",
		Admins:       " /admins,/root",
		Absent:       "none",
		SignUp:       "approve",
	})
	want := ProviderConfig{
		Key: "corp", Name: "Example login", Issuer: "https://login.example.com/realms/a/", ClientID: "rollcall",
		ClientSecret: "secret", Scopes: []string{"openid", "profile", "email", "groups"},
		Domains: []string{"example.com", "example.org"},
		Teams:   []TeamRule{{"/eng", "Engineering"}, {"cn=ops", "Operations"}}, Admins: []string{"/admins", "/root"},
		AbsentNone: true, SignUp: SignUpApprove,
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("ParseProvider() = %+v, %v, want %+v", got, err, want)
	}
}

func TestProviderDefaults(t *testing.T) {
	least := ProviderOptions{Issuer: "https://login.example.com", ClientID: "a", ClientSecret: "b"}
	with := func(change func(*ProviderOptions)) ProviderOptions {
		changed := least
		change(&changed)
		return changed
	}
	tests := []struct {
		name    string
		options ProviderOptions
		want    SignUp
	}{
		{"nothing", least, SignUpNo},
		{"domains", with(func(o *ProviderOptions) { o.Domains = "example.com" }), SignUpCreate},
		{"teams", with(func(o *ProviderOptions) { o.Teams = "a=A" }), SignUpCreate},
		{"administrators", with(func(o *ProviderOptions) { o.Admins = "a" }), SignUpCreate},
		{"domains, but no", with(func(o *ProviderOptions) { o.Domains, o.SignUp = "example.com", "no" }), SignUpNo},
		{"create for all", with(func(o *ProviderOptions) { o.SignUp = "create" }), SignUpCreate},
	}
	for _, test := range tests {
		got, err := ParseProvider("corp", test.options)
		if err != nil || got.SignUp != test.want || got.Name != "corp" || got.AbsentNone ||
			!slices.Equal(got.Scopes, []string{"openid", "profile", "email"}) {
			t.Errorf("%s: ParseProvider() = %+v, %v, want %s", test.name, got, err, test.want)
		}
	}
}

// TestProviderProblems: each row has one mistake, and the error says what to write instead.
func TestProviderProblems(t *testing.T) {
	tests := []struct {
		key    string
		change func(o *ProviderOptions)
		option string // "" for no problem
		says   string
	}{
		{"corp", func(o *ProviderOptions) {}, "", ""},
		{"0123456789abcdef", func(o *ProviderOptions) {}, "", ""},
		{"", func(o *ProviderOptions) {}, "KEY", "a-z and 0-9"},
		{"Corp", func(o *ProviderOptions) {}, "KEY", "a-z and 0-9"},
		{"0123456789abcdefg", func(o *ProviderOptions) {}, "KEY", "1 to 16"},
		{"corp", func(o *ProviderOptions) { o.Name = strings.Repeat("ü", 65) }, "NAME", "64"},
		{"corp", func(o *ProviderOptions) { o.Name = "a\nb" }, "NAME", "printable"},
		{"corp", func(o *ProviderOptions) { o.Issuer = "" }, "ISSUER", "missing"},
		{"corp", func(o *ProviderOptions) { o.Issuer = "login.example.com" }, "ISSUER", "write a URL"},
		{"corp", func(o *ProviderOptions) { o.Issuer = "https:login.example.com" }, "ISSUER", "write a URL"},
		{"corp", func(o *ProviderOptions) { o.Issuer = "https://a:b@login.example.com" }, "ISSUER", "without a username"},
		{"corp", func(o *ProviderOptions) { o.Issuer = "https://login.example.com?" }, "ISSUER", "a query"},
		{"corp", func(o *ProviderOptions) { o.Issuer = "https://login.example.com#a" }, "ISSUER", "a fragment"},
		{"corp", func(o *ProviderOptions) { o.Issuer = "http://login.example.com" }, "ISSUER", "use https"},
		{"corp", func(o *ProviderOptions) { o.Issuer = "http://10.0.0.7" }, "ISSUER", "use https"},
		{"corp", func(o *ProviderOptions) { o.Issuer = "http://localhost.example.com" }, "ISSUER", "use https"},
		{"corp", func(o *ProviderOptions) { o.Issuer = "ftp://localhost" }, "ISSUER", "use https"},
		{"corp", func(o *ProviderOptions) { o.Issuer = "http://localhost:9998/" }, "", ""},
		{"corp", func(o *ProviderOptions) { o.Issuer = "http://127.0.0.1:9998" }, "", ""},
		{"corp", func(o *ProviderOptions) { o.Issuer = "http://[::1]:9998" }, "", ""},
		{"corp", func(o *ProviderOptions) {
			o.Issuer = "https://login.example.com/.well-known/openid-configuration"
		}, "ISSUER", "leave out"},
		{"corp", func(o *ProviderOptions) {
			o.Issuer = "https://login.microsoftonline.com/common/v2.0"
		}, "ISSUER", "https://login.microsoftonline.com/TENANT-ID/v2.0"},
		{"corp", func(o *ProviderOptions) {
			o.Issuer = "https://Login.MicrosoftOnline.com/Organizations/v2.0/"
		}, "ISSUER", "issuer of your tenant"},
		{"corp", func(o *ProviderOptions) {
			o.Issuer = "https://login.microsoftonline.us/consumers"
		}, "ISSUER", "issuer of your tenant"},
		{"corp", func(o *ProviderOptions) {
			o.Issuer = "https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0"
		}, "", ""},
		{"corp", func(o *ProviderOptions) { o.Issuer = "https://login.example.com/common/v2.0" }, "", ""},
		{"corp", func(o *ProviderOptions) { o.ClientID = "" }, "CLIENT_ID", "missing"},
		{"corp", func(o *ProviderOptions) { o.ClientID = "a\n" }, "CLIENT_ID", "printable"},
		{"corp", func(o *ProviderOptions) { o.ClientSecret = "" }, "CLIENT_SECRET", "missing"},
		{"corp", func(o *ProviderOptions) { o.ClientSecret = "b " }, "CLIENT_SECRET", "no spaces"},
		{"corp", func(o *ProviderOptions) { o.Scopes = `openid "email"` }, "SCOPES", "divide"},
		{"corp", func(o *ProviderOptions) { o.Domains = "*.example.com" }, "DOMAINS", "whole domains"},
		{"corp", func(o *ProviderOptions) { o.Domains = "@example.com" }, "DOMAINS", "whole domains"},
		{"corp", func(o *ProviderOptions) { o.Domains = "example" }, "DOMAINS", "whole domains"},
		{"corp", func(o *ProviderOptions) { o.Domains = "example.com example.org" }, "DOMAINS", "whole domains"},
		{"google", func(o *ProviderOptions) { o.Issuer, o.Domains = googleIssuer, "gmail.com" }, "DOMAINS", "Workspace"},
		{"corp", func(o *ProviderOptions) { o.Domains = "gmail.com" }, "", ""},
		{"corp", func(o *ProviderOptions) { o.Teams = "Engineering" }, "TEAMS", "value=Team"},
		{"corp", func(o *ProviderOptions) { o.Teams = "=Engineering" }, "TEAMS", "value=Team"},
		{"corp", func(o *ProviderOptions) { o.Teams = "/eng=" }, "TEAMS", "value=Team"},
		{"corp", func(o *ProviderOptions) { o.Absent = "yes" }, "ABSENT", "write none"},
		{"corp", func(o *ProviderOptions) { o.Absent = "keep" }, "", ""},
		{"corp", func(o *ProviderOptions) { o.SignUp = "open" }, "SIGNUP", "create, approve, or no"},
	}
	for _, test := range tests {
		o := ProviderOptions{Issuer: "https://login.example.com", ClientID: "a", ClientSecret: "hunter2"}
		test.change(&o)
		_, err := ParseProvider(test.key, o)
		var problem *OptionError
		if !errors.As(err, &problem) {
			if err != nil || test.option != "" {
				t.Errorf("ParseProvider(%q, %+v) = %v, want a problem with %q", test.key, o, err, test.option)
			}
			continue
		}
		if problem.Provider != test.key || problem.Option != test.option || !strings.Contains(problem.Problem, test.says) ||
			strings.Contains(err.Error(), "hunter2") {
			t.Errorf("ParseProvider(%q, %+v) = %v, want a problem with %q that says %q",
				test.key, o, err, test.option, test.says)
		}
	}
}

// TestAllProblems: operators see all mistakes at once.
func TestAllProblems(t *testing.T) {
	_, err := ParseProvider("corp", ProviderOptions{SignUp: "x"})
	for _, option := range []string{"ISSUER", "CLIENT_ID", "CLIENT_SECRET", "SIGNUP"} {
		if err == nil || !strings.Contains(err.Error(), "provider corp: "+option+": ") {
			t.Errorf("ParseProvider() = %v, want a problem with %s", err, option)
		}
	}
}

func TestNewProviderRefuses(t *testing.T) {
	good := ProviderConfig{Key: "corp", Issuer: "https://login.example.com", RedirectURL: redirectURL}
	for _, change := range []func(c *ProviderConfig){
		func(c *ProviderConfig) { c.RedirectURL = "" },
		func(c *ProviderConfig) { c.RedirectURL = "/auth/corp/callback" },
		func(c *ProviderConfig) { c.RedirectURL = "https://board.example/#a" },
		func(c *ProviderConfig) { c.SignedOutURL = "/login" },
		func(c *ProviderConfig) { c.Issuer = ":" },
	} {
		config := good
		change(&config)
		if p, err := NewProvider(config); err == nil {
			p.Close()
			t.Errorf("NewProvider(%+v) succeeded", config)
		}
	}
}
