package accounts

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestFoldUsername(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"ada", "ada"}, {"Ada.Lovelace", "ada.lovelace"}, {"a1", "a1"}, {"1a", "1a"}, {"a-_.", "a-_."},
		{strings.Repeat("A", 31), strings.Repeat("a", 31)},
		{"admin", "admin"}, // isReserved checks reserved names
	} {
		if got, err := FoldUsername(c.in); err != nil || got != c.want {
			t.Errorf("FoldUsername(%q) = %q, %v, want %q", c.in, got, err, c.want)
		}
	}
	for _, in := range []string{"", "a", strings.Repeat("a", 32), strings.Repeat("a", 1<<20), ".ada", "-ada", "_ada",
		" ada", "ada ",
		"a da", "ada\n", "a\x00b", "аda", "adа", "ａda", "ada\u200D", "ad\u0131", "\u212Aim", "ada\u202E", "café",
		"cafe\u0301",
		"a@b", "a/b", "a+b", "ſam", "ada\xff", "ß1", "用户", "a'b", "<b>"} {
		_, err := FoldUsername(in)
		wantField(t, "FoldUsername("+in[:min(len(in), 40)]+")", err, "username")
	}
}

func FuzzFoldUsername(f *testing.F) {
	for _, s := range []string{"ada", "Ada.L", "\u212Aelvin", "a\x00", "İstanbul", "...", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		key, err := FoldUsername(s)
		if err != nil {
			return
		}
		if again, err := FoldUsername(key); err != nil || again != key {
			t.Errorf("FoldUsername(%q) = %q, %v, want it unchanged", key, again, err)
		}
		if len(key) < 2 || len(key) > 31 || strings.Trim(key, "abcdefghijklmnopqrstuvwxyz0123456789._-") != "" ||
			strings.ContainsAny(key[:1], "._-") || !strings.EqualFold(key, s) {
			t.Errorf("FoldUsername(%q) = %q, which isn't a valid username", s, key)
		}
	})
}

func TestReserved(t *testing.T) {
	for _, name := range []string{"admin", "root", "system", "support", "ad.min", "a-d-m-i-n", "support.", "no-reply",
		"rollcall", "www"} {
		if !isReserved(name) {
			t.Errorf("isReserved(%q) = false, want true", name)
		}
	}
	for _, name := range []string{"ada", "adminton", "badmin", "min", "roots", "a"} {
		if isReserved(name) {
			t.Errorf("isReserved(%q) = true, want false", name)
		}
	}
	for name := range strings.FieldsSeq(reserved) {
		if key, err := FoldUsername(name); err != nil || key != name || strings.ContainsAny(name, "._-") {
			t.Errorf("reserved name %q can never match", name)
		}
	}
}

func TestCleanDisplayName(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"Ada", "Ada"}, {"  Ada \t", "Ada"}, {"", ""}, {" \u3000", ""}, {"山田\u3000太郎", "山田 太郎"}, {"A\u00A0 B", "A B"},
		{"Zoe\u0308", "Zoë"}, {"Ａｄａ", "Ａｄａ"}, {"O'Brien-Ñandú", "O'Brien-Ñandú"}, {"محمد", "محمد"}, {"דָּוִד", "דָּוִד"},
		{"می\u200Cخواهم", "می\u200Cخواهم"}, {"श्री\u200Dमती", "श्री\u200Dमती"}, {"ක්\u200Dර", "ක්\u200Dර"},
		{"അവന്\u200D", "അവന്\u200D"},
		{"สมชาย", "สมชาย"}, {"བསྒྲུབས", "བསྒྲུབས"}, {"Nguyễn", "Nguyễn"}, {"葛\U000E0100城", "葛\U000E0100城"},
		{"Dev 👩‍💻", "Dev 👩‍💻"}, {"❤️", "❤️"}, {"🏴󠁧󠁢󠁳󠁣󠁴󠁿 Ann", "🏴󠁧󠁢󠁳󠁣󠁴󠁿 Ann"}, {"#️⃣", "#️⃣"}, {"<b>&", "<b>&"},
		{strings.Repeat("𝒜", 64), strings.Repeat("𝒜", 64)},
		{strings.Repeat("e\u0301", 64), strings.Repeat("é", 64)},
	} {
		got, err := cleanDisplayName(c.in)
		if err != nil || got != c.want {
			t.Errorf("cleanDisplayName(%q) = %q, %v, want %q", c.in, got, err, c.want)
		}
		if again, err := cleanDisplayName(got); err != nil || again != got {
			t.Errorf("cleanDisplayName(%q) = %q, %v, want it unchanged", got, again, err)
		}
	}
	for _, in := range []string{
		strings.Repeat("x", 65), strings.Repeat("x", 1<<20), "a\x00b", "a\nb", "a\tb", "a\x7fb", "a\u0085b", "a\u2028b",
		"a\u2029b",
		"\u202Egnp.exe", "\u202A", "\u2066a\u2069", "a\u200Eb", "a\u200Fb", "a\u061Cb", "\u200B", "a\u200Bb", "a\u2060b",
		"\uFEFFa",
		"a\u00ADb", "\u115F", "\u3164", "\uFFA0", "\u2800", "a\u034Fb", "a\u180Eb", "a\uFFF9b", "\uE000", "\U000F0000",
		"\uFFFE",
		"\U0010FFFF", "\uFDD0", "a\xffb", "a\u200Db", "\u200DA", "A\u200D", "\u200C", "ada\u200C", "м\u200Cм", "👩\u200D",
		"👩\u200Dx", "👩\u200D\u200D💻",
		"\u0301a", "Z" + strings.Repeat("\u0336", 7), "a\uFE0F\uFE0F", "\uFE0F", " \uFE0F", "a\U000E0061", "🏴\U000E0067",
		"\U000E007F",
		"🏴\U000E007F",
	} {
		_, err := cleanDisplayName(in)
		wantField(t, "cleanDisplayName("+in[:min(len(in), 40)]+")", err, "display_name")
	}
}

