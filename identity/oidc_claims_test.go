package identity

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// TestPerson signs in once per row and compares all that is known of the person.
func TestPerson(t *testing.T) {
	when := time.Unix(time.Now().Unix()-3600, 0)
	tests := []struct {
		name        string
		token, info fields
		want        Person
	}{
		{"nothing but a subject", nil, nil, Person{}},
		{"thin ID token",
			nil,
			fields{"name": "Ada King", "preferred_username": "ada", "email": "ada@example.com", "email_verified": true},
			Person{Name: "Ada King", Email: "ada@example.com", EmailVerified: Yes, Usernames: []string{"ada", "Ada King"}}},
		{"thin userinfo",
			fields{"name": "Ada King", "preferred_username": "countess", "email": "ada@example.com", "email_verified": true},
			nil,
			Person{Name: "Ada King", Email: "ada@example.com", EmailVerified: Yes,
				Usernames: []string{"countess", "ada", "Ada King"}}},
		{"userinfo is newer",
			fields{"name": "Ada Byron", "preferred_username": "byron"},
			fields{"name": "Ada King", "preferred_username": "king"},
			Person{Name: "Ada King", Usernames: []string{"king", "Ada King"}}},
		{"session, time and hosted domain come from the ID token",
			fields{"sid": "s1", "auth_time": when.Unix(), "hd": "example.com"},
			fields{"sid": "s2", "auth_time": 5, "hd": "evil.example"},
			Person{SessionID: "s1", AuthTime: when, HostedDomain: "example.com"}},
		{"and only from there",
			nil, fields{"sid": "s2", "auth_time": 5, "hd": "evil.example"}, Person{}},
		{"parts of a name",
			nil, fields{"given_name": "Ada", "family_name": "King"},
			Person{Name: "Ada King", Usernames: []string{"Ada King"}}},
		{"address as username",
			nil, fields{"preferred_username": "ada@example.com"}, Person{Usernames: []string{"ada"}}},
		{"unverified address is no username",
			nil, fields{"email": "ada@example.com", "email_verified": false},
			Person{Email: "ada@example.com", EmailVerified: No}},
		{"unusable text",
			fields{"sid": "s\n1", "name": strings.Repeat("a", 257)},
			fields{"name": "Ada\nKing", "preferred_username": 7, "email": "not an address"}, Person{}},
	}
	h := startHostile(t)
	p := h.provider()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h.change(func() { h.token, h.info = test.token, test.info })
			test.want.Issuer, test.want.Subject = h.issuer, "ada-1"
			if got, err := h.signIn(p); err != nil || !reflect.DeepEqual(got, test.want) {
				t.Errorf("Finish() = %+v, %v,\nwant %+v", got, err, test.want)
			}
		})
	}
}

func TestEmailVerified(t *testing.T) {
	const ada, bob = `"email":"ada@example.com"`, `"email":"bob@example.com"`
	tests := []struct {
		name        string
		token, info string
		email       string
		want        Answer
	}{
		{"true", ``, ada + `,"email_verified":true`, "ada@example.com", Yes},
		{"text", ``, ada + `,"email_verified":"true"`, "ada@example.com", Yes},
		{"false", ``, ada + `,"email_verified":false`, "ada@example.com", No},
		{"text false", ``, ada + `,"email_verified":"false"`, "ada@example.com", No},
		{"missing", ``, ada, "ada@example.com", NotSaid},
		{"null", ``, ada + `,"email_verified":null`, "ada@example.com", NotSaid},
		{"number", ``, ada + `,"email_verified":1`, "ada@example.com", No},
		{"other text", ``, ada + `,"email_verified":"yes"`, "ada@example.com", No},
		{"under another name", ``, ada + `,"Email_Verified":true`, "ada@example.com", NotSaid},
		{"said by the ID token about the same address", ada + `,"email_verified":true`, ada, "ada@example.com", Yes},
		{"said by the ID token about another address", ada + `,"email_verified":true`, bob, "bob@example.com", NotSaid},
		{"said about no address", `"email_verified":true`, ada, "ada@example.com", NotSaid},
		{"yes and no", ada + `,"email_verified":false`, ada + `,"email_verified":true`, "ada@example.com", No},
		{"no and yes", ada + `,"email_verified":true`, ada + `,"email_verified":false`, "ada@example.com", No},
		{"no address", `"email":"ada","email_verified":true`, `"email":"@example.com","email_verified":true`, "", NotSaid},
		{"two addresses in one", ``, `"email":"a@b c@example.com","email_verified":true`, "", NotSaid},
	}
	for _, test := range tests {
		sources := []claims{object(t, "{"+test.info+"}"), object(t, "{"+test.token+"}")}
		if got, verified := email(sources); got != test.email || verified != test.want {
			t.Errorf("%s: email() = %q, %d, want %q, %d", test.name, got, verified, test.email, test.want)
		}
	}
}

