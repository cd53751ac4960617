package cache_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/clone"
	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/cache"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// session plays a session of tools with a model that makes its own ids, and
// returns the request of each step: two calls at once, a call that nobody
// answered, and code and a tool that the provider runs itself.
func session(newID func() string) []*model.LLMRequest {
	var contents []*genai.Content
	var requests []*model.LLMRequest
	ask := func() {
		requests = append(requests, &model.LLMRequest{Contents: clone.Contents(contents)})
	}
	say := func(role string, parts ...*genai.Part) {
		contents = append(contents, &genai.Content{Role: role, Parts: parts})
	}
	for i := range 3 {
		say(genai.RoleUser, genai.NewPartFromText(fmt.Sprint("question ", i)))
		ask()
		a, b := newID(), newID()
		say(genai.RoleModel, callPart(a, "weather"), callPart(b, "weather"))
		say(genai.RoleUser, responsePart(a, "weather", "sunny"), responsePart(b, "weather", "rainy"))
		ask()
		code, tool := newID(), newID()
		say(genai.RoleModel,
			&genai.Part{ExecutableCode: &genai.ExecutableCode{ID: code, Code: "1+1"}},
			&genai.Part{CodeExecutionResult: &genai.CodeExecutionResult{ID: code, Output: "2"}},
			&genai.Part{ToolCall: &genai.ToolCall{ID: tool, ToolType: "GOOGLE_SEARCH"}},
			&genai.Part{ToolResponse: &genai.ToolResponse{ID: tool, ToolType: "GOOGLE_SEARCH"}},
		)
	}
	say(genai.RoleUser, genai.NewPartFromText("more"))
	say(genai.RoleModel, callPart(newID(), "slow"))
	say(genai.RoleUser, genai.NewPartFromText("never mind"))
	ask()
	return requests
}

func callPart(id, name string) *genai.Part {
	return &genai.Part{FunctionCall: &genai.FunctionCall{ID: id, Name: name, Args: map[string]any{"city": "Paris"}}}
}

func responsePart(id, name, result string) *genai.Part {
	return &genai.Part{FunctionResponse: &genai.FunctionResponse{ID: id, Name: name, Response: map[string]any{"result": result}}}
}

// randomIDs returns ids like OpenAI's.
func randomIDs(seed uint64) func() string {
	r := rand.New(rand.NewPCG(seed, 0))
	return func() string { return fmt.Sprintf("call_%016x", r.Uint64()) }
}

// B124
func TestCacheHitsWhateverIDsCallsHave(t *testing.T) {
	m := newCache(t, cache.Config{}).Middleware()(llmtest.NewModel("flash", llmtest.Text("text")))
	for _, req := range session(randomIDs(1)) {
		if got := cacheStatus(t.Context(), t, m, req); got != call.CacheMiss {
			t.Errorf("after %d contents of the first session: %s, want a miss", len(req.Contents), got)
		}
	}
	n := 0
	for name, ids := range map[string]func() string{
		"random":  randomIDs(2),
		"counted": func() string { n++; return fmt.Sprint("adk-", n) },
	} {
		for _, req := range session(ids) {
			if got := cacheStatus(t.Context(), t, m, req); got != call.CacheHit {
				t.Errorf("after %d contents of a session with %s ids: %s, want a hit", len(req.Contents), name, got)
			}
		}
	}
}

// B124: where responses come in the order of their calls, they say which belong
// together without ids.
func TestCacheHitsWithoutIDsOfCalls(t *testing.T) {
	m := newCache(t, cache.Config{}).Middleware()(llmtest.NewModel("flash", llmtest.Text("text")))
	cacheStatus(t.Context(), t, m, toolSession("call_"))
	if got := cacheStatus(t.Context(), t, m, toolSession("")); got != call.CacheHit {
		t.Errorf("without ids: %s, want a hit", got)
	}
}

