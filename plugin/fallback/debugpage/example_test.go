package debugpage_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/debugpage"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

func Example() {
	page := debugpage.New(debugpage.Config{})
	flash, pro := llmtest.NewModel("flash", llmtest.Fail(llmtest.ErrUnavailable)), llmtest.NewModel("pro", llmtest.Text("hello"))
	m, err := router.NewFallback(router.Config{Hooks: page.Hooks()}, flash, pro)
	if err != nil {
		fmt.Println(err)
		return
	}
	page.Watch(m)
	http.Handle("/debug/fallback/", page) // behind your own authentication

	for range m.GenerateContent(context.Background(), &model.LLMRequest{Contents: genai.Text("a question")}, false) {
		// …
	}

	w := httptest.NewRecorder()
	page.ServeHTTP(w, httptest.NewRequest("GET", "/debug/fallback/?format=json", nil))
	var state struct {
		Headline string
		Latest   []struct {
			Model string
			From  string `json:"original_model"`
		}
	}
	if err := json.Unmarshal(w.Body.Bytes(), &state); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(state.Headline)
	fmt.Println(state.Latest[0].Model, "answered instead of", state.Latest[0].From)
	// Output:
	// 1 of 2 targets is failing: flash.
	// pro answered instead of flash
}
