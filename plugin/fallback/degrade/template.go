package degrade

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"text/template"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/check"
	"github.com/adk-fallback/adk-fallback/internal/phrase"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
)

// Defaults of TemplateConfig.
const (
	DefaultTemplateName = "template-response"
	DefaultText         = "I cannot answer right now. Please try again later."
)

// TemplateConfig says what to answer. The zero value means the defaults above.
type TemplateConfig struct {
	// Name is the model's name, and what "degraded" says. Empty means
	// DefaultTemplateName.
	Name string
	// Text is the answer, a template over [Fields]: "{{.Agent}} cannot answer
	// right now." See [CheckTemplate] for its language. It is the user's only
	// sign that no model has answered, so it must say so, also if all fields are
	// empty. Empty means DefaultText.
	Text string
	// Func makes the answer instead of Text: in the user's language, or as
	// the JSON that the request asks for. If it panics or returns nothing, the
	// model fails. It must be safe for concurrent use and must not change req.
	Func func(ctx context.Context, req *model.LLMRequest) string
}

// Fields are what a template may use: the caller, and nothing of the request's content.
// Fields that are not known are empty.
type Fields struct {
	App, Agent string // as ADK names them
	Tenant     string // as the application names it
	Model      string // the model that the call was meant for, as the request names it
}

// NewTemplate returns a model that always answers at once, unless Func fails. It streams
// the text as one partial response, then the final one. The error names every wrong field.
func NewTemplate(config TemplateConfig) (model.LLM, error) {
	var problems []error
	if config.Func != nil && config.Text != "" {
		problems = append(problems, errors.New("degrade: TemplateConfig.Func and Text are both set; set one of them"))
	}
	text, err := phrase.Parse(cmp.Or(config.Text, DefaultText))
	if err != nil {
		problems = append(problems, textError(err))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	say := config.Func
	if say == nil {
		say = func(ctx context.Context, req *model.LLMRequest) string { return execute(text, ctx, req) }
	}
	return newTemplate(cmp.Or(config.Name, DefaultTemplateName), say), nil
}

// CheckTemplate returns nil if text can be the Text of a [TemplateConfig].
//
// The language is a part of text/template whose execution time is linear in the length of
// the text: text, the [Fields], {{if}} with {{else}}, and the functions and, or, not, eq and
// ne, each of fields and quoted texts.
//
// A text that would be blank with all fields empty is an error, because a last resort
// answers any call. An empty text means DefaultText.
func CheckTemplate(text string) error {
	if _, err := phrase.Parse(cmp.Or(text, DefaultText)); err != nil {
		return textError(err)
	}
	return nil
}

func textError(err error) error { return fmt.Errorf("degrade: TemplateConfig.Text: %w", err) }

// MustTemplate is NewTemplate, but panics on an error.
func MustTemplate(config TemplateConfig) model.LLM { return check.Must(NewTemplate(config)) }

// Template returns a model that answers with text as it stands, without fields;
// see [NewTemplate]. An empty text means DefaultText.
func Template(text string) model.LLM {
	text = cmp.Or(text, DefaultText)
	return newTemplate(DefaultTemplateName, func(context.Context, *model.LLMRequest) string { return text })
}

func newTemplate(name string, say func(context.Context, *model.LLMRequest) string) model.LLM {
	return &lastResort{name: name, find: func(ctx context.Context, req *model.LLMRequest) (*model.LLMResponse, call.Metadata, error) {
		text := say(ctx, req)
		if text == "" {
			return nil, call.Metadata{}, &middleware.RefusedError{By: "template", Model: name, Reason: "it has nothing to say"}
		}
		return placeholder(text), call.Metadata{}, nil
	}}
}

// placeholder returns a response with a text that stands for an answer.
func placeholder(text string) *model.LLMResponse {
	return &model.LLMResponse{
		Content: genai.NewContentFromText(text, genai.RoleModel), FinishReason: genai.FinishReasonStop,
		CustomMetadata: map[string]any{call.KeyUnanswered: true},
	}
}

func execute(text *template.Template, ctx context.Context, req *model.LLMRequest) string {
	info := call.From(ctx)
	var b strings.Builder
	if text.Execute(&b, Fields{App: info.App, Agent: info.Agent, Tenant: info.Tenant, Model: req.Model}) != nil {
		return "" // what CheckTemplate has nothing against does not fail
	}
	return b.String()
}
