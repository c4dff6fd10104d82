package handlers

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"rollcall/accounts"
	"rollcall/accounts/peoplecsv"
)

// Codes of checks that only handlers make.
const (
	wrongPassword accounts.Code = "wrong_password"
	otherTeam     accounts.Code = "other_team"  // members can't change teams here
	unconfirmed   accounts.Code = "unconfirmed" // Detail is the text to type
	wrongCode     accounts.Code = "wrong_code"  // of the set-up

	wrongOneTimeCode accounts.Code = "wrong_one_time_code" // from an authenticator app, or of recovery
	wrongFirstCode   accounts.Code = "wrong_first_code"    // of an app that is being set up
	teamExists       accounts.Code = "team_exists"
	otherExisting    accounts.Code = "other_existing" // another team that exists
	otherDomain      accounts.Code = "other_domain"   // Detail is the domains that are allowed
	unseenTeam       accounts.Code = "unseen_team"    // there's none that the person may see

	changedMeanwhile accounts.Code = "changed_meanwhile" // by somebody else; Detail is the value now
)

// FieldMessage returns the sentence that tells a person how to fix a field. Pages, the API and the command line share
// it.
func FieldMessage(e *accounts.FieldError) string {
	switch e.Code {
	case accounts.Missing:
		return missing(e)
	case accounts.TooShort:
		return fmt.Sprintf("Use %d characters or more.", e.Limit)
	case accounts.TooLong:
		return tooLong(e)
	case accounts.NotAnOption:
		return options(e)
	case accounts.TooFarAhead:
		return tooFar(e)
	case accounts.BadHash:
		return "This hash can't be used: " + e.Detail + "."
	case accounts.TooMany:
		return tooMuch(e)
	case accounts.OutOfRange:
		return outOfRange(e)
	case accounts.NotAnAddress:
		return "“" + e.Detail + "” isn't an email address, a phone number, or a link that begins with https, xmpp, matrix or sip."
	case accounts.NotAllowed:
		return notAllowed(e)
	case wrongType:
		return "This must be " + e.Detail + "."
	case notBoth:
		return "Give either this or " + e.Detail + ", not both."
	case accounts.NotADomain:
		return "“" + e.Detail + "” isn't a domain, such as example.org."
	case accounts.NotAnOrigin:
		return "“" + e.Detail + "” isn't the address of a site, such as https://wiki.example.org."
	case otherDomain:
		return "Use an address at " + strings.Join(strings.Fields(e.Detail), " or ") + "."
	case accounts.NewerValue:
		return "A newer version of Rollcall has set this to “" + e.Detail + "”. Change it there, or restore the default with " +
			"“rollcall board set " + e.Field + "=”."
	case changedMeanwhile:
		return meanwhile(e)
	case unconfirmed:
		return "Type " + e.Detail + " to confirm."
	}
	if message, ok := fieldMessages[e.Code]; ok {
		return message
	}
	return "Enter something else."
}

var fieldMessages = map[accounts.Code]string{
	accounts.NotUTF8:        "Some characters can't be read. Type them again, without “\uFFFD”.",
	accounts.Unprintable:    "Remove invisible and control characters.",
	accounts.StackedMarks:   "Use fewer accents on one letter.",
	accounts.NoLetters:      "Use some letters, digits, or symbols.",
	accounts.BadStart:       "Start with a letter or a digit.",
	accounts.BadCharacter:   "Use only letters a to z, digits, dots, dashes, and underscores.",
	accounts.Reserved:       "This name is reserved. Choose another one.",
	accounts.Taken:          "This username is taken. Choose another one.",
	accounts.Common:         "This is a very common password. Choose another one.",
	accounts.SameAsUsername: "Choose something other than your username.",
	accounts.HashToo:        "Give a password or a hash, not both.",
	accounts.SameTeam:       "Choose two different teams.",
	accounts.UnknownTeam:    "Choose a team that exists, or none.",
	accounts.UnknownZone:    "Enter a time zone, such as Europe/Berlin.",
	accounts.NotOneEmoji:    "Use one emoji.",
	accounts.BadTime:        "Enter a date and a time, such as 2026-03-01T14:30, or only a time, such as 14:30.",
	accounts.InThePast:      "Choose a time in the future.",
	accounts.NotAnEmail:     "Enter an email address, such as ada@example.org.",
	accounts.EmailTaken:     "Another account uses this address.",
	unknownField:            "There is no such field here.",
	badDuration:             "Write a duration such as 45m, 2h, or 3d.",
	accounts.NotAURL:        "Enter a whole address, such as https://example.org/hook, without #.",
	accounts.HasPassword:    "Remove the username and the password from the address.",
	accounts.BadPort:        "Use port 80, 443, or one above 1023.",
	accounts.UnknownPerson:  "Enter the username of somebody whom you can see.",
	unseenTeam:              "Enter the name of a team that you can see.",
	wrongPassword:           "Wrong password.",
	teamExists:              "There is already a team with this name. To put both together, merge them.",
	otherExisting:           "Choose another team that exists.",
	wrongFirstCode:          "Wrong code. Check that the clock of your device is right, and type the code that the app shows now.",
	wrongOneTimeCode:        "Wrong code, or it was used before. Each code works once. Wait for the next one in your app.",
	wrongCode:               "Wrong setup code. Copy the newest one from the log of the server. A code lasts 24 hours; a restart prints a new one.",
	otherTeam:               "Ask an administrator to move you to another team.",
}

