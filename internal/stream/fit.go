package stream

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/clone"
	"github.com/adk-fallback/adk-fallback/internal/foreign"
	"github.com/adk-fallback/adk-fallback/internal/panics"
	"github.com/adk-fallback/adk-fallback/internal/price"
	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
)

// TargetOf returns the description of the model behind m, by a layer of this module or
// by m itself. It is empty for a group of models.
func TargetOf(m model.LLM) provider.Target {
	if d, ok := Bare(m).(provider.Described); ok {
		return d.Target()
	}
	if _, ok := Bare(m).(Layer); ok {
		return provider.Target{}
	}
	return foreign.Target(m)
}

// resolved is a target, overridden by a manual description, resolved by the tables.
type resolved struct {
	described *provider.Target
	target    provider.Target
	price     *price.Price // nil if it is not known
}

// resolve returns the target, overridden by described, which may be nil. chosen names
// another model of the same client; "" for none.
func (s *Source) resolve(described *provider.Target, chosen string) *resolved {
	if r := s.fits.Load(); r != nil && r.described == described && chosen == "" {
		return r
	}
	target := s.target
	if described != nil {
		target = described.Over(target)
	}
	r := &resolved{described: described, price: s.options.Price}
	if chosen != "" {
		target.Model, r.price = chosen, nil
	}
	r.target = target.Resolved()
	if r.price == nil {
		if listed, ok := price.Of(cmp.Or(r.target.Model, s.name)); ok {
			r.price = &listed
		}
	}
	if chosen == "" {
		s.fits.Store(r)
	}
	return r
}

// prepare makes the attempt's own copy of req in the form that the model accepts.
// The error is a refusal, or a failure that has been recorded.
func (a *attempt) prepare(ctx context.Context, req *model.LLMRequest, target *provider.Target) (err error) {
	s, out := a.source, a.out
	defer func() {
		if r := recover(); r != nil {
			failed := newAttemptError(ctx, a.name, fmt.Errorf("fallback: preparing the request for model %q panicked: %s", a.name, panics.Text(r)))
			out.began(time.Now(), nil, nil)
			out.recordFailure(failed, out.Wait, 0, 0)
			err = failed
		}
	}()
	own := clone.Request(req)
	own.Model = a.name
	fields, foreign := request.TakeFields(own, protocolOf(target))
	var adapted []string
	if out.Root != "" && out.Root != a.name {
		request.Adapt(own.Contents, "", true)
		adapted = withoutRootsOwn(own)
		if a.mending.plain {
			fields, foreign = nil, true
		}
		a.carried = fields
	}
	if fields != nil {
		request.AddFields(own, fields)
	}
	if foreign {
		adapted = append(adapted, "extra_body")
	}
	if s.options.Prepare != nil {
		s.options.Prepare(own)
	}
	withoutRetries(own)
	a.repaired = s.lessons.Apply(ctx, own, a.mending.repairs...)
	adapted = append(adapted, a.repaired...)
	fitted, err := target.Fit(own)
	if err != nil {
		return &RefusedError{By: "fit", Model: a.name, Reason: err.Error()}
	}
	a.req, a.answer = own, fitted.Answer
	out.Notes.Adapted = strings.Join(append(adapted, fitted.Adapted...), "\n")
	return nil
}

// protocolOf returns the protocol of a target whose own fields a request can carry; "" for
// none.
func protocolOf(target *provider.Target) request.Protocol {
	switch target.API {
	case provider.Chat:
		return request.Chat
	case provider.Responses:
		return request.Responses
	case provider.Anthropic:
		return request.Messages
	case provider.Gemini, provider.Vertex:
		return request.Gemini
	}
	return ""
}

// withoutRootsOwn removes from a copy the fields that the agent set for the API of
// its own model: extra fields of the body, and the address of the request.
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

// withoutRetries disables, in a copy, the retries of genai's client: no layer would
// count them.
func withoutRetries(own *model.LLMRequest) {
	if own.Config != nil && own.Config.HTTPOptions != nil {
		own.Config.HTTPOptions.RetryOptions = nil
	}
}
