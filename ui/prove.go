package ui

// ProvePage asks the person who is signed in to prove who they are, before the form that they posted takes effect.
type ProvePage struct {
	Layout
	Action   string // path and query where the form goes on
	Kept     []Kept // its fields
	Upload   bool   // it had a file, or as much text
	Username string

	Password, Code, Passkey bool // what it asks for: a password, a code with it, or a passkey instead
	Missing                 bool // the person needs a second factor and has none

	Error, CodeError, Message string // about the password, about the code, and about the form as a whole

	Elsewhere []ProviderLink // where the person can prove it instead
}

// Kept is a field of a form that is posted again.
type Kept struct{ Name, Value string }

func (ProvePage) template() string { return "prove" }

// Nothing reports whether the person has nothing to prove with.
func (p ProvePage) Nothing() bool {
	return !p.Password && !p.Passkey && !p.Missing && len(p.Elsewhere) == 0
}

// CodeFirst reports whether the cursor starts in the field for the code.
func (p ProvePage) CodeFirst() bool { return p.Error == "" && p.CodeError != "" }

// RetryPage keeps a form that can't be handled at the moment.
type RetryPage struct {
	Layout
	Heading, Message string // "": the default
	Action           string // path and query where the form goes
	Kept             []Kept // its fields
	Upload           bool   // it had a file, or as much text
}

func (RetryPage) template() string { return "retry" }

// DownloadPage has a button for a file, after the person has proved who they are.
type DownloadPage struct {
	Layout
	Action string // path and query of the file
	Kept   []Kept // fields of its form
	Upload bool   // they're as much text as a file
}

func (DownloadPage) template() string { return "download" }
