package mail

import (
	"errors"
	"net/mail"
	"strings"
	"testing"
)

func TestParseAddress(t *testing.T) {
	long := strings.Repeat("a", 63)
	for _, c := range []struct {
		typed string
		want  Address
		code  AddressCode
	}{
		{"ada@example.org", "ada@example.org", ""},
		{" Ada.L+board@Mail.Example.ORG\n", "Ada.L+board@Mail.Example.ORG", ""},
		{"o'hara=x@xn--bcher-kva.example", "o'hara=x@xn--bcher-kva.example", ""},
		{"ada@localhost", "ada@localhost", ""},
		{"ada@mail.localhost", "ada@mail.localhost", ""},
		{long + "@example.org", Address(long + "@example.org"), ""},
		{"ada@" + long + ".org", Address("ada@" + long + ".org"), ""},

		{"", "", MissingAddress},
		{" \t", "", MissingAddress},
		{long + "aa@example.org", "", AddressTooLong},
		{"ada@" + strings.Repeat(long[:60]+".", 4) + "example", "", AddressTooLong},
		{"ada@" + long + "a.org", "", AddressBadDomain},
		{"ada@bücher.example", "", AddressNotASCII},
		{"adä@example.org", "", AddressNotASCII},
		{"ada@example.org\x7f", "", AddressNotASCII},

		{"ada", "", NotAnAddress},
		{"@example.org", "", NotAnAddress},
		{"ada@", "", NotAnAddress},
		{"ada@bob@example.org", "", NotAnAddress},
		{"ada.@example.org", "", NotAnAddress},
		{"a da@example.org", "", NotAnAddress},
		{"<ada@example.org>", "", NotAnAddress},
		{"Ada <ada@example.org>", "", NotAnAddress},
		{"ada@example.org (Ada)", "", NotAnAddress},
		{"ada@example.org, bob@example.org", "", NotAnAddress},
		{`"a b"@example.org`, "", NotAnAddress},
		{`"ada"@example.org`, "", NotAnAddress},
		{`"\"ada\""@example.org`, "", NotAnAddress},
		{"ada@example.org\r\nBcc: bob@example.org", "", NotAnAddress},
		{"ada@exam\nple.org", "", NotAnAddress},
		{"ada@[127.0.0.1]", "", AddressBadDomain},

		{"ada@example", "", AddressBadDomain},
		{"ada@127.0.0.1", "", AddressBadDomain},
		{"ada@example.123", "", AddressBadDomain},
		{"ada@-example.org", "", AddressBadDomain},
		{"ada@example-.org", "", AddressBadDomain},
		{"ada@exa_mple.org", "", AddressBadDomain},
		{"ada@exa!mple.org", "", AddressBadDomain},
	} {
		got, err := ParseAddress(c.typed)
		wrong, _ := errors.AsType[*AddressError](err)
		if got != c.want || (c.code == "") != (err == nil) || wrong != nil && wrong.Code != c.code {
			t.Errorf("ParseAddress(%q) = %q, %v, want %q, code %q", c.typed, got, err, c.want, c.code)
		}
	}
}

func TestAddressKey(t *testing.T) {
	if got := Address("Ada.L+Board@Example.ORG").Key(); got != "ada.l+board@example.org" {
		t.Errorf("Key() = %q, want lower case", got)
	}
}

func TestIsLoopback(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "LOCALHOST": true, "mail.localhost": true, "127.0.0.1": true, "127.9.9.9": true, "::1": true,
		"::ffff:127.0.0.1": true, "": false, "notlocalhost": false, "localhost.example.org": false, "0.0.0.0": false,
		"10.0.0.1": false, "::": false, "mail.example.org": false,
	} {
		if got := isLoopback(host); got != want {
			t.Errorf("isLoopback(%q) = %v, want %v", host, got, want)
		}
	}
}

// Whatever is accepted can go into a command and a header field without quotes, and reads the same there.
func FuzzParseAddress(f *testing.F) {
	for _, text := range []string{"ada@example.org", `"a"@b.c`, "a@[::1]", "A <a@b.c>", "a@b.c\r\n", "a@localhost"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		a, err := ParseAddress(typed)
		if err != nil {
			return
		}
		if len(a) > 254 || strings.ContainsAny(string(a), "\r\n \t\"<>(),:;\\[]") {
			t.Errorf("ParseAddress(%q) = %q, which has a special character or is too long", typed, a)
		}
		if parsed, err := mail.ParseAddress("Ada <" + string(a) + ">"); err != nil || parsed.Address != string(a) {
			t.Errorf("ParseAddress(%q) = %q, which net/mail reads as %v, %v", typed, a, parsed, err)
		}
		if again, err := ParseAddress(a.Key()); err != nil || again.Key() != a.Key() {
			t.Errorf("ParseAddress(%q) = %q, %v, want the same key again", a.Key(), again, err)
		}
	})
}
