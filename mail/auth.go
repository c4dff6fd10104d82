package mail

import (
	"net/smtp"
	"slices"
	"strings"
)

// auth sends a user name and a password with AUTH PLAIN (RFC 4616), or else with AUTH LOGIN, the only one that some
// servers of Microsoft offer.
type auth struct {
	user, password string
	mechanisms     []string // that the server offers, in upper case
	local          bool     // the server is on this machine, so the connection needn't be encrypted
	answers        []string // to the next challenges
}

// newAuth takes the parameters of the AUTH extension (RFC 4954).
func newAuth(c Config, offered string, local bool) *auth {
	return &auth{user: c.User, password: c.Password, mechanisms: strings.Fields(strings.ToUpper(offered)), local: local}
}

// Start is part of smtp.Auth.
func (a *auth) Start(server *smtp.ServerInfo) (mechanism string, first []byte, err error) {
	switch {
	case !server.TLS && !a.local:
		return "", nil, errPlainText
	case slices.Contains(a.mechanisms, "PLAIN"):
		return "PLAIN", []byte("\x00" + a.user + "\x00" + a.password), nil
	case slices.Contains(a.mechanisms, "LOGIN"):
		a.answers = []string{a.user, a.password}
		return "LOGIN", nil, nil
	}
	return "", nil, errNoAuth
}

// Next is part of smtp.Auth. The texts of the challenges of LOGIN differ, but not their order.
func (a *auth) Next(_ []byte, more bool) ([]byte, error) {
	if !more {
		return nil, nil
	}
	if len(a.answers) == 0 {
		return nil, errChallenge
	}
	answer := a.answers[0]
	a.answers = a.answers[1:]
	return []byte(answer), nil
}
