package accounts

import (
	"errors"
	"fmt"
	"strings"
)

// Code says what is wrong with a field. Callers turn it into a sentence for people.
type Code string

const (
	Missing        Code = "missing"
	TooShort       Code = "too_short" // fewer than Limit characters
	TooLong        Code = "too_long"  // more than Limit characters, or bytes for a password
	OutOfRange     Code = "out_of_range"
	NotAnOption    Code = "not_an_option"
	NotUTF8        Code = "not_utf8"      // or with characters that another program couldn't read (U+FFFD)
	Unprintable    Code = "unprintable"   // invisible or control characters
	StackedMarks   Code = "stacked_marks" // more accents on one letter than any language has
	NoLetters      Code = "no_letters"    // no letters, digits or symbols
	BadStart       Code = "bad_start"     // the first character is neither a letter nor a digit
	BadCharacter   Code = "bad_character"
	Reserved       Code = "reserved"
	Taken          Code = "taken"
	Common         Code = "common"           // one of the most common passwords
	SameAsUsername Code = "same_as_username" // a password
	HashToo        Code = "hash_too"         // both a password and a hash
	BadHash        Code = "bad_hash"         // Detail says why
	UnknownTeam    Code = "unknown_team"
	SameTeam       Code = "same_team" // twice, where two are needed
	UnknownZone    Code = "unknown_zone"
	NotOneEmoji    Code = "not_one_emoji"
	BadTime        Code = "bad_time"
	InThePast      Code = "in_the_past"
	TooFarAhead    Code = "too_far_ahead"  // more than Limit days, or than a year if that's 0
	TooMany        Code = "too_many"       // more than Limit of them
	NotAnAddress   Code = "not_an_address" // Detail is what was typed
	NotAllowed     Code = "not_allowed"
	NotAnEmail     Code = "not_an_email"
	EmailTaken     Code = "email_taken"
	NotADomain     Code = "not_a_domain"  // Detail is what was typed
	NewerValue     Code = "newer_value"   // a newer version has stored Detail
	NotAnOrigin    Code = "not_an_origin" // Detail is what was typed
	NotAURL        Code = "not_a_url"
	HasPassword    Code = "has_password" // a URL with a user name or a password in front of the host
	BadPort        Code = "bad_port"
	UnknownPerson  Code = "unknown_person"
)

// FieldError says what is wrong with one field.
type FieldError struct {
	// Field is username, display_name, team, password, old_password, state, text, emoji, until, idle_after, last_seen,
	// time_zone, theme, pronouns, contacts, favorites, alerts, identities, board_name, email, signup_domains,
	// other (a second team), team_pairs, key, lease, claims, shares, kind, label, days or origins, or name, scopes,
	// expires or tokens (of access tokens), or name, url, format, about, person, events, settle or hooks (of webhooks).
	Field  string
	Code   Code
	Limit  int    // with TooShort, TooLong, TooMany and TooFarAhead
	Detail string // more information for the sentence; "" with most codes
}

func wrongField(field string, code Code) *FieldError { return &FieldError{Field: field, Code: code} }

// Error is for logs.
func (e *FieldError) Error() string {
	text := e.Field + ": " + string(e.Code)
	if e.Limit != 0 {
		text += fmt.Sprintf(" (limit %d)", e.Limit)
	}
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	return text
}

// Is makes a taken username match ErrTaken.
func (e *FieldError) Is(target error) bool { return target == ErrTaken && e.Code == Taken }

// FieldErrors holds the errors of several fields. errors.As finds the first one as a *FieldError.
type FieldErrors []*FieldError

func (e FieldErrors) Error() string {
	all := make([]string, len(e))
	for i, one := range e {
		all[i] = one.Error()
	}
	return strings.Join(all, "; ")
}

func (e FieldErrors) Unwrap() []error {
	all := make([]error, len(e))
	for i, one := range e {
		all[i] = one
	}
	return all
}

// add adds the *FieldError in err, if there is one.
func (e *FieldErrors) add(err error) {
	if one, ok := errors.AsType[*FieldError](err); ok {
		*e = append(*e, one)
	}
}

// WrongFields returns all field errors in err, or nil.
func WrongFields(err error) FieldErrors {
	if all, ok := errors.AsType[FieldErrors](err); ok {
		return all
	}
	var one FieldErrors
	one.add(err)
	return one
}
