package gateway

import (
	"math"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/openai"
)

// B144: what cannot be encoded is never answered with 200 and an empty body.
func TestWriteJSONRefusesWhatItCannotEncode(t *testing.T) {
	w := httptest.NewRecorder()
	if p := writeJSON(w, openai.Errors{}, []float64{math.NaN()}); p == nil || w.Code != 502 || !strings.Contains(w.Body.String(), `{"error"`) {
		t.Errorf("problem %v, status %d, body %s; want 502 and an error", p, w.Code, w.Body)
	}
}
