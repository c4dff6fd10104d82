package handlers

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxNext is the maximum length of next=, in bytes.
const maxNext = 2 << 10

// next returns where to go after signing in: raw if it's one of our paths, or else the board.
//
// Browsers, proxies and routers disagree on the meaning of backslashes, tabs and encoded slashes. So next refuses
// anything ambiguous, both raw and after decoding once.
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

// ambiguous reports whether text holds a character that some URL parsers drop or turn into a slash, or begins like a
// URL of another host.
func ambiguous(text string) bool {
	return strings.HasPrefix(text, "//") || strings.ContainsFunc(text, func(r rune) bool {
		return r == '\\' || unicode.IsControl(r)
	})
}

// hasDots reports whether path has a segment "." or "..".
func hasDots(path string) bool {
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "." || segment == ".." {
			return true
		}
	}
	return false
}
