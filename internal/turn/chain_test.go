package turn_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/internal/turn"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// B14: with more models than metadata keeps, an outer loop whose metadata went
// through JSON calls each model once and comes to an end.
func TestEachModelOfALongChainIsCalledOnce(t *testing.T) {
	for _, padding := range []int{0, 120} { // long names leave room for fewer attempts
		var chain, asked []string
		for i := range 40 {
			chain = append(chain, fmt.Sprint("model", i, strings.Repeat("x", padding)))
		}
		p := newPlugin(t, turn.Config{FallbackModels: chain})
		ctx := t.Context()
		for i := range 2 * len(chain) {
			callback := agentContext{ctx, fmt.Sprint("run", i), "a", ""}
			req := begin(t, p, callback, "flash")
			asked = append(asked, req.Model)
			resp, err := p.OnModelError(callback, req, llmtest.ErrQuota)
			if err != nil {
				t.Fatal(err)
			}
			stored, err := json.Marshal(resp.CustomMetadata)
			if err != nil || len(stored) > call.MaxMetadataBytes {
				t.Fatalf("%d bytes of metadata, error %v", len(stored), err)
			}
			var custom map[string]any
			if err := json.Unmarshal(stored, &custom); err != nil {
				t.Fatal(err)
			}
			md, _ := call.ReadMap(custom)
			if md.FallbackModel == "" {
				break
			}
			ctx = turn.Choose(ctx, "a", "", md)
		}
		if diff := cmp.Diff(append([]string{"flash"}, chain...), asked); diff != "" {
			t.Errorf("models asked (-want +got):\n%s", diff)
		}
	}
}

// B02: a model may put a whole text into a response's error code. The outer loop goes on
// although metadata has only its beginning.
func TestLongErrorCode(t *testing.T) {
	for _, code := range []string{"429: " + strings.Repeat("too many requests ", 20), `{"error":` + strings.Repeat(`"too many requests",`, 5) + "}"} {
		p := newPlugin(t, turn.Config{FallbackModel: "pro", ErrorCodes: []any{"any"}})
		ctx := agentContext{t.Context(), "i", "a", ""}
		begin(t, p, ctx, "flash")
		ev := turn.Event{Author: "a", Response: &model.LLMResponse{ErrorCode: code}}
		p.AfterModel(ctx, ev.Response)
		p.OnEvent(t.Context(), "i", ev)
		if md, ok := ev.NextModel(); !ok || md.FallbackModel != "pro" {
			t.Errorf("%s: next model %q, %v; want pro", code, md.FallbackModel, ok)
		}
	}
}
