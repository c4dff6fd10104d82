package ui

// EmbedPage is the list of who is here in a frame of another site.
type EmbedPage struct {
	Title, Summary string
	People         []EmbedPerson
	Board          string // URL of the board
	Source         string // path of the embed, from where the script reads the list again
}

// EmbedPerson is somebody who is here.
type EmbedPerson struct{ Name, State, Text string }

func (EmbedPage) template() string { return "embed" }
func (EmbedPage) root() string     { return "bare" }