// Text that some program has broken is refused as such, wherever people type text.
func TestBrokenText(t *testing.T) {
	s := open(t, Config{})
	u := add(t, s, "ada", "", "")
	for _, text := range []string{"Zo\xeb", "Zo\uFFFD", "\xed\xa0\x80", "\xc0\xaf"} {
		for field, err := range map[string]error{
			"display_name": s.Rename(t.Context(), u.ID, text), "team": s.SetTeam(t.Context(), u.ID, text),
			"text":       s.SetStatus(t.Context(), u.ID, Status{Text: text}, ""),
			"pronouns":   setDetails(t.Context(), s, u.ID, Details{Pronouns: text}),
			"board_name": s.ChangeSettings(t.Context(), func(x *Settings) error { x.BoardName = text; return nil }),
			"label":      second3(s.Invite(t.Context(), NewInvitation{Uses: 1, Age: time.Hour, Label: text})),
			"note":       second3(s.SignUp(t.Context(), NewUser{Username: "bob", Password: secret}, Joining{Note: text})),
		} {
			wrong := WrongFields(err)
			if len(wrong) != 1 || wrong[0].Field != field || wrong[0].Code != NotUTF8 {
				t.Errorf("the %s %q is refused with %v, want the code %s", field, text, err, NotUTF8)
			}
		}
	}
}

func TestFold(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"Design", "design"}, {" DESIGN  team ", "design team"}, {"Élodie", "elodie"}, {"E\u0301lodie", "elodie"},
		{"Ｄesign", "design"},
		{"Straße", "strasse"}, {"İstanbul", "istanbul"}, {"ΣΟΦΟΣ", "σοφοσ"}, {"σοφος", "σοφοσ"}, {"한국", "한국"}, {"कि", "कि"},
		{"が", "が"}, {"ﬁn", "fin"}, {"½", "1⁄2"}, {"👩‍💻", "👩💻"}, {"می\u200Cخواهم", "میخواهم"}, {"", ""},
	} {
		if got := fold(c.in); got != c.want {
			t.Errorf("fold(%q) = %q, want %q", c.in, got, c.want)
		}
	}
	if a, b := fold("कि"), fold("कु"); a == b {
		t.Errorf("two words that differ in a vowel have the same key %q", a)
	}
}

func FuzzCleanAndFold(f *testing.F) {
	for _, s := range []string{"Ada", "Élodie", "İ", "ŉ", "ΐ", "\u0345", "ﷺ", "クリス", "ß", "ǰ", "\u1E9E", "Ω", "é\u0327",
		"ﾊﾟ", "㋿", "Ꭱ", "ꭱ"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		clean, err := cleanDisplayName(s)
		if err != nil {
			return
		}
		if again, err := cleanDisplayName(clean); err != nil || again != clean || utf8.RuneCountInString(clean) > maxName {
			t.Errorf("cleanDisplayName(%q) = %q, %v, want it unchanged", clean, again, err)
		}
		key := fold(clean)
		if again := fold(key); again != key {
			t.Errorf("fold(%q) = %q, want it unchanged", key, again)
		}
		if hasControl(key) || strings.Contains(key, noTeam) {
			t.Errorf("fold(%q) = %q, which breaks sort keys", clean, key)
		}
		p := sortKey(teamKey(clean), clean, strings.Repeat("0", idLength))
		if back, err := decodeCursor(encodeCursor(p)); err != nil || back != p {
			if utf8.RuneCountInString(teamKey(clean)) <= maxTeamKey { // longer ones are refused
				t.Errorf("cursor of %q = %q, %v", p, back, err)
			}
		}
	})
}

func TestNameWords(t *testing.T) {
	for _, c := range []struct {
		in   []string
		want []string
	}{
		{[]string{"Ada Lovelace", "ada.l"}, []string{"ada", "lovelace", "l"}},
		{[]string{"Seán O'Brien-Smith (QA)"}, []string{"sean", "o", "brien", "smith", "qa"}},
		{[]string{"★ Bob", "bob_1"}, []string{"★", "bob", "1"}},
		{[]string{"!!!", "..."}, nil},
	} {
		if got := nameWords(c.in...); !slices.Equal(got, c.want) {
			t.Errorf("nameWords(%q) = %q, want %q", c.in, got, c.want)
		}
	}
	if got := searchedWords(strings.Repeat("a b c d e f g h \xff\x00 ", 1000)); len(got) != searchWords {
		t.Errorf("searchedWords of a long search = %q, want %d words", got, searchWords)
	}
}
