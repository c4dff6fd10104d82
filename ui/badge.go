package ui

import (
	"math"
	"strconv"
	"unicode"
)

// Badge is an image that shows the state of one person. An unknown state has the name of the board.
type Badge struct {
	Name  string
	State string // online, away, dnd, offline, or "": unknown
}

// badgeView is the data of the badge template. All lengths are in pixels.
type badgeView struct {
	Badge
	Label                        string
	NameLength, LabelLength      string // of the texts
	Divider, Dot, LabelAt, Width string
	Frame                        string // width of the frame
	Light, Dark                  string // color of the state
}

const (
	badgePad  = 8.0 // at both ends, and around the divider
	badgeDot  = 9.0
	maxBadge  = 40 // runes of a name
	badgeFont = 11.5
)

var badgeColors = map[string][2]string{
	Online: {"#177245", "#52cf8b"}, Away: {"#8f5b00", "#f0b445"}, DND: {"#b3261e", "#ff8a80"},
	Offline: {"#5b5f57", "#a3aaa1"}, "": {"#5b5f57", "#a3aaa1"},
}

func px(n float64) string { return strconv.FormatFloat(math.Round(n*10)/10, 'f', -1, 64) }

// badgeWidth estimates how wide a text is. The image then stretches the text to that width, so that any font fits.
func badgeWidth(text string) (width float64) {
	for _, r := range text {
		switch {
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		case unicode.In(r, unicode.Han, unicode.Hangul, unicode.Hiragana, unicode.Katakana) || r >= 0x1f000:
			width += 1.03
		case r == 'i' || r == 'l' || r == 'j' || r == '.' || r == ',' || r == '\'' || r == 'I':
			width += .27
		case r == 'f' || r == 't' || r == 'r' || r == ' ' || r == '-':
			width += .36
		case r == 'm' || r == 'w' || r == 'M' || r == 'W':
			width += .87
		case unicode.IsUpper(r):
			width += .68
		default:
			width += .58
		}
	}
	return width * badgeFont
}
