package peoplecsv

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
)

// Files of spreadsheets and of people are read alike.
func TestRead(t *testing.T) {
	const hash = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$vYVtHhbBsGEXNqWBkBVqdcV5tmcVzKKhFY5rjDYDMXU"
	for _, tt := range []struct{ name, file, people, problems, ignored string }{
		{"commas", "username,password,display_name,team\nada,secret word,Ada O,Ops\n", "2:ada|secret word||Ada O|Ops", "", ""},
		{"reordered", "Team,Display name,USERNAME\nOps,Ada, ada \n", "2:ada|||Ada|Ops", "", ""},
		{"semicolons, byte order mark, CRLF", "\ufeffusername;team\r\nada;\"Sales; France\"\r\n\r\nbob;\r\n",
			"2:ada||||Sales; France 4:bob||||", "", ""},
		{"tabs and other columns", "Full name\tUser name\tFloor\t\nAda\tada\t3\t\n", "2:ada|||Ada|", "", "Floor"},
		{"a hash", "username,password\nada,\"" + hash + "\"\n", "2:ada||" + hash + "||", "", ""},
		{"every bad line", "username,password,team\nada\nbob,$2a$12$R9h,Ops\neve,x\"y,Ops\nliz,\xff,Ops\nzoe,secret,Ops\n,,\n",
			"6:zoe|secret|||Ops", "2:field_count:ada 3:other_hash:bob 4:bad_quotes: 5:not_utf8:liz", ""},
		{"empty", "", "", "0:empty:", ""},
		{"no people", "username\n", "", "0:no_people:", ""},
		{"no usernames", "team\nOps\n", "", "1:no_username:", ""},
		{"a column twice", "username,User\nada,bob\n", "", "1:repeated_column:User", ""},
		{"UTF-16", "\xff\xfeu\x00s\x00\n", "", "1:not_utf8:", ""},
		{"a replaced character", "username,team\nliz,Zo\uFFFD\n", "", "2:not_utf8:liz", ""},
		{"a field on two lines", "username,team,note\nada,Ops,\"a\n\"\"b\"\"\"\nbob,Ops,\n", "2:ada||||Ops 4:bob||||Ops", "", "note"},
		{"an open quote", "username,team\nada,\"Ops\nbob,Ops\n" + strings.Repeat("\n", 30) + "eve,Ops\n", "3:bob||||Ops 34:eve||||Ops", "2:open_quotes:", ""},
		{"an open quote at the end", "username,team\nada,\"Ops\nbob,Ops", "3:bob||||Ops", "2:open_quotes:", ""},
		{"an open quote in the header", "username,\"team\nada,Ops\n", "", "1:open_quotes:", ""},
		{"a long line", "username\nada" + strings.Repeat(" ", MaxLine) + "\nbob\n", "3:bob||||", fmt.Sprint("2:line_too_long:", MaxLine), ""},
		{"a long field", "username,team\nada," + strings.Repeat("x", MaxCell+1) + "\nbob,\n", "3:bob||||", fmt.Sprint("2:cell_too_long:", MaxCell), ""},
		{"many columns", "username" + strings.Repeat(",", MaxColumns) + "\nada\n", "", fmt.Sprint("1:too_many_columns:", MaxColumns), ""},
		{"too many", "username\n" + strings.Repeat("ada\n", 9), "2:ada|||| 3:ada|||| 4:ada|||| 5:ada|||| 6:ada|||| 7:ada|||| 8:ada|||| 9:ada||||",
			"10:too_many:8", ""},
	} {
		l, err := Read(strings.NewReader(tt.file), 8)
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		var people, problems []string
		for i, p := range l.People {
			people = append(people, fmt.Sprintf("%d:%s|%s|%s|%s|%s", l.Lines[i], p.Username, p.Password, p.PasswordHash, p.DisplayName, p.Team))
		}
		for _, p := range l.Problems {
			detail := p.Username + p.Detail
			if p.Limit > 0 {
				detail = fmt.Sprint(p.Limit)
			}
			problems = append(problems, fmt.Sprintf("%d:%s:%s", p.Line, p.Code, detail))
		}
		if got := strings.Join(people, " "); got != tt.people {
			t.Errorf("%s: people %q, want %q", tt.name, got, tt.people)
		}
		if got := strings.Join(problems, " "); got != tt.problems {
			t.Errorf("%s: problems %q, want %q", tt.name, got, tt.problems)
		}
		if got := strings.Join(l.Ignored, " "); got != tt.ignored {
			t.Errorf("%s: ignored columns %q, want %q", tt.name, got, tt.ignored)
		}
	}
}

