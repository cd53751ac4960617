package plugintest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/internal/turn"
)

func (s *suite) otherPlugins(t *testing.T) {
	for name, test := range map[string]struct {
		config turn.Config
		step   llmtest.Step
		want   string // "" for nothing
	}{
		"healthy":         {turn.Config{FallbackModel: "pro"}, llmtest.Text("fine"), " fine"},
		"annotated error": {turn.Config{FallbackModel: "pro"}, llmtest.Fail(llmtest.ErrQuota), "429 "},
		"annotated code":  {turn.Config{FallbackModel: "pro"}, llmtest.Respond(func() *model.LLMResponse { return &model.LLMResponse{ErrorCode: "429"} }), "429 "},
		"recovered error": {turn.Config{Recover: llmtest.NewModel("pro", llmtest.Text("saved"))}, llmtest.Fail(llmtest.ErrQuota), " saved"},
		// ADK calls no other callback when one returns a response, and the model's own
		// must not be written to.
		"recovered code": {turn.Config{Recover: llmtest.NewModel("pro", llmtest.Text("saved"))}, llmtest.Respond(func() *model.LLMResponse { return &model.LLMResponse{ErrorCode: "429"} }), ""},
	} {
		t.Run(name, func(t *testing.T) {
			seen := map[string]string{}
			app := s.NewApp(t, Setup{
				Config: test.config, Stream: s.stream, Agent: Agent{Name: "agent", Model: llmtest.NewModel("flash", test.step)},
				Observe: func(observer string, resp *model.LLMResponse) {
					if !resp.Partial {
						seen[observer] += resp.ErrorCode + " " + Event{Response: resp}.Text()
					}
				},
			})
			mustRun(t, app, "s", "hi")
			want := map[string]string{}
			if test.want != "" {
				want = map[string]string{"plugin": test.want, "agent": test.want}
			}
			if diff := cmp.Diff(want, seen); diff != "" {
				t.Errorf("seen (-want +got):\n%s", diff)
			}
		})
	}
}

func badConfig(t *testing.T, h Harness) {
	var none *llmtest.Model
	for field, config := range map[string]turn.Config{
		"RootModel":         {RootModel: " flash"},
		"FallbackModel":     {FallbackModel: " "},
		"FallbackModels[1]": {FallbackModels: []string{"pro", ""}},
		"FallbackModels[0]": {FallbackModel: "pro", FallbackModels: []string{"pro"}},
		"FallbackModel ":    {RootModel: "pro", FallbackModel: "pro"},
		"ErrorCodes[0]":     {ErrorCodes: []any{-1}},
		"ErrorCodes[1]":     {ErrorCodes: []any{429, ""}},
		"ErrorCodes[2]":     {ErrorCodes: []any{429, "x", 4.29}},
		"ErrorCodes[3]":     {ErrorCodes: []any{429, 599, "400", 200}},
		"ErrorCodes[0] ":    {ErrorCodes: []any{99}},
		"ErrorCodes[0]  ":   {ErrorCodes: []any{1000}},
		"ErrorCodes[0]   ":  {ErrorCodes: []any{"1000"}},
		"ErrorCodes[1] ":    {ErrorCodes: []any{"any", "4O4"}},
		"ErrorCodes[1]  ":   {ErrorCodes: []any{"any", "rate limit"}},
		"ErrorCodes[1]   ":  {ErrorCodes: []any{"any", "canceled"}},
		"ErrorCodes[1]    ": {ErrorCodes: []any{"any", "OK"}},
		"ErrorCodes[0]    ": {ErrorCodes: []any{"acme_busy"}},
		"Recover":           {Recover: none},
		"Recover ":          {Recover: llmtest.NewModel("", llmtest.Text("x"))},
		"MaxTurns":          {MaxTurns: -1},
		"PruneTo":           {PruneTo: -1},
		"PruneTo ":          {MaxTurns: 10, PruneTo: 11},
	} {
		field = strings.TrimSpace(field)
		err := h.NewPlugin(config)
		if err == nil || !strings.Contains(err.Error(), "Config."+field+":") || !advises(err.Error()) {
			t.Errorf("error %v, want one that names Config.%s and what to do", err, field)
		}
	}
	err := h.NewPlugin(turn.Config{RootModel: " ", ErrorCodes: []any{nil}, Recover: none, MaxTurns: -1, PruneTo: -1})
	for _, field := range []string{"RootModel", "ErrorCodes[0]", "Recover", "MaxTurns", "PruneTo"} {
		if err == nil || !strings.Contains(err.Error(), "Config."+field+":") {
			t.Errorf("error %v, want one that also names Config.%s", err, field)
		}
	}
	// B117
	err = h.NewPlugin(turn.Config{ErrorCodes: []any{"tiemout", "overlaoded"}})
	if err == nil || !strings.Contains(err.Error(), `did you mean "timeout"?`) || !strings.Contains(err.Error(), `did you mean "overloaded"?`) {
		t.Errorf("error %v, want the kinds that were meant", err)
	}
	if err := h.NewPlugin(turn.Config{ErrorCodes: []any{"ACME_BUSY", "ThrottlingException", "overloaded_error", "RESOURCE_EXHAUSTED", "unavailable", "safety", "refused", "1302"}}); err != nil {
		t.Errorf("codes of providers are refused: %v", err)
	}
	if err := h.NewPlugin(turn.Config{}); err != nil {
		t.Errorf("the zero Config is refused: %v", err)
	}
}

// advises reports whether a message says what to do, not only what is wrong.
func advises(message string) bool {
	for _, advice := range []string{"; must be ", "; use ", "; list ", "upper case"} {
		if strings.Contains(message, advice) {
			return true
		}
	}
	return false
}
