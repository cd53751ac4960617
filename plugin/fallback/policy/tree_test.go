package policy_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/suite"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// A text that was shown when the time of a call is over is taken back before the
// answer of last resort. B52, B87
func TestLastResortTakesBackWhatWasShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		half := func(ctx context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
			if yield(&model.LLMResponse{Content: genai.NewContentFromText("half a", genai.RoleModel), Partial: true}, nil) {
				<-ctx.Done()
				yield(nil, ctx.Err())
			}
		}
		m := build(t, "primary: a\nfallbacks: [{name: template-response}]\ntimeouts: {total: 1s}\ndegrade: {template: sorry}", models(suite.NewModel("a", half)))
		var got []string
		for resp, err := range m.GenerateContent(t.Context(), &model.LLMRequest{Contents: genai.Text("hello")}, true) {
			if err != nil {
				t.Fatal(err)
			}
			switch restart, _ := resp.CustomMetadata[call.KeyRestart].(bool); {
			case restart:
				got = append(got, "restart")
			case resp.Partial:
				got = append(got, "partial "+resp.Content.Parts[0].Text)
			default:
				got = append(got, "final "+resp.Content.Parts[0].Text)
			}
		}
		if diff := cmp.Diff([]string{"partial half a", "restart", "partial sorry", "final sorry"}, got); diff != "" {
			t.Errorf("responses (-want +got):\n%s", diff)
		}
	})
}
