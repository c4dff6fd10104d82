package accounts

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"
)

// The picker of the menu must offer nothing that SetStatus refuses.
func TestEmojiOfThePicker(t *testing.T) {
	data, err := os.ReadFile("../ui/static/build/emoji.json")
	if errors.Is(err, fs.ErrNotExist) {
		t.Fatal("the emoji table is not built: run `make assets`")
	}
	do(t, "read emoji.json", err)
	var rows []string
	do(t, "decode emoji.json", json.Unmarshal(data, &rows))
	for _, row := range rows {
		if emoji, _, _ := strings.Cut(row, " "); !isEmoji(emoji) {
			t.Errorf("isEmoji(%q) = false for the row %q", emoji, row)
		}
	}
}
