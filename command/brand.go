package command

import (
	"errors"
	"fmt"
	"io"
	"os"

	"rollcall/accounts"
	"rollcall/handlers"
	"rollcall/ui"
)

// brand holds the settings that tell one board from another.
type brand struct {
	BoardName string `variable:"ROLLCALL_BOARD_NAME" placeholder:"NAME" help:"Name of the board, on every page and in the title. If not set, administrators choose."`
	Logo      string `variable:"ROLLCALL_LOGO" placeholder:"FILE" help:"SVG or PNG file of at most 64 KiB, shown beside the name. A square PNG of 512 pixels or more is also the icon."`

	logo *ui.Logo // nil: none is set
}

// check reads the logo, and returns an error if a setting is invalid.
func (b *brand) check() (err error) {
	if b.BoardName != "" {
		if b.BoardName, err = accounts.CleanBoardName(b.BoardName); err != nil {
			var wrong *accounts.FieldError
			if errors.As(err, &wrong) {
				err = errors.New(handlers.FieldMessage(wrong))
			}
			return fmt.Errorf("--board-name: %w", err)
		}
	}
	if b.Logo == "" {
		return nil
	}
	data, err := readSmall(b.Logo, ui.MaxLogo)
	if err != nil {
		return fmt.Errorf("--logo: %w", err)
	}
	if b.logo, err = ui.ReadLogo(data); err != nil {
		return fmt.Errorf("--logo %s: %w", b.Logo, err)
	}
	return nil
}

// readSmall reads a file of at most limit bytes, and one byte more of a larger one.
func readSmall(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(err, fmt.Errorf("%s isn't a file", path))
	}
	return io.ReadAll(io.LimitReader(f, limit+1))
}
