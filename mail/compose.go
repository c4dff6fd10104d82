package mail

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"strings"
	"time"
)

const (
	maxContent    = 64 << 10 // bytes of the text, and of the HTML
	maxHeaderLine = 76       // bytes of a line with encoded words (RFC 2047 section 2)
)

var (
	errNoContent   = errors.New("the message has no text or no HTML")
	errContentSize = fmt.Errorf("the message is longer than %d bytes", maxContent)
)

// compose returns a message as RFC 5322 wants it: ASCII, with lines that end with CRLF and have at most 76 bytes if
// they have spaces. It checks what an attacker may have put into the message.
func (c *Config) compose(m Message, now time.Time) ([]byte, error) {
	to, err := ParseAddress(string(m.To))
	switch {
	case err != nil:
		return nil, err
	case to != m.To: // white space around it
		return nil, &AddressError{NotAnAddress}
	case m.Text == "" || m.HTML == "":
		return nil, errNoContent
	case len(m.Text) > maxContent || len(m.HTML) > maxContent:
		return nil, errContentSize
	}
	from := mail.Address{Name: c.FromName, Address: string(c.From)}
	if from.Name == "" {
		from.Name = oneLine(m.FromName, maxName)
	}
	var b bytes.Buffer
	parts := multipart.NewWriter(&b)
	field(&b, "Date", now.UTC().Format(time.RFC1123Z))
	field(&b, "From", from.String())
	field(&b, "To", string(to))
	field(&b, "Message-ID", "<"+rand.Text()+"@"+addressLiteral(c.Domain)+">")
	field(&b, "Subject", mime.QEncoding.Encode("utf-8", oneLine(m.Subject, maxSubject)))
	field(&b, "Auto-Submitted", "auto-generated") // so that nobody's absence notice answers (RFC 3834)
	field(&b, "MIME-Version", "1.0")
	field(&b, "Content-Type", "multipart/alternative; boundary="+parts.Boundary())
	b.WriteString("\r\n")
	err = errors.Join(part(parts, "text/plain", m.Text), part(parts, "text/html", m.HTML), parts.Close())
	return b.Bytes(), err
}

// field writes a header field, folded at spaces (RFC 5322 section 2.2.3).
func field(b *bytes.Buffer, name, value string) {
	b.WriteString(name + ":")
	line := len(name) + 1
	for word := range strings.SplitSeq(value, " ") {
		if line+1+len(word) > maxHeaderLine {
			b.WriteString("\r\n")
			line = 0
		}
		b.WriteString(" " + word)
		line += 1 + len(word)
	}
	b.WriteString("\r\n")
}

// part writes one form of the content. Quoted-printable needs no extension of the server, and no line gets too long.
func part(parts *multipart.Writer, mediaType, content string) error {
	w, err := parts.CreatePart(textproto.MIMEHeader{
		"Content-Type":              {mediaType + "; charset=utf-8"},
		"Content-Transfer-Encoding": {"quoted-printable"},
	})
	if err != nil {
		return err
	}
	encoded := quotedprintable.NewWriter(w)
	_, err = io.WriteString(encoded, strings.ToValidUTF8(content, ""))
	return errors.Join(err, encoded.Close())
}
