package turn_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

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
