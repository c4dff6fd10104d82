// Package identity proves who somebody is by other means than a password. The files oidc*.go sign people in at OpenID
// Connect providers.
//
// For a provider, a person is an issuer and a subject, and nothing else. The package never matches anybody by email
// address or username, because many providers let people choose both. It returns what the provider says about the
// person, and the caller decides which account that is.
//
// It refuses to know accounts, SQL, HTTP handlers, and cookies, and it keeps no tokens. What has to survive between two
// requests, such as a Flow, is a value that the caller gives to the browser in a sealed cookie. Errors are codes, which
// callers turn into sentences. Text that a provider chose, such as error_description, is never among them.
package identity
