package turn_test

import (
	"testing"

	"github.com/adk-fallback/adk-fallback/internal/turn"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

func TestExhaustedErrorOmitsWhatIsUnknown(t *testing.T) {
	for _, test := range []struct {
		err  turn.ExhaustedError
		want string
	}{
		{turn.ExhaustedError{Code: "429", Message: "slow down"}, `; the last with 429: slow down`},
		{turn.ExhaustedError{Code: "SAFETY", Means: failure.Verdict{Reason: "the answer was blocked"}}, `; the last with SAFETY: the answer was blocked`},
		{turn.ExhaustedError{Code: "SAFETY"}, `; the last with SAFETY`},
		{turn.ExhaustedError{}, ``},
	} {
		test.err.Agent, test.err.Metadata = "a", call.Metadata{Attempt: 2}
		if got, want := test.err.Error(), `fallback: no model answered agent "a", 2 failed`+test.want; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
