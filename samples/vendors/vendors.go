package main

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"google.golang.org/genai"

	ft "github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
)

// turns of the conversation: what happens to the vendors, and the question.
var turns = []struct{ news, question string }{
	{"every vendor is up", "How do Berlin and Paris compare?"},
	{"Gemini goes down after it has called the tools", "How do Oslo and Rome compare?"},
	{"OpenAI goes down after it has called the tools", "How do Lisbon and Cairo compare?"},
	{"Anthropic goes down after it has called the tools", "How do Quito and Lima compare?"},
	{"only the local server is up", "How do Delhi and Tokyo compare?"},
	{"every vendor is up again", "How do Boston and Nairobi compare?"},
}

// vendors are the servers that stand in for the vendors, by their model. Each is
// strict: it refuses what the real API refuses of that model.
type vendors map[string]*ft.Server

// startVendors starts the servers with their part in the turns above.
func startVendors() vendors {
	v := vendors{flash: ft.NewServer(), gpt: ft.NewServer(), haiku: ft.NewServer(), llama: ft.NewServer()}
	for _, name := range []string{flash, gpt, haiku} {
		v[name].Strict()
	}
	v[llama].StrictAs(ft.Ollama, llama)

	call, answer := ft.Func(calls), ft.Func(answers)
	v[flash].Script(flash,
		call, answer, // turn 1
		call, ft.Times(4, ft.DailyQuota()), // turns 2 to 5
		call, answer, // turn 6
	)
	v[gpt].Script(gpt, answer /* turn 2 */, call /* turn 3 */, ft.Internal())
	v[haiku].Script(haiku, answer /* turn 3 */, call /* turn 4 */, ft.Overloaded())
	v[llama].Script(llama, answer /* turn 4 */, call, answer /* turn 5 */)
	return v
}

func (v vendors) close() {
	for _, server := range v {
		server.Close()
	}
}

// violations returns what the servers refused, in any order.
func (v vendors) violations() []string {
	var all []string
	for _, server := range v {
		all = append(all, server.Violations()...)
	}
	return all
}

// client returns an HTTP client whose requests, whatever their address, go to the
// server that stands in for the vendor of the model.
func (v vendors) client(model string) *http.Client {
	server := v[model]
	address, err := url.Parse(server.URL)
	if err != nil {
		panic(err) // a server's own URL
	}
	return &http.Client{Transport: detour{address, server.Client().Transport}}
}

// detour leads requests to another address.
type detour struct {
	to  *url.URL
	via http.RoundTripper
}

func (d detour) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Scheme, r.URL.Host, r.Host = d.to.Scheme, d.to.Host, ""
	return d.via.RoundTrip(r)
}

var cities = regexp.MustCompile(`How do (\w+) and (\w+) compare`)

// calls thinks, then looks up both cities of the question at once.
func calls(r ft.Request) ft.Step {
	question, _ := lastTurn(r)
	found := cities.FindStringSubmatch(question)
	if found == nil {
		return ft.Text("Ask me to compare two cities.")
	}
	parts := []*genai.Part{{Text: fmt.Sprintf("I need the weather of %s and %s.", found[1], found[2]), Thought: true}}
	for _, city := range found[1:] {
		parts = append(parts, &genai.Part{FunctionCall: &genai.FunctionCall{Name: "weather", Args: map[string]any{"city": city}}})
	}
	return ft.Parts(parts...)
}

// answers thinks, then tells what the tool has returned.
func answers(r ft.Request) ft.Step {
	_, results := lastTurn(r)
	var told []string
	for _, result := range results {
		told = append(told, fmt.Sprintf("%v and %v °C in %v", result["sky"], result["celsius"], result["city"]))
	}
	return ft.Parts(
		&genai.Part{Text: "Now I can compare them.", Thought: true},
		&genai.Part{Text: "It is " + strings.Join(told, ", ") + "."},
	)
}

// lastTurn returns the user's latest message and the results of tools since.
func lastTurn(r ft.Request) (question string, results []map[string]any) {
	for _, content := range slices.Backward(r.Contents) {
		for _, part := range slices.Backward(content.Parts) {
			switch {
			case part.FunctionResponse != nil:
				results = append(results, part.FunctionResponse.Response)
			case content.Role == genai.RoleUser && part.Text != "":
				slices.Reverse(results)
				return part.Text, results
			}
		}
	}
	return "", nil
}
