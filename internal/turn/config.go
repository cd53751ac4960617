package turn

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/nilcheck"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// Default bounds of the state kept.
const (
	DefaultMaxTurns = 100
	DefaultPruneTo  = 50
)

// defaultCodes are a provider's quota and timeout, which another model most likely does
// not share.
var defaultCodes = []any{429, 504}

// Config is the configuration of both plugins; package fallback documents it.
type Config struct {
	RootModel      string
	FallbackModel  string
	FallbackModels []string
	ErrorCodes     []any
	Recover        model.LLM
	MaxTurns       int
	PruneTo        int
	Logger         *slog.Logger
	call.Hooks
}

// check fills in the defaults and returns the parsed error codes, or an error
// that names every wrong field.
func (c *Config) check() (codes []code, err error) {
	var p problems
	c.checkNames(&p)
	codes = parseCodes(c.ErrorCodes, &p)
	if c.Recover != nil {
		if nilcheck.Model(c.Recover) {
			p.report("Recover", "a nil %T; must be a model, or no value at all", c.Recover)
		} else if nameOf(c.Recover) == "" {
			p.report("Recover", "a %T without a name; must be a model whose Name is not empty", c.Recover)
		}
	}
	if c.MaxTurns < 0 {
		p.report("MaxTurns", "%d is negative; must be 0 for %d, or the number of turns to track", c.MaxTurns, DefaultMaxTurns)
	}
	if c.MaxTurns == 0 {
		c.MaxTurns = DefaultMaxTurns
	}
	if c.PruneTo < 0 || c.MaxTurns > 0 && c.PruneTo > c.MaxTurns {
		p.report("PruneTo", "%d is out of range; must be 0 for half of MaxTurns, or 1 to MaxTurns (%d)", c.PruneTo, c.MaxTurns)
	}
	if c.PruneTo == 0 {
		c.PruneTo = max(c.MaxTurns/2, 1)
	}
	return codes, errors.Join(p...)
}

// problems collects what is wrong with a Config.
type problems []error

func (p *problems) report(field, format string, args ...any) {
	*p = append(*p, fmt.Errorf("fallback: Config."+field+": "+format, args...))
}

// checkNames checks every model name, and that each is unique.
func (c *Config) checkNames(p *problems) {
	fields := []struct{ field, name string }{{"RootModel", c.RootModel}, {"FallbackModel", c.FallbackModel}}
	for i, name := range c.FallbackModels {
		fields = append(fields, struct{ field, name string }{fmt.Sprintf("FallbackModels[%d]", i), name})
	}
	first := map[string]string{}
	for i, f := range fields {
		switch {
		case f.name == "" && i < 2: // not set
		case f.name == "" || f.name != strings.TrimSpace(f.name):
			p.report(f.field, "%q is not a model name; must be a name without surrounding space", f.name)
		case !call.Fits(f.name):
			p.report(f.field, "a name of %d bytes does not fit the metadata; must be at most %d bytes, as JSON", len(f.name), call.MaxNameBytes)
		case first[f.name] != "":
			p.report(f.field, "%q is already Config.%s; list each model once", f.name, first[f.name])
		default:
			first[f.name] = f.field
		}
	}
}

// chain returns the fallback models in order.
func (c *Config) chain() []string {
	if c.FallbackModel == "" {
		return slices.Clone(c.FallbackModels)
	}
	return append([]string{c.FallbackModel}, c.FallbackModels...)
}

// nameOf returns m's name, or "" if Name panics, as in a struct around a nil model.
func nameOf(m model.LLM) (name string) {
	defer func() {
		if recover() != nil {
			name = ""
		}
	}()
	return m.Name()
}