func meanwhile(e *accounts.FieldError) string {
	now := "removed"
	if e.Detail != "" {
		now = "changed to “" + echoed(e.Detail) + "”"
	}
	return "This was " + now + " in the meantime. To replace that with yours, save again."
}

func outOfRange(e *accounts.FieldError) string {
	switch e.Field {
	case "uses":
		return fmt.Sprintf("Choose 1 to %d people.", e.Limit)
	case "days", "expires":
		return fmt.Sprintf("Choose 1 to %d days.", e.Limit)
	case "lease":
		return "Choose 15 seconds to 24 hours."
	case "ttl":
		return "Choose 15 seconds to 15 minutes."
	case "settle":
		return fmt.Sprintf("Choose 0 to %d whole seconds.", e.Limit)
	}
	return "Choose 1 to 120 whole minutes."
}

func notAllowed(e *accounts.FieldError) string {
	switch {
	case e.Field == "tokens":
		return "A token that another token made can't make tokens."
	case e.Field == "scopes" && e.Detail == string(accounts.Administer):
		return "Only administrators can have tokens with the scope admin."
	case e.Field == "scopes":
		return "This token doesn't have the scope " + e.Detail + ", so it can't give it to another one."
	}
	return "This person doesn't let others ask."
}

func tooFar(e *accounts.FieldError) string {
	if e.Detail != "" {
		return "Use at most " + e.Detail + "."
	}
	if e.Limit > 0 {
		return fmt.Sprintf("Choose a time within %d days from now.", e.Limit)
	}
	return "Choose a time within a year from now."
}

func missing(e *accounts.FieldError) string {
	switch e.Field {
	case "key":
		return "Name it with a key, such as build."
	case "state":
		return "Give a state, a text or an emoji."
	case "until":
		return "Say when it ends (until), or how long it lasts unless it's renewed (lease), or both."
	case "scopes":
		return "Choose at least one thing that the token can do."
	case "team", "other":
		return "Type a name for the team."
	case "old_password":
		return "Type your current password."
	case "board_name":
		return "Type a name for the board."
	case "code":
		return "Type the setup code."
	case codeField, confirmCodeField:
		return "Type a code."
	case "label":
		return "Type a name for the passkey."
	case "name":
		return "Type a name."
	case "url":
		return "Enter an address, such as https://example.org/hook."
	case "person":
		return "Enter a username."
	case "events":
		return "Choose at least one."
	case "email":
		return "Type an email address."
	case "signup_domains":
		return "Enter at least one domain, such as example.org."
	case "origins":
		return "Enter at least one site, such as https://wiki.example.org."
	}
	return "Type your " + strings.TrimPrefix(strings.ReplaceAll(e.Field, "_", " "), "confirm ") + "."
}

func tooLong(e *accounts.FieldError) string {
	switch {
	case e.Limit == 0:
		return "Use fewer characters."
	case e.Field == "password":
		return fmt.Sprintf("Use %d bytes or fewer.", e.Limit)
	}
	return fmt.Sprintf("Use %d characters or fewer.", e.Limit)
}

