package browser_test

import (
	"bytes"
	"fmt"
	"image/png"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/adk-fallback/adk-fallback/plugin_test/browser"
)

// document is a page that says how it is shown, and answers a click and a text.
const document = `<!DOCTYPE html><html lang="en"><title>Page</title>
<style>
	#dark { display: none }
	@media (prefers-color-scheme: dark) { #dark { display: block } #light { display: none } }
</style>
<main><h1>Page</h1><p id="light">It is light.</p><p id="dark">It is dark.</p><noscript>It has no script.</noscript>
<button hidden>Go</button><button disabled>Go</button><button onclick="document.querySelector('h1').textContent = 'Clicked'">Go</button>
<label>Name <input oninput="document.querySelector('output').textContent = 'Hello, ' + this.value"></label><output></output>%s</main></html>`

// open shows the document with more elements in it.
func open(t *testing.T, view browser.View, more string) *browser.Page {
	t.Helper()
	page := browser.New(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, document, more) }))
	t.Cleanup(server.Close)
	page.Show(view)
	page.Open(server.URL)
	return page
}

func TestViewIsHowAPageIsShown(t *testing.T) {
	for _, test := range []struct {
		name          string
		view          browser.View
		want, without string
		width, height int
	}{
		{"zero", browser.View{}, "It is light.", "It is dark.", 1280, 800},
		{"dark", browser.View{Dark: true}, "It is dark.", "It is light.", 1280, 800},
		{"phone", browser.View{Width: 390, Height: 844}, "It is light.", "no script", 390, 844},
		{"no script", browser.View{NoScript: true}, "It has no script.", "It is dark.", 1280, 800},
	} {
		t.Run(test.name, func(t *testing.T) {
			page := open(t, test.view, "")
			page.WaitText(test.want)
			if text := page.Text(); strings.Contains(text, test.without) {
				t.Errorf("the page shows %q", text)
			}
			picture, err := png.DecodeConfig(bytes.NewReader(page.Screenshot()))
			if err != nil || picture.Width != test.width || picture.Height != test.height {
				t.Errorf("picture %d by %d, %v, want %d by %d", picture.Width, picture.Height, err, test.width, test.height)
			}
		})
	}
}

func TestPageIsUsedAsAUserDoes(t *testing.T) {
	page := open(t, browser.View{}, "<script>setTimeout(() => document.title = 'Later', 100)</script>")
	page.Click("button", "Go") // the one that a user can click
	page.WaitText("Clicked")
	page.Eval("document.querySelector('input').focus()", nil)
	page.Type("Ada")
	page.WaitText("Hello, Ada")
	page.WaitCount("button", 3)
	page.WaitFor("document.title === 'Later'")
	if found := page.Mistakes(); len(found) > 0 {
		t.Errorf("mistakes: %q", found)
	}
	page.Eval("setTimeout(() => { document.title = 'Thrown'; undefined.x })", nil)
	page.WaitFor("document.title === 'Thrown'")
	if found := page.Mistakes(); len(found) != 1 || !strings.Contains(found[0], "TypeError") {
		t.Errorf("mistakes: %q, want the TypeError", found)
	}
}

func TestPagesReachOnlyThisMachinesName(t *testing.T) {
	other, err := net.Listen("tcp", "127.0.0.2:0") // in place of another machine
	if err != nil {
		t.Skipf("needs a second loopback address, as Linux has: %v", err)
	}
	server := &httptest.Server{Listener: other, Config: &http.Server{Handler: http.NotFoundHandler()}}
	server.Start()
	t.Cleanup(server.Close)
	var answer string
	open(t, browser.View{}, "").Eval(fmt.Sprintf("fetch(%q, {mode: 'no-cors'}).then(() => 'an answer', () => 'none')", server.URL), &answer)
	if answer != "none" {
		t.Errorf("a page got %s from %s", answer, server.URL)
	}
}

func TestAxeFindsWhatIsWrong(t *testing.T) {
	axe := browser.NewAxe(t)
	if found := axe.Check(open(t, browser.View{}, "")); len(found) > 0 {
		t.Errorf("in a good page: %v", found)
	}
	found := axe.Check(open(t, browser.View{}, `<p style="color: #ccc">pale</p>`))
	if len(found) != 1 || found[0].ID != "color-contrast" || found[0].Impact != "serious" || len(found[0].Nodes) != 1 {
		t.Errorf("in a pale page: %v, want color-contrast", found)
	}
}

func TestWithoutChromiumATestIsSkippedAndSaysHow(t *testing.T) {
	if os.Getenv("WITHOUT_CHROMIUM") != "" {
		browser.New(t)
		return
	}
	for chromium, want := range map[string]string{
		"":         "apt-get install chromium",
		"/no/such": `CHROMIUM is "/no/such", which cannot be run`,
	} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v")
		cmd.Env = append(os.Environ(), "WITHOUT_CHROMIUM=1", "PATH=", "CHROMIUM="+chromium)
		out, err := cmd.CombinedOutput()
		if !strings.Contains(string(out), want) || (err == nil) != (chromium == "") {
			t.Errorf("with CHROMIUM=%q: %v, %s; want %q", chromium, err, out, want)
		}
	}
}
