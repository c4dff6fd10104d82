// Screenshots draws the pictures of the README from the demo: board-light.png and board-dark.png.
//
//	make build && go run ./e2e/screenshots
//
// It refuses to show anything but what a visitor of the demo sees.
package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

const (
	width, height = 1280, 860
	maxBytes      = 200_000 // of a picture
	patience      = time.Minute
)

func main() {
	binary := flag.String("binary", "bin/rollcall", "the program to show")
	folder := flag.String("to", "docs", "folder for the pictures")
	after := flag.Duration("after", 4*time.Minute, "how long the people of the demo go about their day before")
	flag.Parse()
	if err := run(*binary, *folder, *after); err != nil {
		fmt.Fprintln(os.Stderr, "screenshots:", err)
		os.Exit(1)
	}
}

func run(binary, folder string, after time.Duration) (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), after+patience)
	defer cancel()
	d, err := startDemo(ctx, binary)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.stop()) }()

	quiet := func(string, ...any) {} // chromedp does not know every event of a newer Chromium, and says so
	tab, _ := chromedp.NewContext(ctx, chromedp.WithLogf(quiet), chromedp.WithErrorf(quiet))
	defer func() { err = errors.Join(err, chromedp.Cancel(tab)) }()
	err = chromedp.Run(tab,
		emulation.SetDeviceMetricsOverride(width, height, 1, false),
		chromedp.Navigate(d.url),
		chromedp.SendKeys("#username", d.username, chromedp.ByQuery),
		chromedp.SendKeys("#password", d.password, chromedp.ByQuery),
		chromedp.Submit("#password", chromedp.ByQuery),
		chromedp.WaitVisible(`[data-conn=on] [data-user=`+d.username+`][data-state=online]`, chromedp.ByQuery),
		chromedp.Sleep(after),
	)
	if err != nil {
		return fmt.Errorf("open the demo: %w", err)
	}
	for _, scheme := range []string{"light", "dark"} {
		if err := shoot(tab, scheme, filepath.Join(folder, "board-"+scheme+".png")); err != nil {
			return err
		}
	}
	return nil
}

// shoot writes the page as it is now, in one of the colour schemes.
func shoot(tab context.Context, scheme, file string) error {
	var shot []byte
	err := chromedp.Run(tab,
		emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: scheme},
			{Name: "prefers-reduced-motion", Value: "reduce"},
		}),
		chromedp.CaptureScreenshot(&shot),
	)
	if err != nil {
		return fmt.Errorf("%s: %w", scheme, err)
	}
	small, err := shrink(shot)
	if err != nil {
		return fmt.Errorf("%s: %w", scheme, err)
	}
	if len(small) > maxBytes {
		return fmt.Errorf("%s has %d bytes, want no more than %d", file, len(small), maxBytes)
	}
	fmt.Printf("%s  %d bytes\n", file, len(small))
	return os.WriteFile(file, small, 0o644)
}

// shrink packs a picture as small as PNG can without losing anything: Chromium cares more for speed, and for a
// transparency that is not there.
func shrink(shot []byte) ([]byte, error) {
	from, err := png.Decode(bytes.NewReader(shot))
	if err != nil {
		return nil, err
	}
	to := image.NewRGBA(from.Bounds())
	for y := to.Rect.Min.Y; y < to.Rect.Max.Y; y++ {
		for x := to.Rect.Min.X; x < to.Rect.Max.X; x++ {
			r, g, b, _ := from.At(x, y).RGBA()
			to.Set(x, y, color.RGBA{uint8(r >> 8), uint8(g >> 8), uint8(b >> 8), 255})
		}
	}
	var out bytes.Buffer
	err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, to)
	return out.Bytes(), err
}

// demo is a running demo and its login.
type demo struct {
	cmd                     *exec.Cmd
	url, username, password string
}

var printed = regexp.MustCompile(`Rollcall is at (http://\S+)\nSign in as (\S+) with the password (\S+)\n`)

func startDemo(ctx context.Context, binary string) (*demo, error) {
	d := &demo{cmd: exec.CommandContext(ctx, binary, "demo", "--addr", "127.0.0.1:0")}
	d.cmd.Stderr = os.Stderr
	out, err := d.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := d.cmd.Start(); err != nil {
		return nil, err
	}
	var said string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		said += lines.Text() + "\n"
		if found := printed.FindStringSubmatch(said); found != nil {
			d.url, d.username, d.password = found[1], found[2], found[3]
			go io.Copy(io.Discard, out)
			return d, nil
		}
	}
	return nil, errors.Join(fmt.Errorf("the demo printed no login: %q", said), d.stop())
}

func (d *demo) stop() error {
	if err := d.cmd.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	return d.cmd.Wait()
}
