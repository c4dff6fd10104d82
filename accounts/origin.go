package accounts

import (
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// ParseOrigin returns the origin of a web page as browsers send it: scheme://host[:port], in lowercase and without the
// port that is usual for the scheme. ok is false for anything but an origin with http or https, such as an address with
// a path or a wildcard. International names must be in their ASCII form.
func ParseOrigin(text string) (origin string, ok bool) {
	if len(text) > maxOriginSize {
		return "", false
	}
	u, err := url.Parse(text)
	if err != nil || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.HasSuffix(text, "#") ||
		u.Opaque != "" || u.Path != "" && u.Path != "/" {
		return "", false
	}
	host, port := strings.ToLower(u.Hostname()), u.Port()
	if u.Scheme != "http" && u.Scheme != "https" || !isHost(host, strings.HasPrefix(u.Host, "[")) ||
		strings.HasSuffix(u.Host, ":") {
		return "", false
	}
	if strings.Contains(host, ":") {
		host = "[" + netip.MustParseAddr(host).String() + "]"
	}
	if port == "" || port == map[string]string{"http": "80", "https": "443"}[u.Scheme] {
		return u.Scheme + "://" + host, true
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 || strconv.FormatUint(n, 10) != port {
		return "", false
	}
	return u.Scheme + "://" + host + ":" + port, true
}

// isHost reports whether host is a name in lowercase ASCII or an IP address, which has brackets if it's IPv6.
func isHost(host string, brackets bool) bool {
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.Zone() == "" && addr.Is4() != brackets && !addr.Is4In6()
	}
	if brackets || host == "" || len(host) > 253 {
		return false
	}
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, c := range []byte(label) {
			if c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') {
				return false
			}
		}
	}
	return true
}

// cleanOrigins returns origins in the form in which browsers send them, without repetitions.
func cleanOrigins(origins []string) ([]string, error) {
	var clean []string
	for _, text := range origins {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		origin, ok := ParseOrigin(text)
		if !ok {
			return nil, &FieldError{Field: "origins", Code: NotAnOrigin, Detail: clip(text, maxLabel)}
		}
		if !slices.Contains(clean, origin) {
			clean = append(clean, origin)
		}
		if len(clean) > MaxOrigins {
			return nil, &FieldError{Field: "origins", Code: TooMany, Limit: MaxOrigins}
		}
	}
	if len(clean) == 0 {
		return nil, wrongField("origins", Missing)
	}
	return clean, nil
}
