package ui

import (
	"bytes"
	"html/template"
	"sync"
)

// hole is what templates write where HTML goes that this package has rendered before. It can't come from elsewhere,
// because html/template escapes this byte.
const hole = "\x00"

var scratches = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// fill executes t and appends the result to b. The pieces of html, one slice for each hole, take the place of the
// holes. As values of a template, they would be copied several times. If there is an error, b doesn't change.
func fill(b *bytes.Buffer, t *template.Template, data any, html ...[][]byte) error {
	scratch := scratches.Get().(*bytes.Buffer)
	defer scratches.Put(scratch)
	scratch.Reset()
	if err := t.Execute(scratch, data); err != nil {
		return err
	}
	rest, size := scratch.Bytes(), scratch.Len()
	for _, pieces := range html {
		for _, piece := range pieces {
			size += len(piece)
		}
	}
	b.Grow(size)
	for _, pieces := range html {
		before, after, found := bytes.Cut(rest, []byte(hole))
		if !found {
			break
		}
		b.Write(before)
		for _, piece := range pieces {
			b.Write(piece)
		}
		rest = after
	}
	b.Write(rest)
	return nil
}
