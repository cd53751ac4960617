package foresight

import (
	"context"
	"iter"
	"log/slog"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/standin"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/degrade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
)

// Build builds p with a model of standIn for each name, and logs nothing. No
// provider's client is made. opts are further options.
func Build(p *spec.Policy, standIn func(name string) model.LLM, opts ...policy.Option) (*policy.Live, error) {
	if p.State != nil {
		alone := *p // other replicas do not matter
		alone.State = nil
		p = &alone
	}
	models := policy.Models{}
	for _, name := range modelNames(p) {
		models[name] = standin.Model{LLM: standIn(name)}
	}
	validators := policy.Validators{}
	sections := []*spec.Validate{p.Validate}
	if p.Cascade != nil {
		sections = append(sections, p.Cascade.Checks)
	}
	for _, v := range sections {
		if v != nil && v.Function != "" {
			validators[v.Function] = func(context.Context, *model.LLMRequest, *model.LLMResponse) error { return nil }
		}
	}
	// The stand-ins are called in place of Anthropic's models, so its name is enough. Its SDK would double the size of the
	// command.
	anthropic := provider.Factory{Name: "anthropic"}
	opts = append([]policy.Option{
		models, validators, anthropic, policy.WithLogger(slog.New(slog.DiscardHandler)),
		policy.WithApproval(func(context.Context, *genai.FunctionCall, string) bool { return false }),
		policy.WithJudge(func(context.Context, *model.LLMRequest, *model.LLMResponse) (float64, error) { return 1, nil }), standin.Deferred{},
		policy.WithRetrieval(degrade.RetrievalConfig{Search: func(context.Context, string) ([]degrade.Passage, error) { return nil, nil }}),
	}, opts...)
	return policy.NewLive(context.Background(), p, opts...)
}

// modelNames returns the name of each model of p, as the file has it.
func modelNames(p *spec.Policy) []string {
	names := []string{p.Primary}
	for _, e := range p.Fallbacks {
		names = append(names, e.Name)
	}
	if c := p.Cascade; c != nil {
		names = append(names, c.Model)
		if c.Grader != "" {
			names = append(names, c.Grader)
		}
	}
	if t, ok := p.PreviewTarget(); ok && !t.LastResort() {
		names = append(names, t.Name)
	}
	for _, e := range p.Experiments {
		for _, arm := range e.Arms {
			names = append(names, arm.Model)
		}
	}
	return names
}

// StandIn takes a model's place: it fails with Err or, if that is nil, answers.
type StandIn struct {
	Model    string // its name
	Err      error
	Answered func() // called before each answer; nil for nothing
}

// Name implements model.LLM.
func (s *StandIn) Name() string { return s.Model }

// GenerateContent implements model.LLM.
func (s *StandIn) GenerateContent(context.Context, *model.LLMRequest, bool) iter.Seq2[*model.LLMResponse, error] {
	return func(yield func(*model.LLMResponse, error) bool) {
		if s.Err != nil {
			yield(nil, s.Err)
			return
		}
		if s.Answered != nil {
			s.Answered()
		}
		yield(&model.LLMResponse{Content: genai.NewContentFromText("an answer", genai.RoleModel), FinishReason: genai.FinishReasonStop, TurnComplete: true}, nil)
	}
}
