package ui

// APIPage is the reference of the API.
type APIPage struct {
	Layout
	Description []string // paragraphs
	Document    string   // URL of the OpenAPI document
	Groups      []APIGroup
}

// APIGroup is a part of the reference.
type APIGroup struct {
	Name, Description string
	Operations        []APIOperation
}

// APIOperation is one operation of the API.
type APIOperation struct {
	ID, Method, Path, Summary, Description, Scope string
	Parameters                                    []APIParameter
	Answer                                        string // what it answers if it succeeds
	Curl                                          string // a command line that calls it
}

// APIParameter is a parameter of an operation, or a field of its body.
type APIParameter struct {
	Name, Where, Description string
}

func (APIPage) template() string { return "api" }
