package handlers

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"rollcall/accounts"
)

// Programs get a pointer, a code and a sentence for every wrong field (RFC 9457).
func TestProblemPointsToFields(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ada := f.member("ada")
	f.person("bob")
	program := func(b *browser) *browser {
		b.header.Set("Accept", "application/json")
		return b
	}
	for _, tt := range []struct {
		what   string
		who    *browser
		path   string
		form   url.Values
		status int
		want   []string
	}{
		{"sign-up, all wrong", f.browser(), "/signup",
			url.Values{"username": {"."}, "display_name": {"\u202e"}, "password": {"short"}}, 422,
			[]string{"#/username too_short Use 2 characters or more.",
				"#/display_name unprintable Remove invisible and control characters.",
				"#/password too_short Use 8 characters or more."}},
		{"sign-up, taken and weak", f.browser(), "/signup", url.Values{"username": {"bob"}, "password": {"password"}}, 422,
			[]string{"#/password common This is a very common password. Choose another one.",
				"#/username taken This username is taken. Choose another one."}},
		{"sign-up, taken", f.browser(), "/signup", url.Values{"username": {"bob"}, "password": {goodPassword}}, 409,
			[]string{"#/username taken This username is taken. Choose another one."}},
		{"status", ada, "/me/status", url.Values{"emoji": {"hi"}}, 422, []string{"#/emoji not_one_emoji Use one emoji."}},
		{"settings", ada, "/settings/presence", url.Values{"idle": {"minutes"}, "idle_minutes": {"999"}}, 422,
			[]string{"#/idle_after out_of_range Choose 1 to 120 whole minutes."}},
		{"password", ada, "/settings/password",
			url.Values{"old_password": {"a wrong one"}, "password": {"another good password"}}, 403,
			[]string{"#/old_password wrong_password Wrong password."}},
		{"deletion", ada, "/settings/delete", url.Values{"username": {"x"}}, 422,
			[]string{"#/confirm_username unconfirmed Type ada to confirm."}},
		{"time zone", ada, "/me/zone", url.Values{"zone": {"Nowhere"}, "next": {"/"}}, 422,
			[]string{"#/time_zone unknown_zone Enter a time zone, such as Europe/Berlin."}},
	} {
		a := program(tt.who).do("POST", tt.path, tt.form)
		wantStatus(t, tt.what, a, tt.status)
		var problem struct {
			Type, Title, Detail string
			Status              int
			Errors              []struct{ Pointer, Code, Detail string }
		}
		if err := json.Unmarshal([]byte(a.body), &problem); err != nil ||
			a.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %v: %s", tt.what, err, a.body)
		}
		var got []string
		for _, e := range problem.Errors {
			got = append(got, e.Pointer+" "+e.Code+" "+e.Detail)
		}
		if !slices.Equal(got, tt.want) || problem.Detail == "" || problem.Status != tt.status {
			t.Errorf("%s: problem = %s, want the errors %q", tt.what, a.body, tt.want)
		}
	}
}

// Every code has a sentence of its own.
func TestEveryCodeHasASentence(t *testing.T) {
	t.Parallel()
	other := FieldMessage(&accounts.FieldError{Field: "text", Code: "no such code"})
	codes := codesIn(t, "../accounts/field.go", "fields.go")
	if len(codes) < 20 {
		t.Errorf("found the codes %q, want all", codes)
	}
	for _, code := range codes {
		for _, field := range []string{"username", "password", "state", "until"} {
			got := FieldMessage(&accounts.FieldError{Field: field, Code: accounts.Code(code), Limit: 7, Detail: "ada"})
			if got == other || !strings.HasSuffix(got, ".") || strings.Contains(got, "%!") {
				t.Errorf("FieldMessage(%s %s) = %q, want a sentence", field, code, got)
			}
		}
	}
}

// What can be wrong with a claim has sentences that fit claims.
func TestClaimErrorsAreExplained(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.person("ada")
	far := time.Now().Add(accounts.MaxClaimAge + time.Hour)
	for _, tt := range []struct {
		claim accounts.Claim
		lease time.Duration
		want  string
	}{
		{accounts.Claim{State: "dnd"}, time.Minute, "Name it with a key, such as build."},
		{accounts.Claim{Key: "k", State: "online"}, time.Minute, "Choose away or dnd, or leave it out."},
		{accounts.Claim{Key: "k"}, time.Minute, "Give a state, a text or an emoji."},
		{accounts.Claim{Key: "k", State: "dnd"}, 0,
			"Say when it ends (until), or how long it lasts unless it's renewed (lease), or both."},
		{accounts.Claim{Key: "k", State: "dnd", Until: far}, 0, "Choose a time within 30 days from now."},
		{accounts.Claim{Key: "k", State: "dnd"}, time.Second, "Choose 15 seconds to 24 hours."},
	} {
		_, _, err := f.store.PutClaim(acting(t.Context()), f.uid("ada"), tt.claim, tt.lease)
		var wrong *accounts.FieldError
		if !errors.As(err, &wrong) || FieldMessage(wrong) != tt.want {
			t.Errorf("PutClaim(%+v, %v) = %v, want the sentence %q", tt.claim, tt.lease, err, tt.want)
		}
	}
}

// codesIn returns the constants of type Code in files.
func codesIn(t *testing.T, files ...string) (codes []string) {
	t.Helper()
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if spec, ok := n.(*ast.ValueSpec); ok && strings.HasSuffix(fmt.Sprint(typeName(spec.Type)), "Code") &&
				len(spec.Values) == 1 {
				if value, ok := spec.Values[0].(*ast.BasicLit); ok {
					code, _ := strconv.Unquote(value.Value)
					codes = append(codes, code)
				}
			}
			return true
		})
	}
	return codes
}

func typeName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}

// Field errors that a handler returns directly get the same response as those of a form.
func TestFieldErrorsAreExplained(t *testing.T) {
	t.Parallel()
	f := explain(fmt.Errorf("set: %w", &accounts.FieldError{Field: "team", Code: accounts.UnknownTeam}), &http.Request{})
	if f.Status != http.StatusUnprocessableEntity || f.Message != "Choose a team that exists, or none." ||
		len(f.Fields) != 1 {
		t.Errorf("explain = %+v, want a 422 about the team", f)
	}
}
