package policy_test

import (
	"context"
	"testing"

	"github.com/open-feature/go-sdk/openfeature"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
)

// embedder is a model that has an embedding for everything.
type embedder struct{ *llmtest.Model }

func (embedder) EmbedContent(context.Context, string, []*genai.Content, *genai.EmbedContentConfig) (*genai.EmbedContentResponse, error) {
	return &genai.EmbedContentResponse{Embeddings: []*genai.ContentEmbedding{{Values: []float32{1}}}}, nil
}

// priorities is a client of flags that are on, and keeps the priorities for which it was asked.
type priorities struct{ seen []any }

func (p *priorities) Boolean(_ context.Context, _ string, _ bool, point openfeature.EvaluationContext, _ ...openfeature.Option) bool {
	p.seen = append(p.seen, point.Attribute("priority"))
	return true
}

// A flag gets the same facts for a call and for embeddings.
func TestFactsOfEmbeddings(t *testing.T) {
	var flags priorities
	l := live(t, "primary: a\nflags: {f: {targets: [a]}}\npriority: {classes: [gold, free], from: labels.plan}",
		policy.Models{"a": embedder{llmtest.NewModel("a", llmtest.Text("a"))}}, policy.WithFlags(&flags, openfeature.NewEvaluationContext))
	ctx := call.With(t.Context(), call.Info{Labels: map[string]string{"plan": "gold"}})
	if got := ask(ctx, l.Model(), false); got.text != "a" {
		t.Fatalf("%q, %v", got.text, got.err)
	}
	e, err := l.Embedder(ctx, "a")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.EmbedContent(ctx, "a", genai.Text("x"), nil); err != nil {
		t.Fatal(err)
	}
	if len(flags.seen) != 2 || flags.seen[0] != "gold" || flags.seen[1] != "gold" {
		t.Errorf("priorities %v, want gold for both", flags.seen)
	}
}
