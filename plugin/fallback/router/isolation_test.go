package router_test

import (
	"context"
	"strings"
	"testing"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// B60, B61, B62
func TestAttemptsAreIsolated(t *testing.T) {
	tool := &struct{ name string }{"live"}
	req := &model.LLMRequest{
		Model: "flow", Contents: []*genai.Content{genai.NewContentFromText("hi", genai.RoleUser)},
		Config: &genai.GenerateContentConfig{Labels: map[string]string{"team": "a"}}, Tools: map[string]any{"lookup": tool},
	}
	vandal := func(_ context.Context, req *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
		req.Contents[0].Parts[0].Text = "changed"
		req.Contents = append(req.Contents, genai.NewContentFromText("leak", genai.RoleUser))
		req.Config.Labels["team"] = "changed"
		req.Model = "changed"
		yield(nil, llmtest.ErrQuota)
	}
	cool := middleware.Attempt(middleware.AttemptConfig{Configure: func(c *genai.GenerateContentConfig) { c.Temperature = genai.Ptr[float32](0) }})
	var second *model.LLMRequest
	m := router.MustFallback(router.Config{},
		cool(llmtest.NewModel("first", vandal)),
		llmtest.NewModel("second", func(ctx context.Context, req *model.LLMRequest, s bool, yield func(*model.LLMResponse, error) bool) {
			second = req
			llmtest.Text("ok")(ctx, req, s, yield)
		}))
	if got := collect(m.GenerateContent(t.Context(), req, false)); got.err != nil {
		t.Fatal(got.err)
	}
	if second.Model != "second" || second.Contents[0].Parts[0].Text != "hi" || len(second.Contents) != 1 || second.Config.Labels["team"] != "a" || second.Config.Temperature != nil {
		t.Errorf("the second attempt saw %+v, want its name and the caller's request", second)
	}
	if second.Tools["lookup"] != tool {
		t.Error("the second attempt has another tool instance")
	}
	if req.Model != "flow" || req.Contents[0].Parts[0].Text != "hi" || req.Config.Labels["team"] != "a" {
		t.Errorf("the caller's request became %+v", req)
	}
}

// B63, B64
func TestSwitchInsideAToolLoop(t *testing.T) {
	first := llmtest.NewModel("gemini-3-flash", llmtest.Call("c1", "lookup", "signature of flash", nil), llmtest.Fail(llmtest.ErrQuota), llmtest.Text("flash again"))
	second := llmtest.NewModel("gemini-3-pro", llmtest.Call("c2", "lookup", "signature of pro", nil), llmtest.Text("done"))
	m := router.MustFallback(router.Config{}, first, second)
	ctx := inTurn(t.Context(), "t1")
	req := &model.LLMRequest{Contents: []*genai.Content{genai.NewContentFromText("hi", genai.RoleUser)}}
	for range 3 {
		got := collect(m.GenerateContent(ctx, req, false))
		if got.err != nil {
			t.Fatal(got.err)
		}
		req.Contents = append(req.Contents, got.final.Content)
		if fc := got.final.Content.Parts[0].FunctionCall; fc != nil {
			req.Contents = append(req.Contents, &genai.Content{Role: genai.RoleUser, Parts: []*genai.Part{{FunctionResponse: &genai.FunctionResponse{ID: fc.ID, Name: fc.Name}}}})
		}
	}
	req.Contents = append(req.Contents, genai.NewContentFromText("next", genai.RoleUser))
	collect(m.GenerateContent(inTurn(t.Context(), "t2"), req, false))

	describe := func(req *model.LLMRequest) string {
		var out []string
		for _, content := range req.Contents {
			for _, part := range content.Parts {
				switch {
				case part.FunctionCall != nil:
					out = append(out, part.FunctionCall.ID+":"+string(part.ThoughtSignature))
				case part.FunctionResponse != nil:
					out = append(out, part.FunctionResponse.ID)
				}
			}
		}
		return strings.Join(out, " ")
	}
	const skip = "skip_thought_signature_validator"
	for i, want := range []string{"c1:" + skip + " c1", "c1:" + skip + " c1 c2:" + skip + " c2"} {
		if got := describe(second.Requests()[i]); got != want {
			t.Errorf("call %d of the second model saw %q, want %q", i, got, want)
		}
	}
	if got, want := describe(first.Requests()[2]), "c1:signature of flash c1 c2: c2"; got != want {
		t.Errorf("the next turn's first model saw %q, want %q", got, want)
	}
}

type google struct{ *llmtest.Model }

func (google) GetGoogleLLMVariant() genai.Backend { return genai.BackendVertexAI }
func (google) Client() *genai.Client              { return nil }

// B65, B54
func TestOptionalMethodsAreThePrimarys(t *testing.T) {
	plain, rich := llmtest.NewModel("plain", llmtest.Text("x")), google{llmtest.NewModel("rich", send(chunk("cut"), &model.LLMResponse{Content: genai.NewContentFromText("cut", genai.RoleModel)}))}
	for name, m := range map[string]model.LLM{"plain": router.MustFallback(router.Config{}, plain, rich), "rich": router.MustFallback(router.Config{}, rich, plain)} {
		v, hasVariant := m.(interface{ GetGoogleLLMVariant() genai.Backend })
		_, hasClient := m.(interface{ Client() *genai.Client })
		if want := name == "rich"; hasVariant != want || hasClient != want || want && v.GetGoogleLLMVariant() != genai.BackendVertexAI {
			t.Errorf("%s: variant %v, client %v", name, hasVariant, hasClient)
		}
	}
	// Gemini always sends a finish reason.
	if got := ask(t.Context(), router.MustFallback(router.Config{}, rich, plain), true); got.stream != "cut|x[x]" {
		t.Errorf("the consumer saw %q, want the cut answer restarted", got.stream)
	}
}
