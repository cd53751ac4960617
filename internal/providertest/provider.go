package providertest

import (
	"context"
	"strings"
	"testing"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
)

// Provider is a client of a model under the contract for providers.
type Provider struct {
	Name     string
	Protocol Protocol
	Model    string // the name that the server is scripted for
	// New returns a model of that name at srv. It may be called in a bubble of
	// testing/synctest, so it must neither share a client with an earlier call nor
	// start what its caller cannot end.
	New func(t testing.TB, srv *fallbacktest.Server) model.LLM
}

// Protocol is an API that servers speak.
type Protocol string

const (
	Gemini    Protocol = "gemini"
	Responses Protocol = "responses"
	Chat      Protocol = "chat"
	Anthropic Protocol = "anthropic"
	// ADKGemini is Gemini's API as ADK's own model reads it, with a layer or a
	// router around it: only what these can make good is asked of it.
	ADKGemini Protocol = "ADK's gemini"
)

// Run proves that p is one provider like every other: the same answers
// and, whatever the protocol, the same verdicts. Servers are strict, so a request
// that the real API would refuse fails it too.
func Run(t *testing.T, p Provider) {
	for _, stream := range []bool{false, true} {
		c := &contract{Provider: p, stream: stream}
		t.Run(map[bool]string{false: "unary", true: "streamed"}[stream], func(t *testing.T) {
			t.Run("answers", c.answers)
			t.Run("endings", c.endings)
			t.Run("usage", c.usage)
			t.Run("long history", c.longHistory)
			t.Run("thoughts in a tool loop", c.thoughts)
			t.Run("nothing before the first content", c.beforeContent)
			t.Run("faults", c.faults)
			t.Run("errors", c.errors)
			t.Run("silence", c.silence)
			t.Run("the consumer stops", c.stops)
		})
	}
}

// contract is the tests of one provider in one mode.
type contract struct {
	Provider
	stream bool
	canary model.LLM // a model at a real endpoint, in place of a server
}

// serve starts a strict server that plays steps, and returns it with a model there.
func (c *contract) serve(t *testing.T, steps ...fallbacktest.Step) (*fallbacktest.Server, model.LLM) {
	t.Helper()
	srv := fallbacktest.NewServer()
	t.Cleanup(srv.Close)
	srv.Strict()
	srv.Script(c.Model, steps...)
	return srv, c.New(t, srv)
}

// clean reports what a strict server has refused.
func clean(t *testing.T, srv *fallbacktest.Server) {
	t.Helper()
	for _, violation := range srv.Violations() {
		t.Errorf("the server refused: %s", violation)
	}
}

// exchange is what one call has yielded.
type exchange struct {
	partials []*model.LLMResponse
	finals   []*model.LLMResponse
	err      error
}

// ask makes one call.
func (c *contract) ask(ctx context.Context, m model.LLM, config *genai.GenerateContentConfig, contents ...*genai.Content) (x exchange) {
	req := &model.LLMRequest{Contents: contents, Config: config}
	for resp, err := range m.GenerateContent(ctx, req, c.stream) {
		switch {
		case err != nil:
			x.err = err
		case resp == nil:
		case resp.Partial:
			x.partials = append(x.partials, resp)
		default:
			x.finals = append(x.finals, resp)
		}
	}
	return x
}

// question is ask for a short text without settings.
func (c *contract) question(ctx context.Context, m model.LLM) exchange {
	return c.ask(ctx, m, nil, genai.NewContentFromText("a question", genai.RoleUser))
}

// final returns the answer, which must be one, and right.
func (x exchange) final(t *testing.T) *model.LLMResponse {
	t.Helper()
	if v := x.verdict(); v.Action != "" || len(x.finals) != 1 {
		t.Fatalf("%d final responses, verdict %s/%s, error %v; want one answer", len(x.finals), v.Action, v.Kind, x.err)
	}
	return x.finals[0]
}

// verdict judges the call as the engine does; the zero verdict is an answer.
func (x exchange) verdict() failure.Verdict {
	switch {
	case x.err != nil:
		return failure.Classify(x.err)
	case len(x.finals) == 0:
		return failure.Classify(failure.ErrEmpty)
	}
	v, _ := failure.ClassifyResponse(x.finals[0], failure.Expect{FinishReason: true})
	return v
}

// shown joins the texts of the partial responses.
func (x exchange) shown() string {
	var text strings.Builder
	for _, resp := range x.partials {
		text.WriteString(said(resp.Content))
	}
	return text.String()
}

// said joins the texts of a content but for thoughts.
func said(content *genai.Content) string {
	text := ""
	if content != nil {
		for _, part := range content.Parts {
			if !part.Thought {
				text += part.Text
			}
		}
	}
	return text
}

func callsIn(content *genai.Content) (calls []*genai.FunctionCall) {
	if content != nil {
		for _, part := range content.Parts {
			if part.FunctionCall != nil {
				calls = append(calls, part.FunctionCall)
			}
		}
	}
	return calls
}
