package identity

import (
	"errors"
	"reflect"
	"testing"
)

func TestAdmits(t *testing.T) {
	corp := ProviderConfig{Issuer: "https://login.example.com", Domains: []string{"example.com", "example.org"}}
	google := ProviderConfig{Issuer: googleIssuer, Domains: []string{"example.com"}}
	open := ProviderConfig{Issuer: "https://login.example.com"}
	verified := func(address string) Person { return Person{Email: address, EmailVerified: Yes} }
	tests := []struct {
		name   string
		config ProviderConfig
		person Person
		want   error
	}{
		{"no domains", open, Person{}, nil},
		{"first domain", corp, verified("ada@example.com"), nil},
		{"second domain, capitals", corp, verified("Ada@Example.ORG"), nil},
		{"not verified", corp, Person{Email: "ada@example.com", EmailVerified: No}, ErrUnverified},
		{"verified not said", corp, Person{Email: "ada@example.com"}, ErrUnverified},
		{"no address", corp, Person{}, ErrUnverified},
		{"subdomain", corp, verified("ada@mail.example.com"), ErrDomain},
		{"longer domain", corp, verified("ada@notexample.com"), ErrDomain},
		{"our domain in the middle", corp, verified("ada@example.com.evil.example"), ErrDomain},
		{"two @, ours first", corp, verified("ada@example.com@evil.example"), ErrDomain},
		{"two @, ours last", corp, verified(`ada@evil.example@example.com`), nil},
		{"dot at the end", corp, verified("ada@example.com."), ErrDomain},
		{"full-width letters", corp, verified("ada@ｅxample.com"), ErrDomain},
		{"no @", corp, verified("example.com"), nil}, // Person.Email always has one
		{"Google Workspace", google, Person{HostedDomain: "Example.com"}, nil},
		{"Google, only the address", google, verified("ada@example.com"), ErrDomain},
		{"Google, another workspace",
			google, Person{Email: "ada@example.com", EmailVerified: Yes, HostedDomain: "evil.example"}, ErrDomain},
		{"hd of another provider", corp, Person{HostedDomain: "example.com"}, ErrUnverified},
	}
	for _, test := range tests {
		if err := test.config.Admits(test.person); !errors.Is(err, test.want) {
			t.Errorf("%s: Admits(%+v) = %v, want %v", test.name, test.person, err, test.want)
		}
	}
	if got := lowerASCII("EXAMPLE.COM \u212a"); got != "example.com \u212a" {
		t.Errorf("lowerASCII of capitals and a Kelvin sign = %q", got)
	}
}

func TestGrants(t *testing.T) {
	teams := []TeamRule{{"/eng", "Engineering"}, {"/ops", "Operations"}, {"/eng/web", "Web"}}
	both := ProviderConfig{Teams: teams, Admins: []string{"/admins", "/root"}}
	empty := both
	empty.AbsentNone = true
	listed := func(values ...string) Groups { return Groups{GroupsListed, values} }
	tests := []struct {
		name   string
		config ProviderConfig
		groups Groups
		want   Grants
	}{
		{"team and administrator", both, listed("/x", "/eng", "/root"), Grants{true, "Engineering", true, true}},
		{"first rule wins", both, listed("/ops", "/eng"), Grants{true, "Engineering", true, false}},
		{"nothing left", both, listed("/x"), Grants{true, "", true, false}},
		{"empty list", both, listed(), Grants{true, "", true, false}},
		{"exact values", both, listed("eng", "/Eng", "/eng/", "/tenant/admins", "admins"), Grants{true, "", true, false}},
		{"absent", both, Groups{}, Grants{}},
		{"overage", both, Groups{State: GroupsOverage}, Grants{}},
		{"unreadable", both, Groups{State: GroupsUnreadable}, Grants{}},
		{"absent means none", empty, Groups{}, Grants{true, "", true, false}},
		{"overage never means none", empty, Groups{State: GroupsOverage}, Grants{}},
		{"unreadable never means none", empty, Groups{State: GroupsUnreadable}, Grants{}},
		{"only teams", ProviderConfig{Teams: teams}, listed("/eng/web", "/root"), Grants{true, "Web", false, false}},
		{"only administrators",
			ProviderConfig{Admins: []string{"/root"}}, listed("/eng", "/root"), Grants{false, "", true, true}},
		{"no rules", ProviderConfig{}, listed("/eng", "/root"), Grants{}},
	}
	for _, test := range tests {
		if got := test.config.Grants(test.groups); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: Grants(%+v) = %+v, want %+v", test.name, test.groups, got, test.want)
		}
	}
}
