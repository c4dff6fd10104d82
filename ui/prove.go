package ui

// ProvePage asks for the password of the person who is signed in, before the form that they posted takes effect.
type ProvePage struct {
	Layout
	Action         string // path and query where the form goes on
	Kept           []Kept // its fields
	Username       string
	Error, Message string // about the password, and about the form as a whole
	NoPassword     bool   // the person has none
	Elsewhere      []ProviderLink
}

// Kept is a field of a form that is posted again.
type Kept struct{ Name, Value string }

func (ProvePage) template() string { return "prove" }
