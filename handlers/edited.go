package handlers

import (
	"maps"
	"net/url"

	"rollcall/accounts"
)

// Prefixes of the names of the hidden fields with which a form says what it showed. Boxes have their own, because
// browsers don't send boxes that aren't checked.
const (
	wasPrefix    = "was_"
	wasBoxPrefix = "was_checked_"
)

// touched returns a form without the fields that still hold what the form showed, because a form can be open for hours,
// and somebody else may have saved another value since then. To handlers, such a field isn't in the form, so it keeps
// the value of now, also on a page that shows the form again.
func touched(fields url.Values) url.Values {
	rest := maps.Clone(fields)
	maps.DeleteFunc(rest, func(name string, _ []string) bool {
		return fields.Has(wasPrefix+name) && text(fields, name, "") == fields.Get(wasPrefix+name)
	})
	return rest
}

// edited merges a form that touched has returned with what is stored when it arrives.
type edited struct {
	fields url.Values
	wrong  accounts.FieldErrors // fields that both changed
}

// text returns the new value of a field, of which stored is the current one. A form that doesn't say what it showed
// wins.
func (e *edited) text(name, stored string) string {
	typed, was := text(e.fields, name, stored), wasPrefix+name
	if e.fields.Has(was) && stored != e.fields.Get(was) && stored != typed {
		e.wrong = append(e.wrong, &accounts.FieldError{Field: name, Code: changedMeanwhile, Detail: stored})
	}
	return typed
}

// box returns whether a box is checked, of which stored is the current state. A box that was left alone stays as it is
// by now. Both can't have changed it to different states.
func (e *edited) box(name string, stored bool) bool {
	on, was := e.fields.Get(name) == "on", wasBoxPrefix+name
	if e.fields.Has(was) && on == (e.fields.Get(was) == "on") {
		return stored
	}
	return on
}

// err returns an error if both changed the same fields.
func (e *edited) err() error {
	if len(e.wrong) == 0 {
		return nil
	}
	return e.wrong
}