func TestGroups(t *testing.T) {
	const overage = `{"_claim_names":{"groups":"src1"},"_claim_sources":{"src1":{"endpoint":"https://graph.example"}}}`
	tests := []struct {
		name        string
		token, info string
		want        Groups
	}{
		{"list", `{}`, `{"groups":["/a/b","Staff"]}`, Groups{GroupsListed, []string{"/a/b", "Staff"}}},
		{"text", `{}`, `{"groups":"staff, all"}`, Groups{GroupsListed, []string{"staff, all"}}},
		{"empty list", `{}`, `{"groups":[]}`, Groups{GroupsListed, []string{}}},
		{"in the ID token", `{"groups":["a"]}`, `{}`, Groups{GroupsListed, []string{"a"}}},
		{"in both", `{"groups":["a"]}`, `{"groups":["b"]}`, Groups{GroupsListed, []string{"b"}}},
		{"absent", `{}`, `{}`, Groups{State: GroupsAbsent}},
		{"null", `{}`, `{"groups":null}`, Groups{State: GroupsAbsent}},
		{"under another name", `{}`, `{"Groups":["a"]}`, Groups{State: GroupsAbsent}},
		{"object", `{}`, `{"groups":{"a":1}}`, Groups{State: GroupsUnreadable}},
		{"list of numbers", `{}`, `{"groups":["a",1]}`, Groups{State: GroupsUnreadable}},
		{"unreadable, but the ID token lists them", `{"groups":["a"]}`, `{"groups":1}`, Groups{GroupsListed, []string{"a"}}},
		{"overage", overage, `{}`, Groups{State: GroupsOverage}},
		{"overage in a short form", `{"hasgroups":true}`, `{}`, Groups{State: GroupsOverage}},
		{"short form as text", `{"hasgroups":"true"}`, `{}`, Groups{State: GroupsOverage}},
		{"overage, but userinfo lists them", overage, `{"groups":["a"]}`, Groups{GroupsListed, []string{"a"}}},
		{"other claims elsewhere", `{"_claim_names":{"address":"src1"}}`, `{}`, Groups{State: GroupsAbsent}},
	}
	for _, test := range tests {
		got := groups([]claims{object(t, test.info), object(t, test.token)})
		if !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: groups() = %+v, want %+v", test.name, got, test.want)
		}
	}
}

// TestOverage: the library must accept the token in which Microsoft Entra leaves out the groups.
func TestOverage(t *testing.T) {
	h := startHostile(t)
	h.token = fields{
		"_claim_names":   fields{"groups": "src1"},
		"_claim_sources": fields{"src1": fields{"endpoint": h.issuer + "/groups"}},
	}
	person, err := h.signIn(h.provider())
	if err != nil || person.Groups.State != GroupsOverage || h.count("/groups") != 0 {
		t.Errorf("Finish() = %+v, %v, with %d requests for the groups, want an overage and no request",
			person.Groups, err, h.count("/groups"))
	}
}

func object(t *testing.T, text string) claims {
	t.Helper()
	said, err := readClaims([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return said
}

// FuzzClaims: whatever a provider says, the person has bounded text on one line, and only a listed group is a group.
func FuzzClaims(f *testing.F) {
	f.Add([]byte(`{"sub":"a","name":"Ada","groups":["a"],"auth_time":1e400}`),
		[]byte(`{"email":"a@b.c","email_verified":"true"}`))
	f.Add([]byte(`{"auth_time":-1,"_claim_names":[],"hasgroups":{}}`), []byte(`{"name":"\u0000","groups":[["a"]]}`))
	f.Fuzz(func(t *testing.T, token, info []byte) {
		var a, b claims
		if json.Unmarshal(token, &a) != nil || json.Unmarshal(info, &b) != nil {
			return
		}
		var p Person
		p.describe(a, b)
		for _, text := range append(p.Usernames, p.SessionID, p.Email, p.HostedDomain, p.Name) {
			if len(text) > 2*maxText+1 || !utf8.ValidString(text) || strings.ContainsFunc(text, unprintable) {
				t.Errorf("describe(%s, %s) = %q", token, info, text)
			}
		}
		if p.EmailVerified != NotSaid && p.Email == "" || p.Groups.State != GroupsListed && p.Groups.Values != nil {
			t.Errorf("describe(%s, %s) = %+v", token, info, p)
		}
	})
}
