package mail

import (
	"fmt"
	"net/mail"
	"net/netip"
	"strings"
)

const (
	maxAddress = 254 // bytes, so that the address fits into a path (RFC 5321 section 4.5.3.1.3)
	maxLocal   = 64  // bytes before the @ (RFC 5321 section 4.5.3.1.1)
	maxLabel   = 63  // bytes of one part of a domain (RFC 1035 section 2.3.4)
)

// Address is an email address as its owner spells it. Make it with ParseAddress.
type Address string

// AddressCode says what is wrong with an email address. Callers turn it into a sentence for people.
type AddressCode string

const (
	MissingAddress   AddressCode = "missing"
	AddressTooLong   AddressCode = "too_long" // more than 254 bytes, or 64 before the @
	NotAnAddress     AddressCode = "not_an_address"
	AddressNotASCII  AddressCode = "not_ascii"  // the domain has an ASCII form (xn--…)
	AddressBadDomain AddressCode = "bad_domain" // not a full domain name such as example.org
)

// AddressError is the error of ParseAddress.
type AddressError struct{ Code AddressCode }

// Error is for logs.
func (e *AddressError) Error() string { return "email address: " + string(e.Code) }

// ParseAddress returns an address that people typed, without white space around it, or an *AddressError. It accepts
// less than RFC 5322: no display name, no comments, no quotes, only ASCII, and a domain name with a dot. The domain can
// also be localhost.
func ParseAddress(typed string) (Address, error) {
	text := strings.TrimSpace(typed)
	refuse := func(code AddressCode) (Address, error) { return "", &AddressError{code} }
	switch {
	case text == "":
		return refuse(MissingAddress)
	case len(text) > maxAddress:
		return refuse(AddressTooLong)
	case strings.ContainsFunc(text, func(r rune) bool { return r > '~' }):
		return refuse(AddressNotASCII)
	}
	// The text differs from the parsed address if it has quotes, comments, a display name, or angle brackets.
	parsed, err := mail.ParseAddress(text)
	if err != nil || parsed.Address != text {
		return refuse(NotAnAddress)
	}
	at := strings.LastIndexByte(text, '@')
	switch local, domain := text[:at], text[at+1:]; {
	case len(local) > maxLocal:
		return refuse(AddressTooLong)
	case !isMailDomain(domain):
		return refuse(AddressBadDomain)
	}
	return Address(text), nil
}

// Key returns the form in which two spellings of one address are equal. Almost every server ignores the case of both
// parts.
func (a Address) Key() string { return strings.ToLower(string(a)) }

// isMailDomain reports whether mail can be sent to a domain: it has a dot and isn't an IP address, or it's localhost.
func isMailDomain(domain string) bool {
	labels := strings.Split(domain, ".")
	last := labels[len(labels)-1]
	return isHostName(domain) && !strings.Contains(domain, "_") && (len(labels) > 1 || isLoopback(domain)) &&
		strings.Trim(last, "0123456789") != ""
}

// isHostName reports whether host consists of labels of ASCII letters, digits, dashes, and underscores, which names of
// containers can have.
func isHostName(host string) bool {
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > maxLabel || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, r := range label {
			if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' {
				return false
			}
		}
	}
	return len(host) <= maxAddress
}

// isLoopback reports whether a host name or IP address always means this machine (RFC 6761 section 6.3).
func isLoopback(host string) bool {
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.IsLoopback()
	}
	host = strings.ToLower(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// addressLiteral returns the form of an IP address that SMTP and message IDs need (RFC 5321 section 4.1.3), or a host
// name unchanged.
func addressLiteral(host string) string {
	addr, err := netip.ParseAddr(host)
	switch {
	case err != nil:
		return host
	case addr.Is6():
		return fmt.Sprintf("[IPv6:%s]", addr)
	}
	return fmt.Sprintf("[%s]", addr)
}