func tooMuch(e *accounts.FieldError) string {
	switch e.Field {
	case "favorites":
		return fmt.Sprintf("You can have up to %d favorites. Remove one first.", e.Limit)
	case "invitations":
		return fmt.Sprintf("There can be up to %d invitations at once. Revoke some first.", e.Limit)
	case "team":
		return fmt.Sprintf("This team has more than %d people. Move some of them first.", e.Limit)
	case "identities":
		return fmt.Sprintf("You can link up to %d accounts. Unlink one first.", e.Limit)
	case "tokens":
		if e.Detail == "day" {
			return fmt.Sprintf("You can make up to %d access tokens a day. Try again tomorrow.", e.Limit)
		}
		return fmt.Sprintf("You can have up to %d access tokens. Revoke one first.", e.Limit)
	case "passkeys":
		return fmt.Sprintf("You can have up to %d passkeys. Remove one first.", e.Limit)
	case "signup_domains":
		return fmt.Sprintf("Enter up to %d domains.", e.Limit)
	case "origins":
		return fmt.Sprintf("Enter up to %d sites.", e.Limit)
	case "shares":
		if e.Detail == "day" {
			return fmt.Sprintf("You can create up to %d share links a day. Try again tomorrow.", e.Limit)
		}
		return fmt.Sprintf("You can have up to %d share links. Revoke one first.", e.Limit)
	case "hooks":
		if e.Detail == "all" {
			return fmt.Sprintf("This board has %d webhooks, and can't have more. Ask the person who runs it.", e.Limit)
		}
		return fmt.Sprintf("You can have up to %d webhooks. Delete one first.", e.Limit)
	case "team_pairs":
		if e.Detail == "team" {
			return fmt.Sprintf("A team can see up to %d other teams. Unpair one first.", e.Limit)
		}
		return fmt.Sprintf("Up to %d pairs of teams can see each other. Unpair two teams first.", e.Limit)
	case "claims":
		return fmt.Sprintf("There can be up to %d claims at once. Delete one first, or wait until one ends.", e.Limit)
	case "devices":
		return fmt.Sprintf("Up to %d devices can be connected at once. Disconnect one first.", e.Limit)
	case "alerts":
		return fmt.Sprintf("You can wait for up to %d people at once. Withdraw one first.", e.Limit)
	}
	return fmt.Sprintf("Enter up to %d.", e.Limit)
}

func options(e *accounts.FieldError) string {
	switch e.Field {
	case "state":
		if e.Detail == "claim" {
			return "Choose away or dnd, or leave it out."
		}
		return "Choose online, away, do not disturb, or automatic."
	case "until":
		return "Choose how long it lasts from the list."
	case "last_seen":
		return "Choose exact, approximate, or nobody."
	case "scopes":
		return "Choose scopes from the list."
	case "theme":
		return "Choose light, dark or match system."
	}
	return "Choose one of the options."
}

// ListMessage returns the sentence about a line of a list of people. Pages and the command line share it.
func ListMessage(p peoplecsv.Problem) string {
	switch p.Code {
	case peoplecsv.Empty:
		return "The list is empty."
	case peoplecsv.NoUsername:
		return "The first line must name the columns, and one of them must be username."
	case peoplecsv.RepeatedColumn:
		return "There are two columns for “" + p.Detail + "”."
	case peoplecsv.NoPeople:
		return "There are no people below the header line."
	case peoplecsv.FieldCount:
		return "This line has more or fewer fields than the first line. Put fields that contain commas, such as hashes, in double quotes."
	case peoplecsv.BadQuotes:
		return "There is a double quote in the wrong place. Write it twice inside a quoted field."
	case peoplecsv.NotUTF8:
		return "Some characters can't be read. Save the file as CSV UTF-8."
	case peoplecsv.OtherHash:
		return "The password is another kind of hash. Only hashes that begin with $argon2id$ can be imported."
	case peoplecsv.TooMany:
		return fmt.Sprintf("There are more than %d people. Split the list.", p.Limit)
	case peoplecsv.OpenQuotes:
		return "A double quote begins a field here that doesn't end. Remove it, or add another one at the end of the field."
	case peoplecsv.LineTooLong:
		return fmt.Sprintf("This line has more than %d KiB. Shorten it.", p.Limit>>10)
	case peoplecsv.CellTooLong:
		return fmt.Sprintf("A field has more than %d KiB. Shorten it.", p.Limit>>10)
	case peoplecsv.TooManyColumns:
		return fmt.Sprintf("There are more than %d columns. Remove those that aren't used.", p.Limit)
	case peoplecsv.TooManyProblems:
		return fmt.Sprintf("There are %d problems above, so the rest of the list wasn't checked. Fix these first.", p.Limit)
	}
	return "This line can't be used."
}

