package policy

import (
	"context"
	"regexp"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// Validators are functions of the application that judge answers, by the names that
// validate.function uses. Each returns nil, or an error if an answer is not accepted; see
// [middleware.ValidateConfig].
type Validators map[string]func(ctx context.Context, req *model.LLMRequest, resp *model.LLMResponse) error

// Option implements [Option].
func (v Validators) Option() any { return v }

func (o *options) hasValidator(name string) bool { return o.validators[name] != nil }

// validate returns the layer that judges answers, nil for none.
func (b *builder) validate(s *settings) (middleware.Middleware, error) {
	if s.Validate == nil {
		return nil, nil
	}
	config, err := b.validateConfig(s.Validate)
	if err != nil {
		return nil, err
	}
	return middleware.NewValidate(config)
}

// validateConfig returns the rules for answers in the form of package middleware.
func (b *builder) validateConfig(v *spec.Validate) (middleware.ValidateConfig, error) {
	config := middleware.ValidateConfig{SkipSchema: !v.Schema, MinLength: v.MinLength, Func: b.options.validators[v.Function]}
	if v.Pattern != "" {
		pattern, err := regexp.Compile(v.Pattern)
		if err != nil {
			return middleware.ValidateConfig{}, err
		}
		config.Pattern = pattern
	}
	return config, nil
}
