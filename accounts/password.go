package accounts

import (
	"embed"
	"errors"
	"strings"
	"sync"
	"unicode/utf8"
)

// Limits of a password. Longer ones are refused, never truncated.
const (
	MinPassword = 8   // characters: runes, as NIST SP 800-63B counts them
	MaxPassword = 256 // bytes
)

//go:embed all:generated
var generated embed.FS // without assets, this holds only the empty folder; see Ready

// commonPasswords returns the 3,000 most frequent passwords with 8 or more characters, in lower case, each between line
// breaks. It returns "" in a binary that was built without them.
var commonPasswords = sync.OnceValue(func() string {
	list, err := generated.ReadFile("generated/common-passwords.txt")
	if err != nil {
		return ""
	}
	return "\n" + string(list)
})

// Ready returns an error if the binary was built without the list of common passwords. Such a binary must not serve,
// because it would accept weak passwords.
func Ready() error {
	if strings.Count(commonPasswords(), "\n") < 3000 {
		return errors.New("built without the list of common passwords: run `make assets`, then build again")
	}
	return nil
}

// PossiblePassword reports whether password is neither empty nor too long. Any other password is wrong without being
// hashed, so it needn't count against a limit.
func PossiblePassword(password string) bool { return password != "" && len(password) <= MaxPassword }

// checkPassword returns a *FieldError for a password that username must not choose.
func checkPassword(username, password string) error {
	switch {
	case utf8.RuneCountInString(password) < MinPassword:
		return &FieldError{Field: "password", Code: TooShort, Limit: MinPassword}
	case len(password) > MaxPassword:
		return &FieldError{Field: "password", Code: TooLong, Limit: MaxPassword}
	case isCommon(password):
		return wrongField("password", Common)
	case strings.EqualFold(password, username):
		return wrongField("password", SameAsUsername)
	}
	return nil
}

func isCommon(password string) bool {
	return !strings.Contains(password, "\n") && strings.Contains(commonPasswords(), "\n"+strings.ToLower(password)+"\n")
}
