package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"os"
	"slices"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/price"
	"github.com/adk-fallback/adk-fallback/internal/standin"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/anthropic"
)

// maxPolicy is how much of a file is read, in bytes; more than package policy
// takes, so that the file's length is its to report.
const maxPolicy = 1 << 20

// readPolicy reads and checks a policy file, and builds it once with stand-ins
// for its models: no key, no network. handedIn names the models that the
// application hands in; nil means that it is not known which.
//
// The policy is nil if one of the problems is an error. The error is about the
// file itself, which could not be read.
func readPolicy(file string, handedIn []string) (*spec.Policy, []spec.Problem, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxPolicy))
	if err != nil {
		return nil, nil, err
	}
	known := spec.Known{Price: func(id string) bool { _, ok := price.Of(id); return ok }, Build: true}
	if handedIn != nil {
		known.Model = func(name string) bool { return slices.Contains(handedIn, name) }
	}
	p, err := known.Parse(data)
	if err != nil {
		return nil, problemsOf(err), nil
	}
	problems := spec.Check(p, known)
	live, err := build(p, func(name string) model.LLM { return &standIn{name: name} })
	if err != nil {
		problems = merge(problems, problemsOf(err))
	} else if err := live.Close(); err != nil {
		return nil, nil, err
	}
	if hasErrors(problems) {
		return nil, problems, nil
	}
	return p, problems, nil
}

// build builds p with models made by standIn, and logs nothing.
func build(p *spec.Policy, standIn func(name string) model.LLM) (*policy.Live, error) {
	models := policy.Models{}
	for _, name := range modelNames(p) {
		models[name] = standin.Model{LLM: standIn(name)}
	}
	validators := policy.Validators{}
	if p.Validate != nil && p.Validate.Function != "" {
		validators[p.Validate.Function] = func(context.Context, *model.LLMRequest, *model.LLMResponse) error { return nil }
	}
	return policy.NewLive(context.Background(), p, models, validators, anthropic.Provider, policy.WithLogger(slog.New(slog.DiscardHandler)))
}

// modelNames returns the name of each model of p, as the file has it.
func modelNames(p *spec.Policy) []string {
	names := []string{p.Primary}
	for _, e := range p.Fallbacks {
		names = append(names, e.Name)
	}
	for _, e := range p.Experiments {
		for _, arm := range e.Arms {
			names = append(names, arm.Model)
		}
	}
	return names
}

// problemsOf returns what an error of package policy says of a file.
func problemsOf(err error) []spec.Problem {
	if bad, ok := errors.AsType[*spec.Error](err); ok {
		return bad.Problems
	}
	return []spec.Problem{{Message: err.Error(), Severity: spec.SeverityError}}
}

// merge adds the errors among more that problems does not have, in the order of
// the file.
func merge(problems, more []spec.Problem) []spec.Problem {
	for _, p := range more {
		if p.Severity == spec.SeverityError && !slices.Contains(problems, p) {
			problems = append(problems, p)
		}
	}
	slices.SortStableFunc(problems, func(a, b spec.Problem) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	return problems
}

func hasErrors(problems []spec.Problem) bool {
	return slices.ContainsFunc(problems, func(p spec.Problem) bool { return p.Severity == spec.SeverityError })
}

// standIn takes a model's place: it fails with err, or answers.
type standIn struct {
	name    string
	err     error
	answers func() // told of each answer; nil for nobody
}

// Name implements model.LLM.
func (s *standIn) Name() string { return s.name }

// GenerateContent implements model.LLM.
func (s *standIn) GenerateContent(context.Context, *model.LLMRequest, bool) iter.Seq2[*model.LLMResponse, error] {
	return func(yield func(*model.LLMResponse, error) bool) {
		if s.err != nil {
			yield(nil, s.err)
			return
		}
		if s.answers != nil {
			s.answers()
		}
		yield(&model.LLMResponse{Content: genai.NewContentFromText("an answer", genai.RoleModel), FinishReason: genai.FinishReasonStop, TurnComplete: true}, nil)
	}
}

// printProblems writes a line for each problem, in the form that editors follow:
// file:line:column: …
func printProblems(out io.Writer, file string, problems []spec.Problem) error {
	for _, p := range problems {
		if _, err := fmt.Fprintf(out, "%s:%s\n", file, p); err != nil {
			return err
		}
	}
	return nil
}
