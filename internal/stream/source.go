package stream

import (
	"cmp"
	"context"
	"iter"
	"log/slog"
	"sync/atomic"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/foreign"
	"github.com/adk-fallback/adk-fallback/internal/lesson"
	"github.com/adk-fallback/adk-fallback/internal/price"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/inspect"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
)

// Options adapt a Source to its model. The zero value fits any.
type Options struct {
	// Name replaces the model's own name, in requests and in records.
	Name string
	// Prepare changes the attempt's copy of the request before it is made to fit
	// the model.
	Prepare func(*model.LLMRequest)
	// Target overrides the model's own description.
	Target provider.Target
	// Price is that of the model; nil means its list price, if there is one.
	Price *price.Price
	// Expect says what the provider always sends. A model with a Google backend is
	// known to send a finish reason.
	Expect failure.Expect
	// Logger gets the repairs that were learnt. Nil means slog.Default().
	Logger *slog.Logger
}

// Source is the innermost layer: it calls a model. Each call is an attempt with its own
// copy of the request, made to fit the model. It ends in a whole answer or a recorded
// error. A false success (cut off, empty, a bad finish reason) and a panic become
// errors here. A refusal of an optional part of the request is repaired; see Do.
type Source struct {
	llm     model.LLM
	name    string
	options Options
	target  provider.Target
	fits    atomic.Pointer[resolved] // the latest, which most calls use
	lessons lesson.Book
}

// NewSource returns the layer that calls m.
func NewSource(m model.LLM, options Options) *Source {
	name := options.Name
	if name == "" {
		name = m.Name()
	}
	if _, ok := m.(variant); ok {
		options.Expect.FinishReason = true
	}
	s := &Source{llm: m, name: name, options: options, target: options.Target.Over(foreign.Target(m))}
	for _, fault := range foreign.Faults(m) {
		s.logger().Warn("fallback: "+fault, "model", name)
	}
	return s
}

// Name implements model.LLM.
func (s *Source) Name() string { return s.name }

// GenerateContent implements model.LLM.
func (s *Source) GenerateContent(ctx context.Context, req *model.LLMRequest, stream bool) iter.Seq2[*model.LLMResponse, error] {
	return Serve(s, ctx, req, stream)
}

// Target implements provider.Described.
func (s *Source) Target() provider.Target { return s.target }

// Inspect returns the node of the model, or the tree of a middleware that has an Inspect.
func (s *Source) Inspect() inspect.Node {
	if i, ok := s.llm.(inspect.Inspector); ok {
		return i.Inspect()
	}
	return inspect.Node{Layer: "model", Name: s.name}
}

// Do implements Layer. It calls the model again, at once, in three cases:
//
//   - The server refuses an optional part of the request. The part is omitted or
//     changed, at most maxRepairs times. Later requests are repaired in advance, unless
//     only a value was refused, or the next attempt shows that the part was not the
//     reason.
//   - A fallback's server refuses a field that the request carries for the protocol.
//     This call omits all such fields.
//   - The model ends a turn with an empty answer after its tools have run. A second
//     such answer is accepted.
func (s *Source) Do(ctx context.Context, req *model.LLMRequest, stream bool, out *Sink) error {
	r := s.resolve(out.Described, out.Chosen)
	a := s.newAttempt(out)
	for {
		err := a.make(ctx, req, stream, r)
		if err == nil {
			return nil
		}
		more, ok := a.mend(ctx, err, &r.target)
		if !ok {
			return err
		}
		a = s.again(out, err)
		a.mending = more
	}
}

// newAttempt starts an attempt.
func (s *Source) newAttempt(out *Sink) *attempt {
	a := out.spareAttempt()
	a.source, a.name, a.out, a.wait = s, cmp.Or(out.Chosen, s.name), out, out.Wait
	out.begin(a.name)
	return a
}

// again starts another attempt, after one that failed with err.
func (s *Source) again(out *Sink, err error) *attempt {
	earlier := append(out.Earlier, Earlier{Usage: out.Usage(), Err: err})
	a := s.newAttempt(out)
	out.Earlier = earlier
	return a
}
