package mail

import (
	"errors"
	"fmt"
	"net/textproto"
	"strings"
	"unicode"
)

// Kind says whether it makes sense to send a message again.
type Kind string

const (
	// Temporary means that the server said so (4xx), that it can't be reached or didn't answer in time, or that an
	// operator has to correct the settings, such as the certificate.
	Temporary Kind = "temporary"
	// Permanent means that the server refused for good (5xx), or that the message can't be sent to anyone.
	Permanent Kind = "permanent"
)

// Step is the part of sending that failed.
type Step string

const (
	StepCompose   Step = "compose"   // the message itself, before any connection
	StepConnect   Step = "connect"   // looking up the host and connecting; on port 465, TLS, too
	StepGreeting  Step = "greeting"  // the server's greeting, and EHLO
	StepTLS       Step = "starttls"  // STARTTLS
	StepSignIn    Step = "sign_in"   // AUTH; a 5xx code is about the user name and password, and not about this message
	StepSender    Step = "sender"    // MAIL FROM
	StepRecipient Step = "recipient" // RCPT TO
	StepContent   Step = "content"   // DATA; after a timeout, the message may have been delivered
)

const (
	maxExcerpt = 200 // bytes of what a server said
	maxReason  = 400 // bytes of a cause, which can hold an excerpt
)

// Error is the error of Sender.Send. It's for operators' logs, because the text can hold the recipient's address.
type Error struct {
	Kind Kind
	Step Step
	Code int    // the server's reply code (RFC 5321 section 4.2); 0 if it isn't the reason
	Text string // with a code, what the server said: at most 200 bytes of printable text, without links to the board
	Err  error  // without a code, the cause
}

// Error returns one printable line, whatever the server sent.
func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("send email: %s: %s", e.Step, excerpt(e.Err.Error(), maxReason))
	}
	return fmt.Sprintf("send email: %s: the server answered %d %s", e.Step, e.Code, e.Text)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Errors that operators can correct.
var (
	errNoTLS = errors.New("the SMTP server doesn't offer STARTTLS, and without it, others could read links and " +
		"passwords on the network: use smtps://, another port, or a server on this machine")
	errNotTLS     = errors.New("the SMTP server doesn't begin with TLS: write smtp:// and usually port 587")
	errNotTrusted = errors.New("the SMTP server's certificate isn't valid for this host: use the host name in the " +
		"certificate, or add its CA to the certificates of this machine")
	errNoAuth = errors.New("the SMTP server offers neither AUTH PLAIN nor AUTH LOGIN: remove the user name and " +
		"password from the SMTP URL, or use another port")
)

// Errors that a server causes.
var (
	errPlainText = errors.New("the connection isn't encrypted, so the password isn't sent")
	errChallenge = errors.New("the SMTP server asks for more than a user name and a password")
	errTooMuch   = errors.New("the SMTP server sent too much")
	errMalformed = errors.New("the SMTP server's answer isn't SMTP")
)

// failure turns the error of a step into an *Error.
func (s *Sender) failure(step Step, err error) *Error {
	if reply, ok := errors.AsType[*textproto.Error](err); ok {
		kind := Temporary
		if reply.Code >= 500 {
			kind = Permanent
		}
		return &Error{Kind: kind, Step: step, Code: reply.Code, Text: excerpt(s.withoutLinks(reply.Msg), maxExcerpt)}
	}
	if malformed, ok := errors.AsType[textproto.ProtocolError](err); ok {
		err = fmt.Errorf("%w: %s", errMalformed, s.withoutLinks(string(malformed)))
	}
	return &Error{Kind: Temporary, Step: step, Err: err}
}

// withoutLinks removes links to the board from a server's text, because servers can quote what they refuse, and links
// have tokens.
func (s *Sender) withoutLinks(text string) string { return s.links.ReplaceAllString(text, "[link]") }

// excerpt returns the beginning of s, printable and on one line.
func excerpt(s string, limit int) string {
	var b strings.Builder
	for word := range strings.FieldsFuncSeq(s, func(r rune) bool { return !unicode.IsGraphic(r) || unicode.IsSpace(r) }) {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(word)
		if b.Len() > limit {
			break
		}
	}
	return clip(strings.ToValidUTF8(b.String(), "?"), limit)
}

// clip returns at most limit bytes of s, and cuts no character.
func clip(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "")
}
