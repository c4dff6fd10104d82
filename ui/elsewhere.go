package ui

import "time"

// SignInElsewhere is the part of the sign-in page about other ways to sign in than with a password.
type SignInElsewhere struct {
	Proxied   string // what a proxy calls the visitor; "": nothing
	Next      string // where to go then
	Providers []ProviderLink
	SignedOut ProviderLink // where the visitor is still signed in; "": nowhere
}

// ProviderLink leads to a page of a provider.
type ProviderLink struct {
	Name string
	Href string    // of ours, or of the provider if it's to sign out
	Down time.Time // since when the provider doesn't answer; zero: it does
}

// DownSince returns when the provider stopped answering.
func (p ProviderLink) DownSince() moment { return momentOf(p.Down, sinceLayout) }

// Linked is a provider, or the proxy, in the list of a person's ways to sign in.
type Linked struct {
	Provider string // key
	Name     string
	ID       string // of the identity; "": not linked
	Label    string // what the provider calls the person
	Proxied  bool   // the proxy names the person now, so that it can be linked
	Used     time.Time
}

// Last returns when the person last signed in with it.
func (l Linked) Last() moment { return momentOf(l.Used, stampLayout) }

// ContinuePage leads to a page of a provider, after a form. Forms can't be redirected there, because the content
// security policy allows only our own pages as their targets.
type ContinuePage struct {
	Layout
	Provider string // name
	Href     string
}

func (ContinuePage) template() string { return "continue" }
