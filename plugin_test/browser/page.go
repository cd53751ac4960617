package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Patience is the longest wait for a condition or an answer of the browser. A machine
// under load can need much of it.
const Patience = 2 * time.Minute

// again is the time between two looks at a condition.
const again = 50 * time.Millisecond

// Page is the only tab of a Chromium of its own, which ends with the test. Its methods
// end the test if the browser fails, so only the test's own goroutine may call them.
type Page struct {
	t   testing.TB
	ctx context.Context

	mu       sync.Mutex
	mistakes []string
}

// View is how a page is shown. The zero value is 1280 by 800 pixels, light, with
// JavaScript.
type View struct {
	Width, Height int64 // CSS pixels; default: 1280 and 800
	Dark          bool  // the user prefers dark colours
	NoScript      bool  // the page's JavaScript does not run; Eval still does
}

// New starts Chromium with an empty page in the zero View. It reaches this machine only.
// The test is skipped if there is no Chromium.
func New(t testing.TB) *Page {
	t.Helper()
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(chromium(t)),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"))
	// Not t.Context(), which ends before the cleanup that lets Chromium end well.
	allocator, endAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, end := chromedp.NewContext(allocator)
	p := &Page{t: t, ctx: ctx}
	t.Cleanup(func() {
		closing, cancel := context.WithTimeout(ctx, Patience)
		defer cancel()
		if err := chromedp.Cancel(closing); err != nil {
			t.Logf("browser: end of Chromium: %v", err) // the process is killed below
		}
		end()
		endAllocator() // waits until the process is gone
	})
	impatient := time.AfterFunc(Patience, end)
	if err := chromedp.Listen(ctx, p.listen); err != nil { // starts Chromium, which lives as long as ctx
		t.Fatalf("browser: start of Chromium: %v", err)
	}
	impatient.Stop()
	p.Show(View{})
	return p
}

// Show changes how this page and later ones are shown. NoScript takes effect at the
// next Open.
func (p *Page) Show(v View) {
	p.t.Helper()
	if v.Width == 0 && v.Height == 0 {
		v.Width, v.Height = 1280, 800
	}
	scheme := "light"
	if v.Dark {
		scheme = "dark"
	}
	p.do("Show", chromedp.EmulateViewport(v.Width, v.Height), chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		// Without motion, a picture does not depend on its moment.
		features := []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}
		if _, err := cdp.Call(ctx, tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: features}); err != nil {
			return err
		}
		_, err := cdp.Call(ctx, tab, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: v.NoScript})
		return err
	}))
}

// Open opens a URL and waits until it is loaded.
func (p *Page) Open(url string) {
	p.t.Helper()
	p.do("Open "+url, chromedp.Navigate(url))
}

// Eval evaluates a JavaScript expression, waits for it if it is a promise, and decodes
// its JSON into the value that into points to, unless that is nil.
func (p *Page) Eval(expression string, into any) {
	p.t.Helper()
	value, err := p.eval(expression)
	if err == nil && into != nil {
		err = json.Unmarshal(value, into)
	}
	if err != nil {
		p.fail("Eval", err)
	}
}

// WaitFor waits until a JavaScript expression is true. It goes on if the expression
// throws, as it may while the page is being built.
func (p *Page) WaitFor(expression string) {
	p.t.Helper()
	p.wait("WaitFor "+expression, expression)
}

func (p *Page) wait(what, expression string) {
	p.t.Helper()
	deadline := time.NewTimer(Patience)
	defer deadline.Stop()
	tick := time.NewTicker(again)
	defer tick.Stop()
	for {
		value, err := p.eval("Boolean(" + expression + ")")
		if err == nil && string(value) == "true" {
			return
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			p.fail(what, fmt.Errorf("not so after %v (%v)", Patience, err))
		}
	}
}

// WaitText waits until the page shows a text.
func (p *Page) WaitText(text string) {
	p.t.Helper()
	p.WaitFor("document.body.innerText.includes(" + quote(text) + ")")
}

// WaitCount waits until n elements match a CSS selector.
func (p *Page) WaitCount(selector string, n int) {
	p.t.Helper()
	p.WaitFor(fmt.Sprintf("document.querySelectorAll(%s).length === %d", quote(selector), n))
}

// Click clicks the first visible element that matches a CSS selector and has the text
// within it, which can be empty. It waits for that element.
func (p *Page) Click(selector, text string) {
	p.t.Helper()
	// Finding and clicking are one step, so that the page cannot replace the element
	// in between.
	p.wait(fmt.Sprintf("Click %q with the text %q", selector, text), fmt.Sprintf(`(() => {
		const found = [...document.querySelectorAll(%s)].find((e) => e.checkVisibility() && !e.disabled && e.textContent.includes(%s));
		found?.click();
		return found;
	})()`, quote(selector), quote(text)))
}

// Type types text into the focused element, as a keyboard does. The keys that have no
// character are those of package github.com/chromedp/chromedp/kb.
func (p *Page) Type(text string) {
	p.t.Helper()
	p.do("Type", chromedp.KeyEvent(text))
}

// Text returns the text that the page shows.
func (p *Page) Text() (text string) {
	p.t.Helper()
	p.Eval("document.body.innerText", &text)
	return text
}

// Screenshot returns what the page shows, as a PNG of the View's size.
func (p *Page) Screenshot() (png []byte) {
	p.t.Helper()
	p.do("Screenshot", func(ctx context.Context, tab *chromedp.Target) (chromedp.Void, error) {
		var err error
		png, err = chromedp.CaptureScreenshot()(ctx, tab)
		return chromedp.Void{}, err
	})
	return png
}

// Mistakes returns the exceptions that nothing caught and the dialogs so far. A dialog
// stops the page.
func (p *Page) Mistakes() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.mistakes)
}

// listen runs while the tab's events are read: it must not call the browser.
func (p *Page) listen(event any) {
	var mistake string
	switch event := event.(type) {
	case *runtime.EventExceptionThrown:
		mistake = "exception: " + event.ExceptionDetails.Text
		if thrown := event.ExceptionDetails.Exception; thrown != nil {
			mistake += " " + thrown.Description
		}
	case *page.EventJavascriptDialogOpening:
		mistake = "dialog: " + event.Message
	default:
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mistakes = append(p.mistakes, mistake)
}

// eval returns the JSON of an expression's value: null if it has none.
func (p *Page) eval(expression string) (json.RawMessage, error) {
	ctx, cancel := context.WithTimeout(p.ctx, Patience)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[json.RawMessage](expression, chromedp.EvalAwaitPromise))
}

func (p *Page) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, Patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.fail(what, err)
	}
}

// fail ends the test and says what the page shows.
func (p *Page) fail(what string, err error) {
	p.t.Helper()
	text, _ := p.eval("document.body.innerText")
	p.t.Fatalf("browser: %s: %v\nmistakes: %q\nThe page shows: %s", what, err, p.Mistakes(), text)
}

// quote returns a text as a literal of JavaScript.
func quote(text string) string {
	literal, _ := json.Marshal(strings.ToValidUTF8(text, "\uFFFD")) // a string has no error
	return string(literal)
}
