// Screenshots takes pictures of every page of the demo: light, dark, and on a phone of 390 px. The board for the README
// goes to board-light.png and board-dark.png, and all pictures go to the folder screens.
//
//	make screenshots
//
// It shows only what a visitor of the demo sees.
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
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

const (
	width, height           = 1280, 860
	phoneWidth, phoneHeight = 390, 844
	maxBytes                = 200_000 // for a picture in the README
	maxSmall                = 60_000  // for other pictures, two and a half times that for a full page
	quality                 = 50      // of other pictures, in WebP: half the size of PNG, and text stays crisp
	patience                = 90 * time.Second
)

// looks are the variants of each picture.
var looks = []struct {
	name, scheme  string
	width, height int64
}{
	{"light", "light", width, height},
	{"dark", "dark", width, height},
	{"phone", "light", phoneWidth, phoneHeight},
}

// screen is one page to take pictures of.
type screen struct {
	name, path string
	ready      string            // selector of the element that must be visible
	then       []chromedp.Action // what to do after the page has loaded
	whole      bool              // the full page instead of the viewport
}

var (
	visitors = []screen{
		{name: "login", path: "/login", ready: "#username"},
		{name: "signup", path: "/signup", ready: "#username"},
		{name: "login-wrong", path: "/login", ready: "#message", then: []chromedp.Action{
			chromedp.SendKeys("#username", "clara", chromedp.ByQuery),
			chromedp.SendKeys("#password", "not the password", chromedp.ByQuery),
			chromedp.Submit("#password", chromedp.ByQuery),
		}},
	}
	members = []screen{
		{name: "board", path: "/", ready: live},
		{name: "menu", path: "/", ready: "#panel form", then: []chromedp.Action{
			chromedp.WaitVisible(live, chromedp.ByQuery), chromedp.Click(".account summary", chromedp.ByQuery),
		}},
		{name: "me", path: "/me", ready: "main form", whole: true},
		{name: "team", path: "/?team=Design", ready: live},
		{name: "nobody", path: "/?q=nobody", ready: ".none.now"},
		{name: "settings", path: "/settings", ready: "main form", whole: true},
		{name: "stored", path: "/settings/stored", ready: "main h1"},
		{name: "missing", path: "/no-such-page", ready: "main h1"},
	}
)

const live = `[data-conn=on] #list`

func main() {
	binary := flag.String("binary", "bin/rollcall", "path of the rollcall program")
	folder := flag.String("to", "docs", "folder for the pictures")
	after := flag.Duration("after", 4*time.Minute, "how long the demo runs before the pictures are taken")
	flag.Parse()
	if err := run(*binary, *folder, *after); err != nil {
		fmt.Fprintln(os.Stderr, "screenshots:", err)
		os.Exit(1)
	}
}

func run(binary, folder string, after time.Duration) (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), after+patience)
	defer cancel()
	if err := os.MkdirAll(filepath.Join(folder, "screens"), 0o755); err != nil {
		return err
	}
	d, err := startDemo(ctx, binary)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.stop()) }()

	quiet := func(string, ...any) {} // chromedp logs events of newer Chromium versions that it doesn't know
	tab, _ := chromedp.NewContext(ctx, chromedp.WithLogf(quiet), chromedp.WithErrorf(quiet))
	defer func() { err = errors.Join(err, chromedp.Cancel(tab)) }()
	if err := drawAll(tab, d.url, folder, visitors); err != nil {
		return err
	}
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
	return drawAll(tab, d.url, folder, members)
}

// drawAll takes pictures of each screen in every look.
func drawAll(tab context.Context, url, folder string, screens []screen) error {
	for _, s := range screens {
		for _, look := range looks {
			file := filepath.Join(folder, "screens", s.name+"-"+look.name+".webp")
			err := chromedp.Run(tab,
				emulation.SetDeviceMetricsOverride(look.width, look.height, 1, look.width == phoneWidth),
				scheme(look.scheme),
				chromedp.Navigate(url+s.path),
				chromedp.Tasks(s.then),
				chromedp.WaitVisible(s.ready, chromedp.ByQuery),
				chromedp.Evaluate(`document.fonts.ready.then(() => new Promise(requestAnimationFrame))`, nil),
				chromedp.ActionFunc(func(ctx context.Context) error { return draw(ctx, file, s.whole) }),
			)
			if err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
		}
	}
	return nil
}

// scheme sets the color scheme and turns off animations.
func scheme(name string) chromedp.Action {
	return emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: name},
		{Name: "prefers-reduced-motion", Value: "reduce"},
	})
}

// draw takes a picture of the tab and writes it to file.
func draw(ctx context.Context, file string, whole bool) error {
	take := page.CaptureScreenshot().WithFormat(page.CaptureScreenshotFormatWebp).WithQuality(quality)
	if whole {
		_, _, _, _, _, size, err := page.GetLayoutMetrics().Do(ctx)
		if err != nil {
			return err
		}
		take = take.WithCaptureBeyondViewport(true).WithClip(&page.Viewport{Width: size.Width, Height: size.Height, Scale: 1})
	}
	shot, err := take.Do(ctx)
	if err != nil {
		return err
	}
	limit := maxSmall
	if whole {
		limit = 5 * maxSmall / 2
	}
	return keep(file, shot, limit)
}

// shoot takes a picture of the current page in a color scheme and writes it to file as PNG.
func shoot(tab context.Context, name, file string) error {
	var shot []byte
	if err := chromedp.Run(tab, scheme(name), chromedp.CaptureScreenshot(&shot)); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	small, err := shrink(shot)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return keep(file, small, maxBytes)
}

// keep writes a picture to file, or fails if it is larger than limit.
func keep(file string, picture []byte, limit int) error {
	if len(picture) > limit {
		return fmt.Errorf("%s has %d bytes, want at most %d", file, len(picture), limit)
	}
	fmt.Printf("%s  %d bytes\n", file, len(picture))
	return os.WriteFile(file, picture, 0o644)
}

// shrink recompresses a picture without loss. Chromium compresses for speed and includes an unused alpha channel.
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
