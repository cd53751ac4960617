package stream

import (
	"context"
	"fmt"
	"net/url"
	"reflect"
	"strings"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
)

// TargetOf returns what is known of the model behind m: what a layer of this
// module, or m itself, tells. A group of models tells nothing.
func TargetOf(m model.LLM) provider.Target {
	if d, ok := Bare(m).(provider.Described); ok {
		return d.Target()
	}
	if _, ok := Bare(m).(Layer); ok {
		return provider.Target{}
	}
	return targetOf(m)
}

// targetOf returns what a model tells of itself, by its methods or by its name.
func targetOf(m model.LLM) provider.Target {
	if d, ok := m.(provider.Described); ok {
		return d.Target()
	}
	t := provider.Target{Model: m.Name(), API: provider.ByName(m.Name())}
	if isADKOpenAI(m) {
		t.API, t.Takes = provider.Responses, adkOpenAITakes()
	}
	if v, ok := m.(variant); ok {
		switch v.GetGoogleLLMVariant() {
		case genai.BackendVertexAI:
			t.API = provider.Vertex
		case genai.BackendGeminiAPI:
			t.API = provider.Gemini
		}
	}
	if config := genaiConfig(m); config != nil {
		if u, err := url.Parse(config.HTTPOptions.BaseURL); err == nil {
			t.Endpoint = u.Host
		}
	}
	return t
}

// genaiConfig returns the configuration of the client of a Gemini model, or nil.
func genaiConfig(m model.LLM) *genai.ClientConfig {
	c, ok := m.(client)
	if !ok || c.Client() == nil {
		return nil
	}
	config := c.Client().ClientConfig()
	return &config
}

// isADKOpenAI recognises ADK's own OpenAI model without importing it: it brings
// an SDK of 10 to 25 MB.
func isADKOpenAI(m model.LLM) bool {
	return reflect.TypeOf(m).String() == "*openaimodel.openAIModel"
}

// adkOpenAITakes is what ADK's OpenAI model refuses before it asks
// (google.golang.org/adk/v2 v2.2.0, model/openaimodel/request.go).
func adkOpenAITakes() provider.Takes {
	no, none := new(bool), new(int)
	return provider.Takes{Safety: no, TopK: no, Penalties: no, Labels: no, StopSequences: none}
}

// warn logs what cannot be mended from outside of the model.
func (s *Source) warn() {
	if isADKOpenAI(s.llm) {
		s.logger().Warn("fallback: ADK's openaimodel ends a cut stream like a whole answer, and OpenAI refuses the model turns of its history; use plugin/fallback/provider/openai",
			"model", s.name)
	}
	if config := genaiConfig(s.llm); config != nil && config.HTTPOptions.RetryOptions != nil {
		s.logger().Warn("fallback: the model's client retries by itself, which multiplies attempts; remove HTTPOptions.RetryOptions from its configuration", "model", s.name)
	}
}

// resolved is a target under a description by hand, looked up in the tables.
type resolved struct {
	described *provider.Target
	target    provider.Target
}

// resolve returns what is known of the model under a description, which may be
// nil.
func (s *Source) resolve(described *provider.Target) *provider.Target {
	if r := s.fits.Load(); r != nil && r.described == described {
		return &r.target
	}
	target := s.target
	if described != nil {
		target = described.Over(target)
	}
	r := &resolved{described, target.Resolved()}
	s.fits.Store(r)
	return &r.target
}

// prepare makes the attempt's own copy of req, as the model takes it. The error
// is a refusal, or a failure that has been recorded.
func (a *attempt) prepare(ctx context.Context, req *model.LLMRequest, target *provider.Target) (err error) {
	s, out := a.source, a.out
	defer func() {
		if r := recover(); r != nil {
			failed := newAttemptError(ctx, s.name, fmt.Errorf("fallback: preparing the request for model %q panicked: %v", s.name, r))
			out.recordFailure(failed, out.Wait, 0)
			err = failed
		}
	}()
	own := request.Clone(req)
	own.Model = s.name
	var adapted []string
	if out.Root != "" && out.Root != s.name {
		request.Adapt(own.Contents, "", true)
		adapted = withoutRootsOwn(own)
	}
	if s.options.Prepare != nil {
		s.options.Prepare(own)
	}
	withoutRetries(own)
	adapted = append(adapted, s.lessons.apply(ctx, own)...)
	fitted, err := target.Fit(own)
	if err != nil {
		return &RefusedError{By: "fit", Model: s.name, Reason: err.Error()}
	}
	a.req, a.answer = own, fitted.Answer
	out.Notes.Adapted = strings.Join(append(adapted, fitted.Adapted...), "\n")
	return nil
}

// withoutRootsOwn removes from a copy what an agent has written for the wire of
// its own model: the body's extra fields, and where the request goes.
func withoutRootsOwn(own *model.LLMRequest) (adapted []string) {
	if own.Config == nil || own.Config.HTTPOptions == nil {
		return nil
	}
	options := own.Config.HTTPOptions
	if len(options.ExtraBody) > 0 || options.ExtrasRequestProvider != nil {
		adapted = []string{"extra_body"}
	}
	options.ExtraBody, options.ExtrasRequestProvider, options.BaseURL, options.APIVersion = nil, nil, "", ""
	return adapted
}

// withoutRetries switches off, in a copy, retries that genai's client would make
// on its own: each would be an attempt that no layer knows of.
func withoutRetries(own *model.LLMRequest) {
	if own.Config != nil && own.Config.HTTPOptions != nil {
		own.Config.HTTPOptions.RetryOptions = nil
	}
}
