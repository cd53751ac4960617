package policy

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/follow"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/internal/tree"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// ErrNoCompliantTarget is wrapped by the error of a call if section compliance allows no target
// for the request. The call's error also wraps the error of each target.
var ErrNoCompliantTarget = tree.ErrNoCompliantTarget

// Load builds a model from a policy file, which must be a regular file. It reads the file
// once; see [Watch]. ctx applies to building the clients of providers, not to the model.
//
// The model's Name is the provider's name of the primary, by which ADK decides what a
// request may contain. The model has the same optional ADK methods as the primary. It is
// safe for concurrent use.
//
// With section state, the connection to its server lasts as long as the process; [Live] has
// a Close.
//
// If the file has mistakes, the error is a [*spec.Error] with line and column of each.
// Warnings are logged.
func Load(ctx context.Context, file string, opts ...Option) (model.LLM, error) {
	l, _, err := liveOf(ctx, file, opts)
	if err != nil {
		return nil, err
	}
	return l.Model(), nil
}

// liveOf builds the model of a file, and also returns the file's content.
func liveOf(ctx context.Context, file string, opts []Option) (*Live, []byte, error) {
	o, err := optionsOf(opts)
	if err != nil {
		return nil, nil, err
	}
	data, err := readFile(file)
	if err != nil {
		return nil, nil, err
	}
	p, err := o.Known().Parse(data)
	if err != nil {
		return nil, nil, inFile(file, err)
	}
	l, err := newLive(ctx, p, o, file)
	return l, data, inFile(file, err)
}

// inFile adds the file's name to an error about its content.
func inFile(file string, err error) error {
	if e, ok := errors.AsType[*spec.Error](err); ok {
		e.File = file
	}
	return err
}

// Build is like [Load] for a parsed policy.
func Build(ctx context.Context, p *spec.Policy, opts ...Option) (model.LLM, error) {
	l, err := NewLive(ctx, p, opts...)
	if err != nil {
		return nil, err
	}
	return l.Model(), nil
}

// readFile reads a policy file. It must be a regular file. Of a file that is too large, it
// returns one byte more than allowed, so that Parse reports it.
func readFile(name string) ([]byte, error) {
	data, err := follow.Read(name, spec.MaxFile)
	if err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	return data, nil
}
