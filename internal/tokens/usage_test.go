package tokens_test

import (
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/adk-fallback/adk-fallback/internal/tokens"
)

// Every count of a usage is summed, also one that a later genai adds.
func TestSumAddsEveryCount(t *testing.T) {
	var one tokens.Usage
	v := reflect.ValueOf(&one).Elem()
	for i := range v.NumField() {
		if v.Field(i).Kind() == reflect.Int32 {
			v.Field(i).SetInt(int64(i + 1))
		}
	}
	sum := reflect.ValueOf(tokens.Sum(&one, &one)).Elem()
	for i := range v.NumField() {
		if v.Field(i).Kind() == reflect.Int32 && sum.Field(i).Int() != 2*v.Field(i).Int() {
			t.Errorf("%s: %d, want %d", v.Type().Field(i).Name, sum.Field(i).Int(), 2*v.Field(i).Int())
		}
	}
}

func TestSumOfNothing(t *testing.T) {
	u := &tokens.Usage{PromptTokenCount: 1}
	for name, got := range map[string]*tokens.Usage{"nil and u": tokens.Sum(nil, u), "u and nil": tokens.Sum(u, nil)} {
		if diff := cmp.Diff(u, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if tokens.Sum(nil, nil) != nil {
		t.Error("nothing and nothing is something")
	}
}

func TestCounted(t *testing.T) {
	if tokens.Counted(nil) || tokens.Counted(&tokens.Usage{}) || !tokens.Counted(&tokens.Usage{CandidatesTokenCount: 1}) {
		t.Error("a usage counts what is above 0")
	}
	if in, out := tokens.Of(&tokens.Usage{PromptTokenCount: 1, ToolUsePromptTokenCount: 2, CandidatesTokenCount: 3, ThoughtsTokenCount: 4}); in != 3 || out != 7 {
		t.Errorf("%d in and %d out, want 3 and 7", in, out)
	}
}
