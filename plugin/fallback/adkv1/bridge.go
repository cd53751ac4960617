package adkv1

import (
	"context"
	"iter"
	"reflect"

	"google.golang.org/adk/model"
	modelv2 "google.golang.org/adk/v2/model"
	"google.golang.org/genai"
)

// FromV2 makes a v2 model, such as the building blocks of this module, a v1
// model. Requests and responses are the same values on both sides, not copies.
// What v1's context knows of the caller is handed on: a call.Info, and the state
// of the session.
//
// GetGoogleLLMVariant and Client, which ADK asks a model for, are there exactly
// when m has them. FromV2 of a model that came from [ToV2] gives back the
// original; of a nil model, a nil one.
func FromV2(m modelv2.LLM) model.LLM {
	if m == nil {
		return nil
	}
	if isNil(m) {
		return (*fromV2)(nil)
	}
	if wrapper, ok := m.(interface{ unwrapV1() model.LLM }); ok {
		return wrapper.unwrapV1()
	}
	base := &fromV2{m}
	v, hasVariant := m.(variant)
	c, hasClient := m.(client)
	switch {
	case hasVariant && hasClient:
		return struct {
			*fromV2
			variant
			client
		}{base, v, c}
	case hasVariant:
		return struct {
			*fromV2
			variant
		}{base, v}
	case hasClient:
		return struct {
			*fromV2
			client
		}{base, c}
	}
	return base
}

// ToV2 makes a v1 model a v2 model; see [FromV2].
func ToV2(m model.LLM) modelv2.LLM {
	if m == nil {
		return nil
	}
	if isNil(m) {
		return (*toV2)(nil)
	}
	if wrapper, ok := m.(interface{ unwrapV2() modelv2.LLM }); ok {
		return wrapper.unwrapV2()
	}
	base := &toV2{m}
	v, hasVariant := m.(variant)
	c, hasClient := m.(client)
	switch {
	case hasVariant && hasClient:
		return struct {
			*toV2
			variant
			client
		}{base, v, c}
	case hasVariant:
		return struct {
			*toV2
			variant
		}{base, v}
	case hasClient:
		return struct {
			*toV2
			client
		}{base, c}
	}
	return base
}

// Optional methods that ADK asks a model for.
type (
	variant interface{ GetGoogleLLMVariant() genai.Backend }
	client  interface{ Client() *genai.Client }
)

type fromV2 struct{ inner modelv2.LLM }

func (m *fromV2) Name() string { return m.inner.Name() }

func (m *fromV2) unwrapV2() modelv2.LLM { return m.inner }

func (m *fromV2) GenerateContent(ctx context.Context, req *model.LLMRequest, stream bool) iter.Seq2[*model.LLMResponse, error] {
	responses := m.inner.GenerateContent(completed(ctx), (*modelv2.LLMRequest)(req), stream)
	return func(yield func(*model.LLMResponse, error) bool) {
		for resp, err := range responses {
			if !yield((*model.LLMResponse)(resp), err) {
				return
			}
		}
	}
}

type toV2 struct{ inner model.LLM }

func (m *toV2) Name() string { return m.inner.Name() }

func (m *toV2) unwrapV1() model.LLM { return m.inner }

func (m *toV2) GenerateContent(ctx context.Context, req *modelv2.LLMRequest, stream bool) iter.Seq2[*modelv2.LLMResponse, error] {
	responses := m.inner.GenerateContent(ctx, (*model.LLMRequest)(req), stream)
	return func(yield func(*modelv2.LLMResponse, error) bool) {
		for resp, err := range responses {
			if !yield((*modelv2.LLMResponse)(resp), err) {
				return
			}
		}
	}
}

func isNil(m any) bool {
	v := reflect.ValueOf(m)
	return v.Kind() == reflect.Pointer && v.IsNil()
}
