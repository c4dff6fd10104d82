// Package mail composes the few emails that Rollcall sends, and hands each one to an SMTP server.
//
// It doesn't know accounts, SQL, or HTTP, and has no queue. Callers decide what to send, whom to send it to, and
// whether to try again. Messages have no images, no tracking, and no links that lead anywhere but to the board.
package mail

// Message is one email to one person.
type Message struct {
	To       Address
	FromName string // display name of the sender if Config has none, usually the name of the board
	Subject  string
	Text     string // lines end with \n
	HTML     string // the same content
}
