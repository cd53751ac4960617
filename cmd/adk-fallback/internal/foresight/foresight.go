// Package foresight finds out what a policy would do with a failure of its primary:
// retries, the breaker, and the target that is called next.
//
//	ahead, err := foresight.Of(p, "fallback.yaml", failure.Classify(err))
package foresight

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"text/tabwriter"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/cmd/adk-fallback/internal/picture"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// Foresight is what a policy would do when its primary fails.
//
// The next target is found by a call: the policy is built with a stand-in that
// fails in the primary's place and others that answer, so the same code judges
// conditions, guards and errors.codes as in an application. The call has no tenant
// and no session and is a few words long, it fails at once, and the cache is empty.
// Rollouts of flags count as complete, and experiments draw the control.
type Foresight struct {
	File    string  `json:"file"`
	Primary string  `json:"primary"`
	Retry   Retry   `json:"retry"`
	Breaker Breaker `json:"breaker"`
	// Skipped are the entries before Next that are skipped, in order.
	Skipped []Skipped `json:"skipped"`
	// Cheap is the model of section cascade, which is called before the primary; "" for
	// none.
	Cheap string `json:"cheap,omitempty"`
	// Next is the target that is called after the retries; "" for none. It is Cheap if the
	// cheap model's rejected answer is returned.
	Next string `json:"next"`
	// Condition is that of Next; "" for Cheap.
	Condition string `json:"condition"`
	// Because says why there is no Next.
	Because string `json:"because"`

	cooldown time.Duration // of the verdict
}

// Skipped is an entry that is not called.
type Skipped struct {
	Name    string `json:"name"`
	Because string `json:"because"`
}

// Of returns what the policy p, which has no errors and is read from file, would do
// with the verdict v on its primary. It needs no keys and makes no network calls.
func Of(p *spec.Policy, file string, v failure.Verdict) (*Foresight, error) {
	f := &Foresight{File: file, Primary: p.Primary, Retry: planRetries(p, v), cooldown: v.Cooldown}
	if p.Cascade != nil {
		f.Cheap = p.Cascade.Model
	}
	var err error
	if f.Breaker, err = planBreaker(p.CircuitBreaker, v); err == nil {
		err = f.play(p, v)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	f.redact(p.Redact)
	return f, nil
}

// redact removes what looks like a key from all that f repeats of the file.
func (f *Foresight) redact(by func(string) string) {
	f.Primary, f.Cheap, f.Next, f.Condition, f.Because = by(f.Primary), by(f.Cheap), by(f.Next), by(f.Condition), by(f.Because)
	for i, s := range f.Skipped {
		f.Skipped[i] = Skipped{by(s.Name), by(s.Because)}
	}
}

// play finds out which target is called after the primary.
func (f *Foresight) play(p *spec.Policy, v failure.Verdict) error {
	certain := withoutChance(p)
	var mu sync.Mutex
	answered := ""
	live, err := Build(certain, func(name string) model.LLM {
		if name == p.Primary {
			return &StandIn{Model: name, Err: v.Err()}
		}
		return &StandIn{Model: name, Answered: func() {
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
	case f.Cheap != "" && len(p.Fallbacks) == 0:
		f.Next = f.Cheap
	default:
		f.Because = "no target is left"
	}
	return nil
}

// withoutChance returns p with one attempt at each target, complete rollouts, and
// the control for all in its experiments: rules and flags may name the other arms. It has no
// cascade, because a Foresight is about the time after the primary has failed.
func withoutChance(p *spec.Policy) *spec.Policy {
	certain := *p
	certain.Cascade, certain.Retry, certain.Flags, certain.Experiments = nil, nil, maps.Clone(p.Flags), maps.Clone(p.Experiments)
	certain.WarmStandby = nil // its small requests are no part of the call
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

// answers notes which target answered: a model, or a last resort.
func (f *Foresight) answers(p *spec.Policy, model, degraded string) {
	for _, e := range p.Fallbacks {
		if e.Name == model || model == "" && (e.Name == degraded || p.Resolve(e.Name).Model == degraded) {
			f.Next, f.Condition = e.Name, e.Condition.String()
			return
		}
	}
}

// skipped notes which entries were skipped, and why, from the record in the answer
// or the error.
func (f *Foresight) skipped(p *spec.Policy, resp *model.LLMResponse, err error) {
	f.Skipped = []Skipped{}
	note := func(name, because string) {
		for _, e := range p.Fallbacks {
			if p.Resolve(e.Name).Model == p.Resolve(name).Model {
				name = e.Name
			}
		}
		f.Skipped = append(f.Skipped, Skipped{name, because})
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

// ask makes a call without a tenant or a session.
func ask(m model.LLM) (last *model.LLMResponse, err error) {
	req := &model.LLMRequest{Contents: []*genai.Content{genai.NewContentFromText("a question", genai.RoleUser)}}
	for last, err = range m.GenerateContent(context.Background(), req, false) {
		if err != nil {
			return nil, err
		}
	}
	return last, nil
}

// Print writes f as text.
func (f *Foresight) Print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	line := func(name, value string) { fmt.Fprintf(w, "%s\t%s\n", name, value) }
	fmt.Fprintf(out, "\nin %s, at %s\n", f.File, f.Primary)
	if f.Cheap != "" {
		line("cascade", f.Cheap+" is called first; "+f.Primary+" only if its answer is rejected or it fails")
	}
	line("retry", f.Retry.String())
	line("breaker", f.Breaker.String())
	if f.cooldown > 0 && !f.Breaker.Present {
		line("", fmt.Sprintf("the cooldown of %s has no effect without a breaker; add circuit_breaker", picture.Short(f.cooldown)))
	}
	for _, s := range f.Skipped {
		line("skipped", s.Name+": "+s.Because)
	}
	switch {
	case f.Next != "" && f.Next == f.Cheap && f.Condition == "":
		line("next", f.Next+": its rejected answer, if it has one, is returned and marked as degraded")
	case f.Next != "":
		line("next", fmt.Sprintf("%s: condition %q is true", f.Next, f.Condition))
	default:
		line("next", "none; the call fails: "+f.Because)
	}
	return w.Flush()
}
