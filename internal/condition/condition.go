package condition

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"cel.dev/cel-go/checker"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
)

// A Condition is a compiled expression. It is immutable and safe for concurrent use.
type Condition struct {
	src       string
	program   program
	names     map[string]bool
	latencies []time.Duration
	constant  bool
	value     bool // of a constant
	doubts    []string
}

// Compile parses, checks and plans src, which may have up to MaxSource bytes of UTF-8. The error is of type Errors and has
// every mistake, except those after a syntax error.
func Compile(src string) (*Condition, error) {
	if err := checkText(src); err != nil {
		return nil, Errors{err}
	}
	env, err := environment()
	if err != nil {
		return nil, fmt.Errorf("condition: building the CEL environment: %w", err)
	}
	text := expand(src)
	checked, facts, errs := check(env, text)
	if len(errs) > 0 {
		return nil, sorted(errs)
	}
	planned, err := env.plan(checked)
	if err != nil {
		return nil, Errors{{Message: "condition cannot be evaluated: " + err.Error()}}
	}
	c := &Condition{src: src, program: planned, names: facts.names, latencies: facts.latencies(), doubts: doubts(checked)}
	if c.constant = len(c.names) == 0; c.constant {
		if c.value, err = c.Eval(&Vars{}); err != nil {
			return nil, Errors{{Message: fmt.Sprintf("condition is neither true nor false: %v", errors.Unwrap(err))}}
		}
	}
	return c, nil
}

// check parses and type-checks a text, and returns all its mistakes, including those of expand.
func check(env *celEnv, text *expansion) (*ast.AST, facts, Errors) {
	parsed, issues := env.parser.Parse(text.source)
	if wrong := issues.GetErrors(); len(wrong) > 0 {
		return nil, facts{}, append(text.errs, explainSyntax(text, wrong)...)
	}
	facts, errs := inspect(text, parsed)
	errs = append(errs, text.errs...)
	checked, issues := checker.Check(parsed, text.source, env.checker)
	if wrong := issues.GetErrors(); len(wrong) > 0 {
		return nil, facts, append(errs, explainTypes(text, parsed, wrong)...)
	}
	if text.guessed {
		return checked, facts, errs
	}
	if wrong := append(mixed(text, checked), unknownKinds(text, checked)...); len(wrong) > 0 {
		return nil, facts, append(errs, wrong...)
	}
	if t := checked.GetType(checked.Expr().ID()); !t.IsExactType(types.BoolType) {
		errs = append(errs, &Error{Message: "condition is of type " + checker.FormatCELType(t) + "; it must be a bool, such as latency > 3s"})
	}
	return checked, facts, errs
}

// Eval evaluates the condition for v, which must not be nil and is not changed. It takes a few hundred nanoseconds.
//
// It returns false and an error if there is no result for v: an int overflowed, or was divided by zero.
func (c *Condition) Eval(v *Vars) (bool, error) {
	out, err := c.program.eval((*activation)(v))
	if err != nil {
		return false, fmt.Errorf("condition: %w", err)
	}
	answer, ok := out.(types.Bool)
	if !ok {
		return false, fmt.Errorf("condition: the value is of type %s; it must be a bool", out.Type())
	}
	return bool(answer), nil
}

// Certain returns the result for v if the names in known decide it; ok is false if the other names may change it. It does
// not try their values, so ok may be false although the result is the same for all of them.
func (c *Condition) Certain(v *Vars, known ...string) (answer, ok bool) {
	out, err := c.program.eval(&partly{(*activation)(v), known})
	if err != nil {
		return false, false
	}
	value, ok := out.(types.Bool)
	return bool(value), ok
}

// Latencies returns the positive durations in a condition on latency or ttft, sorted and without duplicates. While only
// these two names change, the result can change only at such a moment or just after it: latency > 3s is false at 3s and
// true a nanosecond later. The caller must not change the slice.
func (c *Condition) Latencies() []time.Duration { return c.latencies }

// Uses reports whether the condition uses a name of Names.
func (c *Condition) Uses(name string) bool { return c.names[name] }

// HoldsBack reports whether the condition can reject an answer without an error. The answer must be held back until it is
// complete.
func (c *Condition) HoldsBack() bool {
	return c.Uses("confidence") || c.Uses("empty") || c.Uses("finish_reason")
}

// Doubts returns warnings about parts that may not have the intended effect. The caller must not change the slice.
func (c *Condition) Doubts() []string { return c.doubts }

// Constant returns the result of a condition without names, such as "true"; ok is false for all others.
func (c *Condition) Constant() (value, ok bool) { return c.value, c.constant }

// String returns the source.
func (c *Condition) String() string { return c.src }

// checkText returns an error for a text that is too long or not UTF-8.
func checkText(src string) *Error {
	if len(src) > MaxSource {
		return &Error{Offset: MaxSource, Message: fmt.Sprintf("condition has %d bytes; it must have at most %d", len(src), MaxSource)}
	}
	for i, r := range src {
		if _, n := utf8.DecodeRuneInString(src[i:]); r == utf8.RuneError && n == 1 {
			return &Error{Offset: i, Message: "byte " + strconv.Quote(src[i:i+1]) + " is not UTF-8"}
		}
	}
	return nil
}

func sorted(errs Errors) Errors {
	slices.SortStableFunc(errs, func(a, b *Error) int { return cmp.Compare(a.Offset, b.Offset) })
	return slices.CompactFunc(errs, func(a, b *Error) bool { return *a == *b })
}
