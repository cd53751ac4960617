package turn

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// Bounds of the state kept when Config sets none.
const (
	DefaultMaxTurns = 100
	DefaultPruneTo  = 50
)

// defaultCodes are the quota and the timeout of a provider: what another model
// most likely does not share.
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
}

// check fills in the defaults and returns the error codes as text, or an error
// that names every wrong field.
func (c *Config) check() (codes []string, err error) {
	var problems []error
	report := func(field, format string, args ...any) {
		problems = append(problems, fmt.Errorf("fallback: Config."+field+": "+format, args...))
	}

	checkName := func(field, name string) {
		if name == "" || name != strings.TrimSpace(name) {
			report(field, "%q is not a model name; allowed: a name without surrounding space", name)
		}
	}
	if c.RootModel != "" {
		checkName("RootModel", c.RootModel)
	}
	if c.FallbackModel != "" {
		checkName("FallbackModel", c.FallbackModel)
	}
	for i, name := range c.FallbackModels {
		checkName(fmt.Sprintf("FallbackModels[%d]", i), name)
	}
	seen := map[string]string{}
	if c.RootModel != "" {
		seen[c.RootModel] = "RootModel"
	}
	for i, name := range c.chain() {
		field := "FallbackModel"
		if c.FallbackModel == "" {
			field = fmt.Sprintf("FallbackModels[%d]", i)
		} else if i > 0 {
			field = fmt.Sprintf("FallbackModels[%d]", i-1)
		}
		if first, ok := seen[name]; ok && name != "" {
			report(field, "%q is already Config.%s; allowed: each model once", name, first)
			continue
		}
		seen[name] = field
	}

	codes, problems = checkCodes(c.ErrorCodes, problems)
	if c.Recover != nil {
		if isNil(c.Recover) {
			report("Recover", "a nil %T; allowed: a model, or no value at all", c.Recover)
		} else if c.Recover.Name() == "" {
			report("Recover", "a %T without a name; allowed: a model whose Name is not empty", c.Recover)
		}
	}

	if c.MaxTurns < 0 {
		report("MaxTurns", "%d is negative; allowed: 0 for %d, or the number of turns to track", c.MaxTurns, DefaultMaxTurns)
	}
	if c.MaxTurns == 0 {
		c.MaxTurns = DefaultMaxTurns
	}
	if c.PruneTo < 0 || c.MaxTurns > 0 && c.PruneTo > c.MaxTurns {
		report("PruneTo", "%d is out of range; allowed: 0 for half of MaxTurns, or 1 to MaxTurns (%d)", c.PruneTo, c.MaxTurns)
	}
	if c.PruneTo == 0 {
		c.PruneTo = max(c.MaxTurns/2, 1)
	}
	return codes, errors.Join(problems...)
}

// chain returns the fallback models in order.
func (c *Config) chain() []string {
	if c.FallbackModel == "" {
		return slices.Clone(c.FallbackModels)
	}
	return append([]string{c.FallbackModel}, c.FallbackModels...)
}

// checkCodes turns configured codes into text: 429 and "429" mean the same. Nil
// stands for the default, an empty list for none.
func checkCodes(configured []any, problems []error) (codes []string, _ []error) {
	if configured == nil {
		configured = defaultCodes
	}
	for i, code := range configured {
		text := ""
		switch code := code.(type) {
		case string:
			text = strings.TrimSpace(code)
		case int:
			if code > 0 {
				text = strconv.Itoa(code)
			}
		}
		if text == "" {
			problems = append(problems, fmt.Errorf(
				"fallback: Config.ErrorCodes[%d]: %#v is not an error code; allowed: a positive int such as 429, or a string such as %q", i, code, "RESOURCE_EXHAUSTED"))
			continue
		}
		codes = append(codes, text)
	}
	return codes, problems
}

// match returns the configured code that v is about.
func match(codes []string, v failure.Verdict) (code string, ok bool) {
	for _, code := range codes {
		if v.Matches(code) {
			return code, true
		}
	}
	return "", false
}

func isNil(m model.LLM) bool {
	v := reflect.ValueOf(m)
	switch v.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Slice, reflect.Func, reflect.Chan, reflect.Interface:
		return v.IsNil()
	}
	return false
}