// wrongFields returns the failure for invalid fields. Forms show each sentence beside its field. Message is for
// responses without a form.
func wrongFields(wrong accounts.FieldErrors, err error) *failure {
	f := &failure{Status: http.StatusUnprocessableEntity, Fields: wrong, Err: err}
	if len(wrong) == 1 {
		switch wrong[0].Code {
		case accounts.Taken, changedMeanwhile, accounts.NewerValue:
			f.Status = http.StatusConflict
		case wrongPassword, otherTeam, wrongCode, wrongOneTimeCode, wrongFirstCode:
			f.Status = http.StatusForbidden
		}
	}
	sentences := make([]string, len(wrong))
	for i, e := range wrong {
		sentences[i] = FieldMessage(e)
	}
	f.Message = strings.Join(sentences, " ")
	return f
}

// formErrors returns the messages that a form shows beside its fields, or nil if the failure isn't about fields.
func (f *failure) formErrors() map[string]string {
	if len(f.Fields) == 0 {
		return nil
	}
	all := make(map[string]string, len(f.Fields))
	for _, e := range f.Fields {
		all[e.Field] = FieldMessage(e)
	}
	return all
}

// formMessage returns the message that a form shows above its fields.
func (f *failure) formMessage() string {
	if len(f.Fields) > 0 {
		return ""
	}
	return f.Message
}

// fieldProblem is one wrong field in problem+json.
type fieldProblem struct {
	Pointer string        `json:"pointer"` // JSON Pointer to the field, as a URI fragment; in a list, the line and the column
	Code    accounts.Code `json:"code"`
	Detail  string        `json:"detail"`
	line    int           // of a list
}

func (f *failure) fieldProblems() []fieldProblem {
	all := f.lines
	for _, e := range f.Fields {
		all = append(all, fieldProblem{Pointer: "#/" + e.Field, Code: e.Code, Detail: FieldMessage(e)})
	}
	return all
}

// accountFailure returns what a form shows about err. to is what the person tried to do, as in "Too many attempts to
// …". It returns nil if err isn't about the person's input.
func accountFailure(err error, to string) *failure {
	if wrong := accounts.WrongFields(err); len(wrong) > 0 {
		return wrongFields(wrong, err)
	}
	var over *limited
	var known *failure
	switch {
	case errors.As(err, &over):
		return tooMany(to, over)
	case errors.As(err, &known) && known.Status < http.StatusInternalServerError:
		return known
	case errors.Is(err, accounts.ErrCredentials):
		return &failure{Status: http.StatusUnprocessableEntity, Message: "Wrong username or password."}
	case errors.Is(err, accounts.ErrDisabled):
		return disabledAccount(err)
	case errors.Is(err, accounts.ErrNoSession):
		return &failure{Status: http.StatusNotFound, Message: "That device is no longer signed in."}
	case errors.Is(err, accounts.ErrNotFound):
		return &failure{Status: http.StatusConflict, Message: "This account has been deleted."}
	case errors.Is(err, accounts.ErrLastWayIn):
		return &failure{Status: http.StatusConflict,
			Message: "This is your last way to sign in. Add another one first."}
	case errors.Is(err, accounts.ErrLastAdmin):
		return &failure{Status: http.StatusConflict,
			Message: "This is the only administrator. Make somebody else an administrator first."}
	case errors.Is(err, accounts.ErrWaiting):
		return &failure{Status: http.StatusConflict, Message: "This person is waiting for approval. Approve them first."}
	case errors.Is(err, accounts.ErrNoLink):
		return &failure{Status: http.StatusConflict, Message: "This invitation has already ended."}
	case errors.Is(err, accounts.ErrTooManyActs):
		return tooManyActs(err)
	case errors.Is(err, accounts.ErrMailsFull):
		return mailsFull(err)
	case errors.Is(err, accounts.ErrBusy):
		return busy(err)
	}
	return nil
}
