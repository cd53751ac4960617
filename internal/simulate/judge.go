package simulate

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/cascade"
)

// The confidence of models in answers that they take to be right, and in others.
const (
	sure   = 0.95
	unsure = 0.20
)

// wrong reports whether p answers the question of c wrongly. p may be nil: a model that the
// scenario does not play.
func (p *provider) wrong(c *oneCall) bool {
	return p != nil && c.hard < float64(p.model.Wrong)
}

// answerer returns the model of a name in metadata, the primary for no name, or nil.
func (w *world) answerer(name string) *provider {
	resolved := w.policy.Resolve(cmp.Or(name, w.policy.Primary)).Model
	w.mu.Lock()
	defer w.mu.Unlock()
	if p := w.providers[resolved]; p != nil {
		return p
	}
	for _, p := range w.inOrder() { // an alias
		if w.policy.Resolve(p.name).Model == resolved {
			return p
		}
	}
	return nil
}

// stated is what a model says about an answer. The zero value says nothing.
type stated struct {
	text     string
	logprobs float64 // the mean of its tokens
	grade    bool    // text is all that it says
}

// stated returns what a judge of a cascade reads in p's answer to a request: the
// log-probabilities or the statement that the request asks for. A model that grades states
// its confidence in the answer that it is given.
func (p *provider) stated(c *oneCall, req *model.LLMRequest) (s stated) {
	if c == nil { // a request of the policy itself
		return s
	}
	of, config := p, cmp.Or(req.Config, &genai.GenerateContentConfig{})
	s.grade = asks(config, cascade.GradeAnswer)
	if s.grade {
		of = p.world.author(req)
	}
	states := s.grade || asks(config, cascade.AskConfidence)
	if !states && !config.ResponseLogprobs {
		return s
	}
	right := source(p.world.seed, "judges "+p.name, c.question).Float64() < float64(p.model.Judges)
	confidence := sure
	if of.wrong(c) == right {
		confidence = unsure
	}
	if config.ResponseLogprobs {
		s.logprobs = math.Log(confidence)
	}
	if states {
		s.text = fmt.Sprintf("\nCONFIDENCE: %v", confidence)
	}
	return s
}

// signature begins each answer of a model, so that a model that grades it knows whose it is.
func signature(name string) string { return "[" + name + "] " }

// author returns the model whose answer a request quotes, the last one if there are several, or
// nil.
func (w *world) author(req *model.LLMRequest) (of *provider) {
	var text strings.Builder
	for _, content := range req.Contents {
		text.WriteString(request.Text(content))
	}
	last := -1
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.providers {
		if at := strings.LastIndex(text.String(), signature(p.name)); at > last {
			of, last = p, at
		}
	}
	return of
}

// asks reports whether the system instruction of a request contains instruction.
func asks(c *genai.GenerateContentConfig, instruction string) bool {
	return c.SystemInstruction != nil && slices.ContainsFunc(c.SystemInstruction.Parts, func(part *genai.Part) bool {
		return part != nil && strings.Contains(part.Text, instruction)
	})
}
