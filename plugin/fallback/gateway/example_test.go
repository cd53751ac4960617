package gateway_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

func ExampleNew() {
	p, err := spec.Parse([]byte("primary: gemini-2.5-flash\nfallbacks: [{name: gpt-4o}]\n"))
	if err != nil {
		log.Fatal(err)
	}
	live, err := policy.NewLive(context.Background(), p, policy.Models{ // without this option: the providers' own
		"gemini-2.5-flash": llmtest.NewModel("gemini-2.5-flash", llmtest.Fail(llmtest.ErrUnavailable)),
		"gpt-4o":           llmtest.NewModel("gpt-4o", llmtest.Text("It is sunny.")),
	})
	if err != nil {
		log.Fatal(err)
	}
	g, err := gateway.New(gateway.Config{Routes: map[string]*policy.Live{"assistant": live}})
	if err != nil {
		log.Fatal(err)
	}

	// What http.ListenAndServe("127.0.0.1:8900", g) does with a request:
	req := httptest.NewRequest(http.MethodPost, "/v1/chat/completions", strings.NewReader(`{
		"model": "assistant",
		"messages": [{"role": "user", "content": "How is the weather?"}]
	}`))
	w := httptest.NewRecorder()
	g.ServeHTTP(w, req)
	fmt.Println(w.Code, w.Header().Get("X-Fallback-Model"), w.Header().Get("X-Fallback-Error-Code"))
	// Output: 200 gpt-4o 503
}
