// Package browser shows pages to tests in Chromium without a window.
//
// It is a separate module, so that users of adk-fallback do not get its dependencies.
// Tests of pages are here too: ADK Web's view of traces, and the pictures in
// docs/images. A page's own tests of content and escaping belong beside the page.
//
//	page := browser.New(t) // skips the test if there is no Chromium
//	page.Show(browser.View{Width: 390, Height: 844, Dark: true})
//	page.Open(server.URL)
//	page.WaitText("gemini-2.5-flash")
//	if found := browser.NewAxe(t).Check(page); len(found) > 0 {
//		t.Errorf("axe-core: %v", found)
//	}
//
// Every wait has a condition and ends the test after [Patience]. A page's methods end the test
// when the browser fails, so they are for the test's goroutine alone.
package browser
