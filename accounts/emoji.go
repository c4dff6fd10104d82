package accounts

import (
	"unicode"
	"unicode/utf8"
)

const maxEmoji = 32 // bytes; the longest emoji in use, families and flags of regions, have 25 to 28

const (
	emojiStyle = '\uFE0F' // the selector for a colored picture
	keycap     = '\u20E3'
	blackFlag  = '\U0001F3F4'
	tagFirst   = '\U000E0020'
	tagLast    = '\U000E007E'
	tagEnd     = '\U000E007F'
)

// pictures are the Unicode blocks of emoji. They also hold a few symbols and unassigned code points, which show as a
// symbol or a box, so that new emoji are accepted without a new table.
var pictures = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x00A9, Hi: 0x00AE, Stride: 5}, {Lo: 0x203C, Hi: 0x2049, Stride: 13}, {Lo: 0x2122, Hi: 0x2139, Stride: 23},
		{Lo: 0x2190, Hi: 0x21FF, Stride: 1}, {Lo: 0x2300, Hi: 0x23FF, Stride: 1}, {Lo: 0x24C2, Hi: 0x24C2, Stride: 1},
		{Lo: 0x25A0, Hi: 0x27BF, Stride: 1}, {Lo: 0x2934, Hi: 0x2935, Stride: 1}, {Lo: 0x2B00, Hi: 0x2BFF, Stride: 1},
		{Lo: 0x3030, Hi: 0x303D, Stride: 13}, {Lo: 0x3297, Hi: 0x3299, Stride: 2},
	},
	R32: []unicode.Range32{
		{Lo: 0x1F000, Hi: 0x1F1E5, Stride: 1}, {Lo: 0x1F200, Hi: 0x1F3FA, Stride: 1}, {Lo: 0x1F400, Hi: 0x1FAFF, Stride: 1},
	},
	LatinOffset: 1,
}

// isPicture reports whether an emoji other than a country flag or keycap can begin with r.
func isPicture(r rune) bool { return unicode.Is(pictures, r) }

// endsPicture reports whether r can end the part of an emoji before a joiner.
func endsPicture(r rune) bool { return isPicture(r) || r == emojiStyle || isSkinTone(r) }

func isSkinTone(r rune) bool { return 0x1F3FB <= r && r <= 0x1F3FF }

func isRegional(r rune) bool { return 0x1F1E6 <= r && r <= 0x1F1FF }

// isEmoji reports whether s is one emoji, of at most 32 bytes.
func isEmoji(s string) bool {
	if s == "" || len(s) > maxEmoji || !utf8.ValidString(s) {
		return false
	}
	rs := []rune(s)
	switch {
	case isRegional(rs[0]):
		return len(rs) == 2 && isRegional(rs[1])
	case '0' <= rs[0] && rs[0] <= '9' || rs[0] == '#' || rs[0] == '*':
		return len(rs) == 2 && rs[1] == keycap || len(rs) == 3 && rs[1] == emojiStyle && rs[2] == keycap
	case rs[0] == blackFlag && len(rs) > 1 && rs[1] >= tagFirst:
		return isTagged(rs[1:])
	}
	for {
		n := pictureLength(rs)
		if n == 0 {
			return false
		}
		if len(rs) == n {
			return true
		}
		if rs[n] != zwj {
			return false
		}
		rs = rs[n+1:]
	}
}

// pictureLength returns the number of runes of the picture at the start of rs, including its style or skin tone, or 0.
func pictureLength(rs []rune) int {
	if len(rs) == 0 || !isPicture(rs[0]) {
		return 0
	}
	n := 1
	if n < len(rs) && (rs[n] == emojiStyle || isSkinTone(rs[n])) {
		n++
	}
	return n
}

// isTagged reports whether tags spell the region of a flag: one or more tags, then the end tag.
func isTagged(tags []rune) bool {
	last := len(tags) - 1
	for _, r := range tags[:last] {
		if r < tagFirst || r > tagLast {
			return false
		}
	}
	return last > 0 && tags[last] == tagEnd
}
