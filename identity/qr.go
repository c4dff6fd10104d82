package identity

import (
	"fmt"
	"strings"

	"rsc.io/qr"
)

const (
	maxQRText = 1 << 10 // bytes
	quietZone = 4       // empty modules on each side (ISO/IEC 18004)
)

// QR is a QR code as an SVG drawing with one unit per module.
type QR struct {
	Size int    // width and height, with the quiet zone
	Path string // path data of the black modules: digits, signs, spaces, and the letters M, h, v, and z
}

// NewQR encodes text, at most 1 KiB, with error correction level M.
func NewQR(text string) (QR, error) {
	if len(text) > maxQRText {
		return QR{}, fmt.Errorf("text of %d bytes for a QR code, want at most %d", len(text), maxQRText)
	}
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return QR{}, fmt.Errorf("encode a QR code: %w", err)
	}
	return QR{Size: code.Size + 2*quietZone, Path: modules(code)}, nil
}

// modules draws each horizontal run of black modules as one rectangle.
func modules(code *qr.Code) string {
	var path strings.Builder
	for y := range code.Size {
		for x := 0; x < code.Size; x++ {
			start := x
			for code.Black(x, y) {
				x++
			}
			if width := x - start; width > 0 {
				fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", start+quietZone, y+quietZone, width, width)
			}
		}
	}
	return path.String()
}

// SVG returns the code as an inline SVG element. It uses attributes only, because our pages allow no inline styles, and
// it's white behind the code in dark mode, too, because scanners need that.
func (q QR) SVG() string {
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %[1]d %[1]d" width="%[2]d" height="%[2]d" `+
		`shape-rendering="crispEdges" role="img" aria-label="QR code">`+
		`<path fill="#fff" d="M0 0h%[1]dv%[1]dh-%[1]dz"/><path fill="#000" d="%[3]s"/></svg>`, q.Size, 4*q.Size, q.Path)
}
