package turn_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/turn"
)

// B03: a configuration that was read from JSON has its numbers as float64.
func TestCodesAsNumbers(t *testing.T) {
	for _, code := range []any{429, uint16(429), 429.0, json.Number("429")} {
		p := newPlugin(t, turn.Config{FallbackModel: "pro", ErrorCodes: []any{code}})
		if got := attempts(t, p, agentContext{t.Context(), "i", "a", ""}); got != 1 {
			t.Errorf("%T: %d attempts, want 1", code, got)
		}
	}
	for _, code := range []any{429.5, math.Inf(1), math.NaN(), uint64(math.MaxUint64), 200.0} {
		if _, err := turn.New(turn.Config{ErrorCodes: []any{code}}); err == nil || !strings.Contains(err.Error(), "Config.ErrorCodes[0]:") {
			t.Errorf("%v: error %v, want one that names the field", code, err)
		}
	}
}

// B40: a code that is a whole error leads to the next model, and its key is not recorded.
func TestCodeWithAKey(t *testing.T) {
	const key = "AIzaSyD3-9zQmXw7Lk2Vb8Nc4Rt6Yh1Jp5Fs0Ge"
	for _, code := range []string{"429 Too Many Requests for " + key, "429 Too Many Requests for " + key + strings.Repeat(", try again", 20)} {
		p := newPlugin(t, turn.Config{FallbackModel: "pro"})
		ctx := agentContext{t.Context(), "i", "agent", ""}
		begin(t, p, ctx, "flash")
		ev := turn.Event{Author: "agent", Response: &model.LLMResponse{ErrorCode: code}}
		p.AfterModel(ctx, ev.Response)
		p.OnEvent(ctx, "i", ev)
		if md, ok := ev.NextModel(); !ok || md.FallbackModel != "pro" || !strings.HasPrefix(md.ErrorCode, "429 ") || strings.Contains(md.ErrorCode, key[:12]) {
			t.Errorf("metadata %+v, %v; want the next model, and no key", md, ok)
		}
	}
}
