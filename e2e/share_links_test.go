package e2e_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
)

// makeShare makes a link with one of the forms in the settings, and returns the value of a field that shows it.
func (b *tab) makeShare(kind string, fields map[string]string, shows string) string {
	b.t.Helper()
	b.open("/settings/shares")
	form := `form:has([name=kind][value=` + kind + `])`
	for name, value := range fields {
		b.fill(form+` [name=`+name+`]`, value)
	}
	b.clickThrough(form + ` button.main`)
	b.until("the page shows the link", `document.querySelector('#`+shows+`')?.value`, patience)
	return ask[string](b, `document.querySelector('#`+shows+`').value`)
}

const cardOnWall = `[...document.querySelectorAll('#list .p')].find(row => row.querySelector('.nm').innerText === %s)?.dataset.state`

// A wall board follows two people without an account, says when it isn't live, and ends when its link is revoked.
func TestWallBoard(t *testing.T) {
	parallel(t)
	s := startServer(t, "--grace-clean=200ms")
	populate(s)
	ada := s.person(t, "anna").board()
	link := ada.makeShare("wall", map[string]string{"label": "Kitchen"}, "link")
	if ask[bool](ada, `document.body.innerText.includes('Show the HTML')`) {
		t.Error("the list shows HTML for a wall board")
	}
	wantAccessible(ada, "the share links")

	wall := s.visitor(t).tab()
	wall.run(emulation.SetDeviceMetricsOverride(1920, 1080, 1, false))
	wall.open(link)
	wall.until("it's live", `document.documentElement.dataset.conn === 'on' && !document.querySelector('.live').hidden`, patience)
	wall.until("it shows anna", fmt.Sprintf(cardOnWall, `'anna'`)+` === 'online'`, soon)
	bela := s.member(t, "bela").board()
	wall.until("bela arrives", fmt.Sprintf(cardOnWall, `'Béla Kiss'`)+` === 'online'`, soon)
	wall.until("the headline counts", `document.querySelector('#headline .is').innerText === '2 people are here'`, soon)
	bela.close()
	wall.until("bela leaves", fmt.Sprintf(cardOnWall, `'Béla Kiss'`)+` === 'offline'`, soon)
	if !ask[bool](wall, `document.querySelector('#clock').innerText.length >= 4 && document.cookie === '' && document.documentElement.scrollWidth <= innerWidth`) {
		t.Error("the wall board has no clock, has a cookie, or is wider than the screen")
	}
	wantAccessible(wall, "the wall board")

	wall.allowOutage()
	ada.allowOutage()
	s.terminate()
	wall.until("it says that it isn't live", `document.querySelector('#conn').innerText.startsWith('Not live. Shown as it was at ') && document.querySelector('.live').hidden`, patience)
	wall.until("nobody is shown as gone", fmt.Sprintf(cardOnWall, `'anna'`)+` === 'online'`, patience)
	s.start()
	wall.until("it's live again", `document.documentElement.dataset.conn === 'on'`, patience)

	wall.allow(`status of 404`)
	ada.open("/settings/shares")
	ada.clickThrough(`.devices button`)
	wall.until("the link has ended", `document.querySelector('h1')?.innerText === 'Nothing here'`, soon)
}

// Without JavaScript, a wall board loads itself again.
func TestWallBoardWithoutScript(t *testing.T) {
	parallel(t)
	s := startServer(t)
	ada := s.person(t, "ada").board()
	link := ada.makeShare("wall", nil, "link")
	wall := s.visitor(t).tab()
	wall.run(emulation.SetScriptExecutionDisabled(true))
	wall.open(link)
	if got := ask[string](wall, `document.querySelector('noscript meta[http-equiv=refresh]')?.content ?? document.head.innerText`); !strings.Contains(got, "30") {
		t.Errorf("the page loads again after %q, want 30 s", got)
	}
	if !ask[bool](wall, `document.querySelector('#list').innerText.includes('ada')`) {
		t.Error("without JavaScript, the wall board shows nobody")
	}
}

// Pages of another site show a badge, and a list in a frame or as an element, also under strict policies. Other origins
// can't.
func TestEmbedsInOtherSites(t *testing.T) {
	parallel(t)
	s := startServer(t)
	page, headers := "", http.Header{}
	wiki := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, values := range headers {
			w.Header()[name] = values
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte("<!doctype html><html lang=en><link rel=icon href=data:,><title>Wiki</title>" + page))
	}))
	t.Cleanup(wiki.Close)
	ada := s.person(t, "ada").board()
	ada.open("/settings")
	ada.click(`[name=public_pages]`)
	ada.clickThrough(`form[action$="/settings/details"] button.main`)
	element := ada.makeShare("embed", map[string]string{"origins": wiki.URL}, "element")
	frame := ask[string](ada, `document.querySelector('#frame').value`)
	badge := ada.makeShare("person", nil, "badge")

	reader := s.visitor(t).tab()
	reader.allow(`Content-Security-Policy|Permissions-Policy`) // of pages that aren't the board's
	headers.Set("Content-Security-Policy", "default-src 'none'; script-src "+s.url+"; connect-src "+s.url+"; img-src data: "+s.url)
	headers.Set("Cross-Origin-Embedder-Policy", "require-corp")
	page = element + `<img id="badge" src="` + badge + `" alt="">`
	reader.open(wiki.URL)
	reader.until("the badge is there", `document.querySelector('#badge').naturalHeight === 20`, patience)
	reader.until("the element has a list", `document.querySelector('rollcall-list').getBoundingClientRect().height > 60`, patience)
	if ask[bool](reader, `document.querySelector('rollcall-list').hasAttribute('stale')`) {
		t.Error("the element says that it's stale")
	}

	headers = http.Header{"Content-Security-Policy": {"default-src 'none'; img-src data:; frame-src " + s.url}}
	page = frame
	reader.open(wiki.URL)
	reader.until("the frame has a list", `frames.length === 1`, patience)
	framed := `(async () => { const tree = document.querySelector('iframe'); return tree.offsetHeight > 0 })()`
	if !ask[bool](reader, framed) {
		t.Error("the frame isn't shown")
	}

	other := httptest.NewServer(wiki.Config.Handler) // another port is another origin
	t.Cleanup(other.Close)
	headers = http.Header{}
	reader.allow(`Refused to frame|frame-ancestors|blocked by CORS|Failed to load|ERR_BLOCKED_BY_RESPONSE|ERR_FAILED`)
	page = frame + element
	reader.open(other.URL)
	reader.until("the element got nothing", `document.querySelector('rollcall-list').getBoundingClientRect().height < 60`, patience)
}
