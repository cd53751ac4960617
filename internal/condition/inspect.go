package condition

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"cel.dev/cel-go/checker"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
)

// facts has what a condition uses, from its syntax tree.
type facts struct {
	names     map[string]bool
	durations map[time.Duration]bool
}

// inspect collects the facts, and reports parts that the type checker accepts but the language does not.
func inspect(text *expansion, tree *ast.AST) (facts, Errors) {
	f := facts{names: map[string]bool{}, durations: map[time.Duration]bool{}}
	var errs Errors
	fail := func(e ast.Expr, message string) {
		at := text.at(tree.SourceInfo().GetStartLocation(e.ID()))
		errs = append(errs, &Error{Offset: at, Message: message})
	}
	ast.PostOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		switch e.Kind() {
		case ast.IdentKind:
			f.names[strings.TrimPrefix(e.AsIdent(), ".")] = true
		case ast.MapKind, ast.StructKind:
			fail(e, "maps and messages are not supported; use names, values, lists and operators")
		case ast.CallKind:
			if e.AsCall().FunctionName() != overloads.TypeConvertDuration {
				return
			}
			if d, found := literalDuration(e.AsCall()); found == "" {
				f.durations[d] = true
			} else {
				fail(e, unexpected(found, durationLiteral))
			}
		}
	}))
	return f, errs
}

// mixed reports lists with values of several types: in CEL, ["429", 504] has a type of its own and would match nothing.
// checked is a tree without other mistakes.
func mixed(text *expansion, checked *ast.AST) Errors {
	var errs Errors
	ast.PostOrderVisit(checked.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.ListKind {
			return
		}
		elements := e.AsList().Elements()
		for _, other := range elements {
			want, got := checked.GetType(elements[0].ID()), checked.GetType(other.ID())
			if want.IsEquivalentType(got) {
				continue
			}
			errs = append(errs, &Error{
				Offset:  text.at(checked.SourceInfo().GetStartLocation(other.ID())),
				Message: fmt.Sprintf("value is of type %s, but the list begins with a %s; use one type", checker.FormatCELType(got), checker.FormatCELType(want)),
			})
			return // one error is enough
		}
	}))
	return errs
}

// latencies relies on the operations: none computes a duration, so each threshold of latency and ttft is in the tree. It
// may return a duration that no threshold depends on, which only costs an evaluation.
func (f facts) latencies() []time.Duration {
	if !f.names["latency"] && !f.names["ttft"] {
		return nil
	}
	all := slices.Sorted(maps.Keys(f.durations))
	return slices.DeleteFunc(all, func(d time.Duration) bool { return d <= 0 })
}

// literalDuration parses duration("3000ms"). found describes an argument that is not a valid literal; "" if it is one.
func literalDuration(call ast.CallExpr) (d time.Duration, found string) {
	if args := call.Args(); len(args) == 1 && args[0].Kind() == ast.LiteralKind {
		if s, ok := args[0].AsLiteral().(types.String); ok {
			d, err := time.ParseDuration(string(s))
			if err != nil {
				return 0, strconv.Quote(string(s))
			}
			return d, ""
		}
	}
	return 0, "argument of duration()"
}
