package provider

import (
	"cmp"
	"context"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/capture"
)

// Over returns t with what it leaves open taken from base: a description by
// hand over what a model tells of itself.
func (t Target) Over(base Target) Target {
	return Target{
		API: cmp.Or(t.API, base.API), Model: cmp.Or(t.Model, base.Model), Endpoint: cmp.Or(t.Endpoint, base.Endpoint),
		Takes: base.Takes.over(t.Takes), Drop: t.Drop || base.Drop,
	}
}

// Resolved returns t with the tables looked up, which [Target.Fit] else does
// for each request.
func (t Target) Resolved() Target {
	accepts := t.Accepts()
	t.accepts = &accepts
	return t
}

// Prepare is [Target.Fit] for a model's own implementation, which may be called
// by an engine of this module, that has fitted the request, or directly. It
// returns the request to send and what to make of a final answer; req itself is
// not changed. The model that req names, if any, counts as t's.
func (t Target) Prepare(ctx context.Context, req *model.LLMRequest) (own *model.LLMRequest, final func(*model.LLMResponse) *model.LLMResponse, err error) {
	final = func(resp *model.LLMResponse) *model.LLMResponse { return resp }
	if capture.Fitted(ctx) {
		return req, final, nil
	}
	if req.Model != "" {
		t.Model, t.accepts = req.Model, nil
	}
	shallow := *req
	fitted, err := t.Fit(&shallow)
	if fitted.Answer != nil {
		final = fitted.Answer
	}
	return &shallow, final, err
}
