package mail

import "time"

// Content is one of the typed contents of this package. Each has two templates: one for the subject and the text, and
// one for the HTML. Times must be in the time zone of the person who gets the message.
type Content interface {
	template() string
	origin() (board Board, link string)
}

// Board is what all messages say about the board.
type Board struct {
	Name Line
	URL  string // the public URL, without a slash at the end
}

// everyContent holds a zero value of each content. NewTemplates renders all of them.
var everyContent = [...]Content{PasswordReset{}, AdminReset{}, NoPassword{}, VerifyAddress{}, AddressChanged{},
	AddressSet{}, PasswordChanged{}, NewSignIn{}, Invitation{}, Approved{}, ApprovalWaiting{}, RecoveryCodeUsed{},
	RecoveryCodesRenewed{}, FactorChanged{}, SignUp{}, AccountExists{}, Test{}}

// PasswordReset answers a person who forgot the password.
type PasswordReset struct {
	Board    Board
	Username Line
	Link     string // to the form for a new password, usable once
	Expires  time.Time
}

// AdminReset has the link with which an administrator lets a person choose a new password.
type AdminReset struct {
	Board    Board
	Username Line
	Link     string // to the form for a new password, usable once
	Expires  time.Time
}

// NoPassword answers a person who asked for a new password, but whose account has none.
type NoPassword struct {
	Board    Board
	Username Line
	Buttons  []Line // labels on the sign-in page of the ways in which this person can sign in
	Link     string // to the sign-in page
}

// VerifyAddress asks the owner of an address whether an account may use it.
type VerifyAddress struct {
	Board    Board
	Username Line
	Link     string // to the form that confirms the address, usable once
	Expires  time.Time
}

// AddressChanged goes to the previous address of an account. It doesn't name the new one, because the previous address
// may be somebody else's by now.
type AddressChanged struct {
	Board    Board
	Username Line
	At       time.Time
	Link     string // to the form that undoes the change
	Expires  time.Time
}

// AddressSet says that an administrator changed the address of an account. It goes to the new address and to the one
// before, and names neither.
type AddressSet struct {
	Board    Board
	Username Line
	Current  bool // the message goes to the new address
	At       time.Time
	Link     string // to the person's settings
}

// PasswordChanged says that an account has a new password.
type PasswordChanged struct {
	Board    Board
	Username Line
	At       time.Time
	Link     string // to the form for a forgotten password
}

// NewSignIn says that somebody signed in with a browser that hasn't been used for the account before.
type NewSignIn struct {
	Board    Board
	Username Line
	Browser  Line // for example, Firefox on Linux
	Address  Line // IP address; can be empty
	At       time.Time
	Link     string // to the person's devices
}

// Invitation goes to a person who doesn't have an account yet.
type Invitation struct {
	Board   Board
	Inviter Name   // display name
	Link    string // to the form for a new account
	Expires time.Time
}

// SignUp goes to an address whose owner may make an account.
type SignUp struct {
	Board   Board
	Link    string // to the form for a new account, usable once
	Expires time.Time
}

// AccountExists answers a person who asked for an account, but whose address belongs to one already.
type AccountExists struct {
	Board    Board
	Username Line
	Link     string // to the sign-in page
}

// Approved tells a person who signed up that they can sign in now.
type Approved struct {
	Board    Board
	Username Line
	Link     string // to the sign-in page
}

// ApprovalWaiting tells an administrator how many people wait for approval. It names nobody, because anybody can ask.
type ApprovalWaiting struct {
	Board   Board
	Waiting int
	Link    string // to the list of those who wait
}

// RecoveryCodeUsed says that somebody signed in, or proved who they are, with a recovery code.
type RecoveryCodeUsed struct {
	Board    Board
	Username Line
	At       time.Time
	Left     int    // codes that haven't been used
	Link     string // to the person's ways to sign in
}

// RecoveryCodesRenewed says that somebody created new recovery codes for an account, so that the old ones don't work.
type RecoveryCodesRenewed struct {
	Board    Board
	Username Line
	At       time.Time
	Link     string // to the person's ways to sign in
}

// Factor is a way to sign in that people can add to their account.
type Factor string

const (
	Passkey          Factor = "passkey"
	AuthenticatorApp Factor = "authenticator_app"
	LinkedAccount    Factor = "linked_account" // sign-in elsewhere
	AllFactors       Factor = "all"            // only removed, by an administrator
)

// FactorChanged says that a way to sign in was added to an account or removed from it.
type FactorChanged struct {
	Board    Board
	Username Line
	Factor   Factor
	Added    bool // otherwise removed
	Label    Name // what the person calls it, or where they sign in; can be empty
	At       time.Time
	Link     string // to the person's ways to sign in
}

// Test is for operators who want to know whether email works.
type Test struct {
	Board Board
	Link  string // to the board
}

func (PasswordReset) template() string        { return "password_reset" }
func (AdminReset) template() string           { return "admin_reset" }
func (NoPassword) template() string           { return "no_password" }
func (VerifyAddress) template() string        { return "verify_address" }
func (AddressChanged) template() string       { return "address_changed" }
func (AddressSet) template() string           { return "address_set" }
func (PasswordChanged) template() string      { return "password_changed" }
func (NewSignIn) template() string            { return "new_sign_in" }
func (Invitation) template() string           { return "invitation" }
func (Approved) template() string             { return "approved" }
func (ApprovalWaiting) template() string      { return "approval_waiting" }
func (RecoveryCodeUsed) template() string     { return "recovery_code_used" }
func (RecoveryCodesRenewed) template() string { return "recovery_codes_renewed" }
func (FactorChanged) template() string        { return "factor_changed" }
func (SignUp) template() string               { return "sign_up" }
func (AccountExists) template() string        { return "account_exists" }
func (Test) template() string                 { return "test" }

func (c PasswordReset) origin() (Board, string)        { return c.Board, c.Link }
func (c AdminReset) origin() (Board, string)           { return c.Board, c.Link }
func (c NoPassword) origin() (Board, string)           { return c.Board, c.Link }
func (c VerifyAddress) origin() (Board, string)        { return c.Board, c.Link }
func (c AddressChanged) origin() (Board, string)       { return c.Board, c.Link }
func (c AddressSet) origin() (Board, string)           { return c.Board, c.Link }
func (c PasswordChanged) origin() (Board, string)      { return c.Board, c.Link }
func (c NewSignIn) origin() (Board, string)            { return c.Board, c.Link }
func (c Invitation) origin() (Board, string)           { return c.Board, c.Link }
func (c Approved) origin() (Board, string)             { return c.Board, c.Link }
func (c ApprovalWaiting) origin() (Board, string)      { return c.Board, c.Link }
func (c RecoveryCodeUsed) origin() (Board, string)     { return c.Board, c.Link }
func (c RecoveryCodesRenewed) origin() (Board, string) { return c.Board, c.Link }
func (c FactorChanged) origin() (Board, string)        { return c.Board, c.Link }
func (c SignUp) origin() (Board, string)               { return c.Board, c.Link }
func (c AccountExists) origin() (Board, string)        { return c.Board, c.Link }
func (c Test) origin() (Board, string)                 { return c.Board, c.Link }
