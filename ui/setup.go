package ui

// SetupPage makes the first account and names the board. Errors holds a message per field name (code, board_name,
// username, display_name, password); Message is about all of it.
type SetupPage struct {
	Layout
	AskCode                         bool // the visitor has to prove that the server is theirs
	AskName                         bool // no flag names the board
	Code, BoardName                 string
	Username, DisplayName, Password string
	Message                         string
	Errors                          map[string]string
}

func (SetupPage) template() string { return "setup" }

// setupFields are the fields in the order shown.
var setupFields = [...]string{"code", "board_name", "display_name", "username", "password"}

// Field returns what the template needs for one input.
func (p SetupPage) Field(name string) field {
	value := map[string]string{
		"code": p.Code, "board_name": p.BoardName,
		"username": p.Username, "display_name": p.DisplayName, "password": p.Password,
	}[name]
	return field{Name: name, Error: p.Errors[name], Value: value, Focus: name == p.Focus()}
}

// Focus names the field the cursor starts in: the first that is wrong, else the first.
func (p SetupPage) Focus() string {
	for _, name := range setupFields {
		if p.Errors[name] != "" {
			return name
		}
	}
	switch {
	case p.AskCode:
		return "code"
	case p.AskName:
		return "board_name"
	}
	return "display_name"
}

// First is what a board with one account says about itself.
type First struct {
	Address    string // of the board, to send to others; "": others have accounts, and nothing is said
	OnlyHere   bool   // nobody else can open the board
	Port       string // at which the board is open here
	Loopback   bool   // others can open the board, but not at Address
	SignupOpen bool
}
