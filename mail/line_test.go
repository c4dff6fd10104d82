package mail

import (
	"fmt"
	"strings"
	"testing"
)

func TestLine(t *testing.T) {
	for in, want := range map[Line]string{
		"Acme":                         "Acme",
		" Acme\r\nBcc: a@b.c\t ":       "Acme Bcc: a@b.c",
		"a\u2028b\u2029c\u0085d":       "a b c d",
		"a\x00b\x1b[31mc":              "ab[31mc",
		"a\u202eb\u2066c\u200fd":       "abcd",
		"a\xffb":                       "ab",
		"👩\u200d🚀 नी\u200dल":           "👩\u200d🚀 नी\u200dल",
		"=?utf-8?q?a?=":                "= ?utf-8?q?a?=",
		"example.org":                  "example.org",
		Line(strings.Repeat("ä", 101)): strings.Repeat("ä", 100),
	} {
		if got := in.String(); got != want {
			t.Errorf("Line(%q).String() = %q, want %q", string(in), got, want)
		}
	}
}

func TestName(t *testing.T) {
	for in, want := range map[Name]string{
		"Ada":                    "Ada",
		"Dr. J.R.R. Tolkien 2.0": "Dr. J.R.R. Tolkien 2.0",
		"evil.com":               "evil. com",
		"https://a.evil.com/x":   "https: //a. evil. com/x",
		"http://10.0.0.1":        "http: //10.0.0.1",
		"пример.рф":              "пример. рф",
		"a\nb":                   "a b",
	} {
		if got := in.String(); got != want {
			t.Errorf("Name(%q).String() = %q, want %q", string(in), got, want)
		}
		if got := fmt.Sprint(in); got != want {
			t.Errorf("Sprint(Name(%q)) = %q, want %q", string(in), got, want)
		}
	}
}

func TestExcerpt(t *testing.T) {
	for _, c := range []struct {
		in    string
		limit int
		want  string
	}{
		{"5.1.1 No such\npers\x1b[31mon\r\n", 100, "5.1.1 No such pers [31mon"},
		{"a\u202eb\u200bc\x00", 100, "a b c"},
		{"a\xffb", 100, "a?b"},
		{"  ", 100, ""},
		{"äää", 5, "ää"},
		{"aaa bbb", 6, "aaa bb"},
		{"aaaa", 4, "aaaa"},
	} {
		if got := excerpt(c.in, c.limit); got != c.want {
			t.Errorf("excerpt(%q, %d) = %q, want %q", c.in, c.limit, got, c.want)
		}
	}
}
