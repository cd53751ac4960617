package provider

import (
	"cmp"
	"context"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/capture"
)

// Over returns t with its unset fields taken from base, so that a description by
// hand overrides the model's own.
func (t Target) Over(base Target) Target {
	return Target{
		API: cmp.Or(t.API, base.API), Model: cmp.Or(t.Model, base.Model), Endpoint: cmp.Or(t.Endpoint, base.Endpoint),
		Takes: base.Takes.over(t.Takes), Drop: t.Drop || base.Drop,
	}
}

// Resolved returns t with the tables looked up in advance. Otherwise [Target.Fit]
// looks them up for each request.
func (t Target) Resolved() Target {
	accepts := t.Accepts()
	t.accepts = &accepts
	return t
}

// Prepare is [Target.Fit] for the implementation of a model. The engine of this
// module has already fitted the requests that it makes; Prepare fits those of
// other callers. It returns the request to send and the conversion of answers,
// see [Fitted]. It does not change req. If req names a model, that name overrides t's.
func (t Target) Prepare(ctx context.Context, req *model.LLMRequest) (own *model.LLMRequest, answer func(*model.LLMResponse) *model.LLMResponse, err error) {
	answer = func(resp *model.LLMResponse) *model.LLMResponse { return resp }
	if capture.Fitted(ctx) {
		return req, answer, nil
	}
	if req.Model != "" {
		t.Model, t.accepts = req.Model, nil
	}
	shallow := *req
	fitted, err := t.Fit(&shallow)
	if fitted.Answer != nil {
		answer = fitted.Answer
	}
	return &shallow, answer, err
}
