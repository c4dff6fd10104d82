package ui

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"image/png"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits of a logo.
const (
	MaxLogo     = 64 << 10 // bytes
	minLogoSide = 16       // pixels of a PNG
	maxLogoSide = 2048
	iconSide    = 512 // of the smallest square PNG that is also the icon
	maxNesting  = 64  // of the elements of an SVG
)

// Logo is a checked picture that stands beside the name of the board.
type Logo struct {
	asset *asset
	side  int // in pixels, of a square PNG that is large enough to be the icon; 0: another picture
}

// ReadLogo checks an SVG or PNG. Its errors tell the operator what is wrong with the file.
//
// An SVG may only draw: what could run, load or link to something is refused, and so is a document type, which could
// define entities. Besides, browsers get it with a policy that allows it nothing.
func ReadLogo(data []byte) (*Logo, error) {
	switch {
	case len(data) > MaxLogo:
		return nil, fmt.Errorf("it's larger than %d KiB", MaxLogo>>10)
	case bytes.HasPrefix(data, []byte("\x89PNG\r\n\x1a\n")):
		return readPNG(data)
	}
	if err := checkSVG(data); err != nil {
		return nil, err
	}
	return &Logo{asset: newAsset(".svg", data)}, nil
}

func readPNG(data []byte) (*Logo, error) {
	size, err := png.DecodeConfig(bytes.NewReader(data)) // before the pixels, which could take gigabytes
	if err != nil {
		return nil, fmt.Errorf("it isn't a valid PNG: %w", err)
	}
	w, h := size.Width, size.Height
	if min(w, h) < minLogoSide || max(w, h) > maxLogoSide {
		return nil, fmt.Errorf("it has %d × %d pixels: use %d to %d on each side", w, h, minLogoSide, maxLogoSide)
	}
	if _, err := png.Decode(bytes.NewReader(data)); err != nil {
		return nil, fmt.Errorf("it isn't a valid PNG: %w", err)
	}
	logo := &Logo{asset: newAsset(".png", data)}
	if w == h && w >= iconSide {
		logo.side = w
	}
	return logo, nil
}

const (
	svgSpace   = "http://www.w3.org/2000/svg"
	xhtmlSpace = "http://www.w3.org/1999/xhtml"
)

// drawing are the elements of SVG that only draw, without the filters, which begin with "fe".
var drawing = strings.Fields(`svg g defs symbol use switch title desc metadata style path rect circle ellipse line polyline
	polygon text tspan textPath clipPath mask pattern marker linearGradient radialGradient stop filter view`)

// checkSVG returns an error unless data is an SVG that only draws.
func checkSVG(data []byte) error {
	if !utf8.Valid(data) {
		return errors.New("it's neither an SVG in UTF-8 nor a PNG")
	}
	c := svgCheck{decoder: xml.NewDecoder(bytes.NewReader(data))}
	for {
		token, err := c.decoder.Token()
		switch {
		case errors.Is(err, io.EOF) && c.begun:
			return nil
		case err != nil:
			return fmt.Errorf("it's neither a valid SVG nor a PNG: %w", err)
		}
		if err := c.check(token); err != nil {
			return err
		}
	}
}

// svgCheck is the state of checkSVG.
type svgCheck struct {
	decoder *xml.Decoder
	begun   bool // the root element has begun
	depth   int  // open elements
}

func (c *svgCheck) check(token xml.Token) error {
	switch x := token.(type) {
	case xml.Directive: // <!DOCTYPE, with <!ENTITY inside
		return errors.New("remove the <!DOCTYPE …> at its beginning")
	case xml.ProcInst:
		if x.Target != "xml" {
			return fmt.Errorf("remove <?%s …?>", x.Target)
		}
	case xml.EndElement:
		c.depth--
	case xml.StartElement:
		if c.depth++; c.depth > maxNesting {
			return fmt.Errorf("its elements are nested more than %d deep", maxNesting)
		}
		if !c.begun && (x.Name != xml.Name{Space: svgSpace, Local: "svg"}) {
			return errors.New("it's neither a PNG nor an SVG, which begins with <svg xmlns=\"" + svgSpace + "\">")
		}
		c.begun = true
		if err := checkElement(x); err != nil {
			return err
		}
		if x.Name.Local == "style" {
			c.depth--
			return checkStyle(c.decoder)
		}
	}
	return nil
}

// checkElement refuses elements and attributes that could do more than draw. Elements of other programs, such as those
// in which editors keep their settings, do nothing.
func checkElement(x xml.StartElement) error {
	ours := x.Name.Space == svgSpace
	if ours && !slices.Contains(drawing, x.Name.Local) && !strings.HasPrefix(x.Name.Local, "fe") ||
		ours && x.Name.Local == "feImage" || x.Name.Space == xhtmlSpace || x.Name.Space == "" {
		return fmt.Errorf("remove <%s>: a logo may only draw", x.Name.Local)
	}
	for _, a := range x.Attr {
		name := strings.ToLower(a.Name.Local)
		switch {
		case strings.HasPrefix(name, "on"):
			return fmt.Errorf("remove the event handler %s", a.Name.Local)
		case (name == "href" || name == "src") && !strings.HasPrefix(a.Value, "#"), name == "base":
			return fmt.Errorf("remove %s=%.40q: a logo can't refer to other files", a.Name.Local, a.Value)
		case a.Name.Space == "": // of SVG itself
			if err := checkCSS(a.Value); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkStyle reads the content of a <style> to its end.
func checkStyle(d *xml.Decoder) error {
	var css strings.Builder
	for {
		token, err := d.Token()
		if err != nil {
			return fmt.Errorf("it isn't a valid SVG: %w", err)
		}
		switch x := token.(type) {
		case xml.CharData:
			css.Write(x)
		case xml.EndElement:
			return checkCSS(css.String())
		case xml.Comment:
		default:
			return errors.New("its <style> holds something else than CSS")
		}
	}
}

var (
	cssComment = regexp.MustCompile(`(?s)/\*.*?\*/`)
	// loading is what loads something: an address other than a part of the same picture, or an import. A backslash
	// could hide either.
	loading = regexp.MustCompile(`(?i)url\(\s*["']?\s*[^#"'\s]|@import|image-set\(|src\(|\\`)
)

// checkCSS refuses styles, and values of attributes that may hold some, that load something.
func checkCSS(css string) error {
	if found := loading.FindString(cssComment.ReplaceAllString(css, "")); found != "" {
		return fmt.Errorf("remove %q: a logo can't refer to other files", found)
	}
	return nil
}
