package handlers

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxNext bounds next= in bytes.
const maxNext = 2 << 10

// next is where to go after signing in: a path of ours, or the board when raw is anything else.
//
// Browsers, proxies and routers disagree on what backslashes, tabs and encoded slashes mean, so whatever could be
// read in two ways is refused, both as it stands and decoded once.
func (s site) next(raw string) string {
	board := s.path("/")
	if len(raw) > maxNext || !strings.HasPrefix(raw, "/") {
		return board
	}
	if strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r > '~' }) || ambiguous(raw) {
		return board
	}
	decoded, err := url.PathUnescape(raw)
	if err != nil || !utf8.ValidString(decoded) || ambiguous(decoded) {
		return board
	}
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" {
		return board
	}
	if strings.Contains(u.Path, "//") || hasDots(u.Path) || !strings.HasPrefix(u.Path, board) {
		return board
	}
	return (&url.URL{Path: u.Path, RawPath: u.RawPath, RawQuery: u.RawQuery}).String()
}

// ambiguous reports whether text holds a character that some reader of addresses drops or turns into a slash, or
// begins like an address of another host.
func ambiguous(text string) bool {
	return strings.HasPrefix(text, "//") || strings.ContainsFunc(text, func(r rune) bool {
		return r == '\\' || unicode.IsControl(r)
	})
}

// hasDots reports whether path has a segment that means another folder.
func hasDots(path string) bool {
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "." || segment == ".." {
			return true
		}
	}
	return false
}