// No cell of a written file is a formula, and what was written can be read again.
func TestWrite(t *testing.T) {
	var out strings.Builder
	rows := [][]string{{"username", "team"}, {"ada", "=1+1"}, {"bob", "+1"}, {"c", "-1"}, {"d", "@x"}, {"e", "\tx"}, {"f", `a "b", c`}, {"g", "x;=1+1;"},
		{"h", "＝1"}, {"i", "a; b-c"}}
	err := Write(&out, func(yield func([]string) error) error {
		for _, row := range rows {
			if err := yield(row); err != nil {
				return err
			}
		}
		return nil
	})
	want := "username,team\r\nada,'=1+1\r\nbob,'+1\r\nc,'-1\r\nd,'@x\r\ne,'\tx\r\nf,\"a \"\"b\"\", c\"\r\ng,x;'=1+1;\r\nh,'＝1\r\ni,a; b-c\r\n"
	if err != nil || out.String() != want {
		t.Fatalf("Write = %q, %v, want %q", out.String(), err, want)
	}
	if l, err := Read(strings.NewReader(out.String()), 9); err != nil || len(l.People) != 9 || l.People[5].Team != `a "b", c` {
		t.Errorf("Read(Write) = %+v, %v, want the same people", l, err)
	}
}

// endless is a file of which no line ends, or no field, or every line is wrong. It counts what is read.
type endless struct {
	begins, goesOn string
	read           int
}

func (e *endless) Read(p []byte) (n int, err error) {
	if e.read == 0 {
		n = copy(p, e.begins)
	}
	for n < len(p) && e.read+n < 64<<20 {
		n += copy(p[n:], e.goesOn)
	}
	e.read += n
	if n == 0 {
		err = io.EOF
	}
	return n, err
}

// A huge file takes little memory, whatever is wrong with it.
func TestReadIsBounded(t *testing.T) {
	for name, file := range map[string]*endless{
		"a line without an end":     {begins: "username,team\nada,", goesOn: "Ops"},
		"a header without an end":   {begins: "username,", goesOn: ","},
		"a field without an end":    {begins: "username,team\nada,\"", goesOn: "Ops,Ops,Ops"},
		"lines with an open quote":  {begins: "username,team\n", goesOn: "ada,\"Ops\n"},
		"lines with too few fields": {begins: "username,team\n", goesOn: "x\n"},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		l, err := Read(file, 1000)
		runtime.ReadMemStats(&after)
		if err != nil || len(l.Problems) == 0 || len(l.Problems) > MaxProblems+1 {
			t.Errorf("%s: %d problems, %v, want some", name, len(l.Problems), err)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 16<<20 {
			t.Errorf("%s: reading took %d MB of memory, want at most 16", name, used>>20)
		}
		if last := l.Problems[len(l.Problems)-1]; len(l.Problems) > MaxProblems && (last.Code != TooManyProblems || file.read > 1<<20) {
			t.Errorf("%s: %d bytes were read until %v, want an end at the limit of problems", name, file.read, last)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("username,team\nada,Ops\n")
	f.Add("username,team\nada,\"O\"\"p\ns\"\n\"b,Ops\n")
	f.Add("\ufeffusername;\"a\nb\"\r\n\"x")
	f.Fuzz(func(t *testing.T, file string) {
		l, err := Read(strings.NewReader(file), 50)
		if err != nil {
			t.Skip()
		}
		if len(l.People) != len(l.Lines) || len(l.People) > 50 || len(l.People)+len(l.Problems) == 0 {
			t.Errorf("Read = %d people on %d lines, %d problems", len(l.People), len(l.Lines), len(l.Problems))
		}
	})
}
