package accounts

import "strings"

const (
	minUsername = 2
	maxUsername = 31 // bytes, all of them ASCII
)

// reserved are names that could be mistaken for Rollcall itself or the people who run it. isReserved ignores dots,
// dashes and underscores, so "sup-port" is reserved, too.
const reserved = " abuse account accounts admin administrator administrators admins all anonymous anyone api assets auth" +
	" away billing bot contact daemon deleted dev dnd everybody everyone faviconico ftp healthz help helpdesk here" +
	" hostmaster info invisible localhost login logout mail mailerdaemon me metrics mod moderator moderators mods nobody" +
	" none noreply null offline official oncall online operator operators owner owners password postmaster presence" +
	" readyz register robotstxt rollcall rollcallbot root security self settings signin signout signup staff static" +
	" status sudo superuser support sysadmin sysop system team teams test undefined unknown user users webmaster ws www" +
	" you "

// FoldUsername returns a username in lower case. A username has 2 to 31 letters a-z, digits, dots, underscores and
// dashes, and begins with a letter or digit. Anything else is refused with a *FieldError. It's idempotent.
func FoldUsername(name string) (string, error) {
	if len(name) < minUsername {
		return "", &FieldError{Field: "username", Code: TooShort, Limit: minUsername}
	}
	if len(name) > maxUsername {
		return "", &FieldError{Field: "username", Code: TooLong, Limit: maxUsername}
	}
	for i := range len(name) {
		c := name[i]
		switch {
		case 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9':
		case c == '.' || c == '_' || c == '-':
			if i == 0 {
				return "", wrongField("username", BadStart)
			}
		default:
			return "", wrongField("username", BadCharacter)
		}
	}
	return strings.ToLower(name), nil
}

// isReserved reports whether only administrators may have a folded username.
func isReserved(username string) bool {
	bare := strings.NewReplacer(".", "", "_", "", "-", "").Replace(username)
	return strings.Contains(reserved, " "+bare+" ")
}
