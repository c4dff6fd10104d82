package mail

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	html "html/template"
	"io/fs"
	"strings"
	text "text/template"
	"time"
)

//go:embed templates
var files embed.FS

// Templates holds the parsed texts of all messages. It's safe for concurrent use.
type Templates struct {
	text map[string]*text.Template
	html map[string]*html.Template
}

// NewTemplates parses the texts, and tries each one, because html/template reports a text that it can't escape only
// when it's first executed.
func NewTemplates() (*Templates, error) { return load(files) }

func load(files fs.FS) (*Templates, error) {
	t, err := parse(files)
	if err != nil {
		return nil, err
	}
	return t, t.tryAll()
}

func parse(files fs.FS) (*Templates, error) {
	t := &Templates{map[string]*text.Template{}, map[string]*html.Template{}}
	for _, c := range everyContent {
		name := c.template()
		plain, err := text.New("layout.txt").Funcs(text.FuncMap{"when": when}).
			ParseFS(files, "templates/layout.txt", "templates/"+name+".txt")
		if err != nil {
			return nil, fmt.Errorf("mail: parse %s.txt: %w", name, err)
		}
		rich, err := html.New("layout.html").Funcs(html.FuncMap{"when": when}).
			ParseFS(files, "templates/layout.html", "templates/"+name+".html")
		if err != nil {
			return nil, fmt.Errorf("mail: parse %s.html: %w", name, err)
		}
		t.text[name], t.html[name] = plain, rich
	}
	return t, nil
}

func (t *Templates) tryAll() error {
	var errs []error
	for _, c := range everyContent {
		_, err := t.render(c)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Message writes the message that tells a person c. It returns an error if a link doesn't lead to the board.
func (t *Templates) Message(to Address, c Content) (Message, error) {
	board, link := c.origin()
	if board.URL == "" || !strings.HasPrefix(link, board.URL+"/") {
		return Message{}, fmt.Errorf("mail: the link of %s doesn't begin with the URL of the board", c.template())
	}
	m, err := t.render(c)
	m.To = to
	return m, err
}

// render returns the message without a recipient.
func (t *Templates) render(c Content) (Message, error) {
	name := c.template()
	var subject, plain, rich bytes.Buffer
	if err := errors.Join(
		t.text[name].ExecuteTemplate(&subject, "subject", c),
		t.text[name].Execute(&plain, c),
		t.html[name].Execute(&rich, c),
	); err != nil {
		return Message{}, fmt.Errorf("mail: render %s: %w", name, err)
	}
	board, _ := c.origin()
	return Message{
		FromName: board.Name.String(), Subject: subject.String(), Text: paragraphs(plain.String()), HTML: rich.String(),
	}, nil
}

// paragraphs puts each paragraph on one line, because the person's mail program knows how wide its window is.
func paragraphs(s string) string {
	var all []string
	for p := range strings.SplitSeq(s, "\n\n") {
		if p = strings.Join(strings.Fields(p), " "); p != "" {
			all = append(all, p)
		}
	}
	return strings.Join(all, "\n\n") + "\n"
}

// when formats a time in its own time zone. It writes the zone as an offset, because abbreviations are ambiguous.
func when(t time.Time) string {
	_, offset := t.Zone()
	zone := "UTC"
	if minutes := offset / 60; minutes != 0 {
		sign := '+'
		if minutes < 0 {
			sign, minutes = '-', -minutes
		}
		zone += fmt.Sprintf("%c%d", sign, minutes/60)
		if minutes%60 != 0 {
			zone += fmt.Sprintf(":%02d", minutes%60)
		}
	}
	return t.Format("January 2, 2006, at 3:04 PM ") + zone
}
