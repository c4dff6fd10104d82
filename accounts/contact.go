package accounts

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

const (
	MaxContacts = 5   // addresses of one person
	maxContact  = 200 // bytes of one
)

// Addresses are narrower than their standards allow, so that nothing in them needs escaping in a URL.
var (
	mailAddress = regexp.MustCompile(`^[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$`)
	callAddress = regexp.MustCompile(`^[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*(:[0-9]{1,5})?$`)
	matrixID    = regexp.MustCompile(`^@([a-z0-9._=/+-]{1,64}):([A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+(:[0-9]{1,5})?)$`)
	matrixPath  = regexp.MustCompile(`^(u|r|roomid)/[A-Za-z0-9._=/+-]{1,64}:[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+(:[0-9]{1,5})?$`)
	phoneNumber = regexp.MustCompile(`^\+?[0-9]{3,15}$`)
	typedNumber = regexp.MustCompile(`^\+?[0-9][0-9 ()./-]*$`)
	webAddress  = regexp.MustCompile(`^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+(:[0-9]{1,5})?/`)
)

// cleanContacts returns the addresses that were typed, as URLs and each once, or a *FieldError. It ignores empty ones.
func cleanContacts(typed []string) ([]string, error) {
	var contacts []string
	for _, text := range typed {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		contact, ok := ParseContact(text)
		if !ok {
			return nil, &FieldError{Field: "contacts", Code: NotAnAddress, Detail: clip(text, maxContact)}
		}
		if !slices.Contains(contacts, contact) {
			contacts = append(contacts, contact)
		}
		if len(contacts) > MaxContacts {
			return nil, &FieldError{Field: "contacts", Code: TooMany, Limit: MaxContacts}
		}
	}
	return contacts, nil
}

// ParseContact turns what a person typed into a URL with one of the schemes mailto, tel, sip, xmpp, matrix and https.
// It accepts such URLs and, without a scheme, email addresses, phone numbers, Matrix IDs and web addresses with a path.
// The URL has no spaces and no credentials, and is at most 200 bytes long.
func ParseContact(typed string) (contact string, ok bool) {
	switch {
	case len(typed) > maxContact:
		return "", false
	case mailAddress.MatchString(typed):
		return "mailto:" + typed, true
	case typedNumber.MatchString(typed):
		return phone(typed)
	case matrixID.MatchString(typed):
		parts := matrixID.FindStringSubmatch(typed)
		return "matrix:u/" + parts[1] + ":" + parts[2], true
	case webAddress.MatchString(typed):
		return web("https://" + typed)
	}
	scheme, rest, found := strings.Cut(typed, ":")
	if !found {
		return "", false
	}
	switch scheme = strings.ToLower(scheme); scheme {
	case "mailto":
		return scheme + ":" + rest, mailAddress.MatchString(rest)
	case "tel":
		return phone(rest)
	case "sip", "xmpp":
		return scheme + ":" + rest, callAddress.MatchString(rest)
	case "matrix":
		return scheme + ":" + rest, matrixPath.MatchString(rest)
	case "https":
		return web(typed)
	}
	return "", false
}

// phone returns the tel URL of a number, without what only divides its digits.
func phone(typed string) (string, bool) {
	number := strings.NewReplacer(" ", "", "-", "", ".", "", "(", "", ")", "", "/", "").Replace(typed)
	return "tel:" + number, phoneNumber.MatchString(number)
}

// web returns the normal form of an https URL.
func web(typed string) (string, bool) {
	u, err := url.Parse(typed)
	if err != nil || u.User != nil || u.Hostname() == "" || u.Opaque != "" {
		return "", false
	}
	for _, r := range u.Host {
		if r <= ' ' || r > '~' { // other scripts would allow look-alikes
			return "", false
		}
	}
	u.Scheme, u.Host = "https", strings.ToLower(u.Host)
	s := u.String()
	return s, len(s) <= maxContact && !strings.ContainsFunc(s, notInURL)
}

func notInURL(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("\"'<>\\^`{|}", r) }
