package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"text/tabwriter"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// foresight is what a policy would do when its primary fails.
//
// Who is asked next is found by asking: the policy is built with a stand-in that
// fails in the primary's place and others that answer, so that conditions, guards
// and errors.codes are judged by what judges them in an application. The call is
// nobody's (no tenant, no session) and a few words long, it fails at once, and
// the cache is empty. Rollouts of flags are taken to be complete, and experiments
// to draw the control.
type foresight struct {
	File    string      `json:"file"`
	Primary string      `json:"primary"`
	Retry   retryPlan   `json:"retry"`
	Breaker breakerPlan `json:"breaker"`
	// Skipped are the entries before Next, in order.
	Skipped []skipped `json:"skipped"`
	// Next is who is asked after the retries; "" for nobody.
	Next string `json:"next"`
	// Condition is that of Next.
	Condition string `json:"condition"`
	// Because says why nobody is asked.
	Because string `json:"because"`
}

// skipped is an entry that is not asked.
type skipped struct {
	Name    string `json:"name"`
	Because string `json:"because"`
}

// foresee asks a policy what it does with a verdict on its primary.
func foresee(file string, v failure.Verdict) (*foresight, error) {
	p, problems, err := readPolicy(file, nil)
	if err != nil {
		return nil, fmt.Errorf("explain: --policy: %w", err)
	}
	if p == nil {
		return nil, fmt.Errorf("explain: --policy: %w", &spec.Error{Problems: problems, File: file})
	}
	f := &foresight{File: file, Primary: p.Primary, Retry: planRetries(p, v)}
	if f.Breaker, err = planBreaker(p.CircuitBreaker, v); err == nil {
		err = f.play(p, v)
	}
	if err != nil {
		return nil, fmt.Errorf("explain: --policy: %s: %w", file, err)
	}
	return f, nil
}

// play finds out who is asked after the primary.
func (f *foresight) play(p *spec.Policy, v failure.Verdict) error {
	certain := withoutChance(p)
	var mu sync.Mutex
	answered := ""
	live, err := build(certain, func(name string) model.LLM {
		if name == p.Primary {
			return &standIn{name: name, err: v.Err()}
		}
		return &standIn{name: name, answers: func() {
			mu.Lock()
			defer mu.Unlock()
			answered = name
		}}
	})
	if err != nil {
		return err
	}
	defer live.Close()
	resp, err := ask(live.Model())
	f.skipped(p, resp, err)
	switch failed, ok := errors.AsType[*stream.AttemptError](err); {
	case err == nil:
		md, _ := call.ReadResponse(resp)
		mu.Lock()
		defer mu.Unlock()
		f.answers(p, answered, md.Degraded)
	case ok && failed.Means.Action == failure.Fail:
		f.Because = failed.Means.Reason
	default:
		f.Because = "no entry is left"
	}
	return nil
}

// withoutChance returns p with one attempt at each target, complete rollouts, and
// the control for all in its experiments: rules and flags may name the other arms.
func withoutChance(p *spec.Policy) *spec.Policy {
	certain := *p
	certain.Retry, certain.Flags, certain.Experiments = nil, maps.Clone(p.Flags), maps.Clone(p.Experiments)
	for name, flag := range certain.Flags {
		flag.Rollout = 1
		certain.Flags[name] = flag
	}
	for id, e := range certain.Experiments {
		e.Arms = slices.Clone(e.Arms)
		for i := range e.Arms {
			e.Arms[i].Share = 0
		}
		e.Arms[0].Share = 1
		certain.Experiments[id] = e
	}
	return &certain
}

// answers notes who has answered in the primary's place: a model, or an answer of
// last resort.
func (f *foresight) answers(p *spec.Policy, model, degraded string) {
	for _, e := range p.Fallbacks {
		if e.Name == model || model == "" && (e.Name == degraded || p.Resolve(e.Name).Model == degraded) {
			f.Next, f.Condition = e.Name, e.Condition.String()
			return
		}
	}
}

// skipped notes which entries were not asked, and why, from what is written into
// an answer or an error.
func (f *foresight) skipped(p *spec.Policy, resp *model.LLMResponse, err error) {
	f.Skipped = []skipped{}
	note := func(name, because string) {
		for _, e := range p.Fallbacks {
			if p.Resolve(e.Name).Model == p.Resolve(name).Model {
				name = e.Name
			}
		}
		f.Skipped = append(f.Skipped, skipped{name, because})
	}
	md, _ := call.ReadResponse(resp)
	for _, a := range md.Attempts {
		if a.Outcome == call.Skipped {
			note(a.Model, a.Reason)
		}
	}
	for _, refused := range refusals(err) {
		note(refused.Model, refused.Reason)
	}
}

// refusals returns the refusals in an error, in order.
func refusals(err error) []*middleware.RefusedError {
	switch err := err.(type) {
	case *middleware.RefusedError:
		return []*middleware.RefusedError{err}
	case interface{ Unwrap() []error }:
		var all []*middleware.RefusedError
		for _, cause := range err.Unwrap() {
			all = append(all, refusals(cause)...)
		}
		return all
	}
	return nil
}

// ask makes a call that is nobody's.
func ask(m model.LLM) (last *model.LLMResponse, err error) {
	req := &model.LLMRequest{Contents: []*genai.Content{genai.NewContentFromText("a question", genai.RoleUser)}}
	for last, err = range m.GenerateContent(context.Background(), req, false) {
		if err != nil {
			return nil, err
		}
	}
	return last, nil
}

func (f *foresight) print(out io.Writer, v failure.Verdict) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	line := func(name, value string) { fmt.Fprintf(w, "%s\t%s\n", name, value) }
	fmt.Fprintf(out, "\nin %s, at %s\n", f.File, f.Primary)
	line("retry", f.Retry.String())
	line("breaker", f.Breaker.String())
	if v.Cooldown > 0 && !f.Breaker.Present {
		line("", fmt.Sprintf("without a breaker nothing heeds the cooldown of %s", positive(v.Cooldown)))
	}
	for _, s := range f.Skipped {
		line("not", s.Name+": "+s.Because)
	}
	if f.Next != "" {
		line("next", fmt.Sprintf("%s: condition %q is true", f.Next, f.Condition))
	} else {
		line("next", "nobody, the caller gets the error: "+f.Because)
	}
	return w.Flush()
}
