package handlers

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"rollcall/accounts"
)

// Codes of checks of JSON.
const (
	unknownField accounts.Code = "unknown_field"
	wrongType    accounts.Code = "wrong_type" // Detail is the type that it should have
	badDuration  accounts.Code = "bad_duration"
	notBoth      accounts.Code = "not_both" // Detail is the other field
)

// maxDepth limits how deep values of a body may be nested.
const maxDepth = 16

// maxUnknown is how many unknown fields an answer lists. A body can have thousands.
const maxUnknown = 20

// decode reads the body of a request: one JSON value with only the fields of T. The names of fields must match exactly,
// and each may be there once. It fails with 400, 408, 413, 415 or 422.
func decode[T any](r *http.Request) (v T, err error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return v, &failure{
			Status: http.StatusUnsupportedMediaType, Message: "Send JSON, with Content-Type: application/json.", Err: err,
		}
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return v, bodyError(err)
	}
	fields, err := scanJSON(body)
	if err != nil {
		return v, notJSON(err)
	}
	var wrong accounts.FieldErrors
	for _, field := range fields {
		if len(wrong) == maxUnknown {
			break
		}
		if !hasField(reflect.TypeFor[T](), strings.Split(field, "/")) {
			wrong = append(wrong, &accounts.FieldError{Field: field, Code: unknownField})
		}
	}
	if len(wrong) > 0 {
		return v, wrong
	}
	if wrong := mistyped[T](body); len(wrong) > 0 {
		return v, wrong
	}
	if err := json.Unmarshal(body, &v); err != nil {
		return v, notJSON(err)
	}
	return v, nil
}

// mistyped returns which fields of a valid JSON value have values of a wrong type.
func mistyped[T any](body []byte) (wrong accounts.FieldErrors) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(body, &fields); err != nil || fields == nil {
		return accounts.FieldErrors{{Code: wrongType, Detail: "an object"}}
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		one, err := json.Marshal(map[string]json.RawMessage{name: fields[name]})
		if err != nil {
			continue // for decode to refuse
		}
		var bad *json.UnmarshalTypeError
		err = json.Unmarshal(one, new(T))
		if err == nil {
			continue
		}
		want := "a time such as 2026-03-01T14:30:00Z" // the only type here with errors of its own
		if errors.As(err, &bad) {
			want = jsonType(bad.Type)
		}
		wrong = append(wrong, &accounts.FieldError{Field: escapePointer(name), Code: wrongType, Detail: want})
	}
	return wrong
}

func notJSON(err error) error {
	return &failure{Status: http.StatusBadRequest, Message: "The body isn't one valid JSON value.", Err: err}
}

var (
	errTrailing = errors.New("more than one value")
	errRepeated = errors.New("a field is there twice")
	errDeep     = errors.New("nested too deeply")
	errNotUTF8  = errors.New("not UTF-8")
)

// scanJSON checks that body is one value and returns the paths of all fields of objects, such as a/b. Elements of lists
// count as one: a/0/b is a//b.
func scanJSON(body []byte) (fields []string, err error) {
	if !utf8.Valid(body) {
		return nil, errNotUTF8
	}
	in := json.NewDecoder(bytes.NewReader(body))
	seen := map[string]bool{}
	if err := scanValue(in, "", 0, func(path string) error {
		if seen[path] && !strings.Contains(path, "//") {
			return errRepeated
		}
		seen[path] = true
		fields = append(fields, path)
		return nil
	}); err != nil {
		return nil, err
	}
	if _, err := in.Token(); !errors.Is(err, io.EOF) {
		return nil, errTrailing
	}
	return fields, nil
}

func scanValue(in *json.Decoder, path string, depth int, found func(string) error) error {
	if depth > maxDepth {
		return errDeep
	}
	token, err := in.Token()
	if err != nil {
		return err
	}
	open, _ := token.(json.Delim)
	for open != 0 && in.More() {
		under := path + "/"
		if open == '{' {
			name, err := in.Token()
			if err != nil {
				return err
			}
			under = strings.TrimPrefix(path+"/"+escapePointer(name.(string)), "/")
			if err := found(under); err != nil {
				return err
			}
		}
		if err := scanValue(in, under, depth+1, found); err != nil {
			return err
		}
	}
	if open != 0 {
		_, err = in.Token()
	}
	return err
}

// escapePointer escapes a name for a JSON Pointer (RFC 6901).
func escapePointer(name string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}

// hasField reports whether JSON of type t can have a field at path.
func hasField(t reflect.Type, path []string) bool {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice && len(path) > 0 && path[0] == "" {
		if t.Kind() == reflect.Slice {
			path = path[1:]
		}
		t = t.Elem()
	}
	if len(path) == 0 {
		return true
	}
	if t.Kind() != reflect.Struct {
		return false
	}
	if inner, ok := reflect.New(t).Interface().(interface{ value() any }); ok {
		return hasField(reflect.TypeOf(inner.value()), path)
	}
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && name == "" && hasField(f.Type, path) || name == path[0] && hasField(f.Type, path[1:]) {
			return true
		}
	}
	return false
}

// jsonType names a type for people who write JSON.
func jsonType(t reflect.Type) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		return "a list"
	case reflect.Struct, reflect.Map:
		return "an object"
	}
	return "a whole number"
}

// optional is a field that can be missing, null, or have a value. PATCH changes only what isn't missing.
type optional[T any] struct {
	Set   bool // not missing
	Null  bool
	Value T
}

func (o *optional[T]) value() any { return o.Value }

// UnmarshalJSON is called only for a field that is there.
func (o *optional[T]) UnmarshalJSON(text []byte) error {
	o.Set = true
	if o.Null = string(text) == "null"; o.Null {
		return nil
	}
	return json.Unmarshal(text, &o.Value)
}

// or returns the value, the zero value for null, or was if the field is missing.
func (o optional[T]) or(was T) T {
	if o.Set {
		return o.Value
	}
	return was
}

// lasting reads a duration such as 45m or 2d, up to max. It returns a *FieldError about field.
func lasting(field, text string, max time.Duration) (time.Duration, error) {
	d, err := elapsed(field, text, max)
	if err == nil && d == 0 {
		err = &accounts.FieldError{Field: field, Code: badDuration}
	}
	return d, err
}

// elapsed is lasting for a duration that can be zero.
func elapsed(field, text string, max time.Duration) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if days, ok := strings.CutSuffix(text, "d"); ok {
		var n uint64
		if n, err = strconv.ParseUint(days, 10, 12); err == nil {
			d = time.Duration(n) * day
		}
	}
	switch {
	case err != nil || d < 0:
		return 0, &accounts.FieldError{Field: field, Code: badDuration}
	case d > max:
		return 0, &accounts.FieldError{Field: field, Code: accounts.TooFarAhead, Detail: shortDuration(max)}
	}
	return d, nil
}

// shortDuration returns d in whole days or hours.
func shortDuration(d time.Duration) string {
	if d%day == 0 {
		return strconv.Itoa(int(d/day)) + " days"
	}
	return d.String()
}
