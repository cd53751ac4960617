package plainjson_test

import (
	"math"
	"testing"

	"github.com/adk-fallback/adk-fallback/internal/plainjson"
)

func TestMarshal(t *testing.T) {
	got, err := plainjson.Marshal(map[string]any{"a": "<b> & \"c\"\n"})
	if want := `{"a":"<b> & \"c\"\n"}`; string(got) != want || err != nil {
		t.Errorf("%s, %v; want %s", got, err, want)
	}
	if got, err := plainjson.Marshal(math.NaN()); err == nil {
		t.Errorf("NaN is %s, want an error", got)
	}
}
