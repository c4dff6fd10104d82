package peoplecsv

import (
	"fmt"
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

func FuzzRead(f *testing.F) {
	f.Add("username,team\nada,Ops\n")
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