// B86: the same calls and responses, otherwise paired, are another conversation.
func TestCacheKeysDifferByWhatResponsesBelongTo(t *testing.T) {
	m := newCache(t, cache.Config{}).Middleware()(llmtest.NewModel("flash", llmtest.Text("text")))
	asked := func(calls []string, responses ...string) *model.LLMRequest {
		req := hello()
		said, answered := &genai.Content{Role: genai.RoleModel}, &genai.Content{Role: genai.RoleUser}
		for _, id := range calls {
			said.Parts = append(said.Parts, callPart(id, "f"))
		}
		for i, id := range responses {
			answered.Parts = append(answered.Parts, responsePart(id, "f", fmt.Sprint(i)))
		}
		req.Contents = append(req.Contents, said, answered)
		return req
	}
	three := []string{"a", "b", "c"}
	code := func(a, b string) *model.LLMRequest {
		req := hello()
		req.Contents = append(req.Contents, genai.NewContentFromParts([]*genai.Part{
			{ExecutableCode: &genai.ExecutableCode{ID: "a", Code: "1"}}, {ExecutableCode: &genai.ExecutableCode{ID: "b", Code: "2"}},
			{CodeExecutionResult: &genai.CodeExecutionResult{ID: a}}, {CodeExecutionResult: &genai.CodeExecutionResult{ID: b}},
		}, genai.RoleModel))
		return req
	}
	for name, req := range map[string]*model.LLMRequest{
		"in order":         asked(three, "a", "b", "c"),
		"reversed":         asked(three, "c", "b", "a"),
		"rotated":          asked(three, "b", "c", "a"),
		"all to the first": asked(three, "a", "a", "a"),
		"all to the last":  asked(three, "c", "c", "c"),
		"unknown":          asked(three, "x", "y", "z"),
		"without":          asked(three, "", "", ""),
		"half without":     asked(three, "", "a", "c"),
		"mixed calls":      asked([]string{"a", "", "c"}, "", "a", "c"),
		"one missing":      asked(three, "a", "b"),
		"another missing":  asked(three, "a", "c"),
		"twice":            asked(three, "a", "b", "b", "c"),
		"same ids":         asked([]string{"a", "a", "b"}, "a", "b", "a"),
		"code in order":    code("a", "b"),
		"code reversed":    code("b", "a"),
		"code unknown":     code("x", "y"),
	} {
		if got := cacheStatus(t.Context(), t, m, req); got != call.CacheMiss {
			t.Errorf("%s: %s, want a miss", name, got)
		}
	}
}

// B86, B124: this compares the keys of random conversations with what
// models are sent of them: two with the same key are paired alike.
func TestCacheKeysFollowPairing(t *testing.T) {
	const seed = 124
	r := rand.New(rand.NewPCG(seed, seed))
	c := newCache(t, cache.Config{})
	paired := map[string]string{} // what was sent when a key was new, by the text of the answer
	n := 0
	m := c.Middleware()(llmtest.Bare{Step: llmtest.Respond(func() *model.LLMResponse {
		n++
		return &model.LLMResponse{Content: genai.NewContentFromText(fmt.Sprint(n), genai.RoleModel), FinishReason: genai.FinishReasonStop}
	})})
	hits := 0
	for range 10_000 {
		req := hello()
		for range 1 + r.IntN(2) {
			said, answered := &genai.Content{Role: genai.RoleModel}, &genai.Content{Role: genai.RoleUser}
			for range r.IntN(4) {
				said.Parts = append(said.Parts, callPart(pick(r), "f"))
			}
			for i := range r.IntN(4) {
				answered.Parts = append(answered.Parts, responsePart(pick(r), "f", fmt.Sprint(i)))
			}
			req.Contents = append(req.Contents, said, answered)
		}
		sent := pairing(req.Contents)
		for resp, err := range m.GenerateContent(t.Context(), req, false) {
			if err != nil {
				t.Fatal(err)
			}
			text := resp.Content.Parts[0].Text
			first, known := paired[text]
			if known {
				hits++
			} else {
				paired[text] = sent
			}
			if known && first != sent {
				t.Fatalf("seed %d: one key for two conversations:\n%s\n%s", seed, first, sent)
			}
		}
	}
	if hits < 1000 {
		t.Errorf("%d hits are too few to compare", hits)
	}
}

func pick(r *rand.Rand) string { return []string{"", "a", "b", "c"}[r.IntN(4)] }

// pairing writes contents as models are sent them, with ids by their order.
func pairing(contents []*genai.Content) string {
	s, ids := "", map[string]int{}
	id := func(id string) int {
		if _, ok := ids[id]; !ok {
			ids[id] = len(ids)
		}
		return ids[id]
	}
	for _, content := range request.Pair(contents, nil) {
		s += content.Role + ":"
		for _, part := range content.Parts {
			switch {
			case part.FunctionCall != nil:
				s += fmt.Sprintf(" call %d", id(part.FunctionCall.ID))
			case part.FunctionResponse != nil:
				s += fmt.Sprintf(" response %d %v", id(part.FunctionResponse.ID), part.FunctionResponse.Response)
			default:
				s += fmt.Sprintf(" %q", part.Text)
			}
		}
		s += "; "
	}
	return s
}
