package condition

import (
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"

	"github.com/adk-fallback/adk-fallback/internal/kinds"
	"github.com/adk-fallback/adk-fallback/internal/nearest"
)

// finishReasons are those of genai.FinishReason. Providers have others, so an unknown one is only a warning.
func finishReasons() []string {
	return []string{
		"STOP", "MAX_TOKENS", "SAFETY", "RECITATION", "LANGUAGE", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MALFORMED_FUNCTION_CALL",
		"IMAGE_SAFETY", "UNEXPECTED_TOOL_CALL", "IMAGE_PROHIBITED_CONTENT", "NO_IMAGE", "IMAGE_RECITATION", "IMAGE_OTHER", "TOO_MANY_TOOL_CALLS", "CONTINUATION",
	}
}

// equation compares a name with constants.
type equation struct {
	name   string
	values []ast.Expr // which it is compared with; both branches of ?:
}

// equations returns the equations of a tree that have a name on one side.
func equations(tree *ast.AST) []equation {
	var all []equation
	ast.PostOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.CallKind || len(e.AsCall().Args()) != 2 {
			return
		}
		left, right := e.AsCall().Args()[0], e.AsCall().Args()[1]
		switch e.AsCall().FunctionName() {
		case operators.In:
			if left.Kind() == ast.IdentKind && right.Kind() == ast.ListKind {
				all = append(all, equation{left.AsIdent(), alternatives(right.AsList().Elements())})
			}
		case operators.Equals, operators.NotEquals:
			if left.Kind() != ast.IdentKind {
				left, right = right, left
			}
			if left.Kind() == ast.IdentKind {
				all = append(all, equation{left.AsIdent(), alternatives([]ast.Expr{right})})
			}
		}
	}))
	return all
}

// unknownKinds reports kinds that no failure has: such a comparison always has the same result.
func unknownKinds(text *expansion, tree *ast.AST) Errors {
	var errs Errors
	fail := func(e ast.Expr, message string) {
		at := text.at(tree.SourceInfo().GetStartLocation(e.ID()))
		errs = append(errs, &Error{Offset: at, Message: message + "; the kinds are " + strings.Join(kinds.All(), ", ")})
	}
	for _, c := range equations(tree) {
		if c.name != "error_kind" {
			continue
		}
		for _, value := range c.values {
			if word, ok := literalText(value); ok && word != "" && !slices.Contains(kinds.All(), word) {
				fail(value, fmt.Sprintf("unknown kind %q%s", word, nearest.DidYouMean(word, kinds.All())))
			}
		}
	}
	ast.PostOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.CallKind || !e.AsCall().IsMemberFunction() {
			return
		}
		call := e.AsCall()
		part, ok := literalText(call.Args()[0])
		in, verb := partOf(call.FunctionName())
		if ok && in != nil && call.Target().Kind() == ast.IdentKind && call.Target().AsIdent() == "error_kind" &&
			!slices.ContainsFunc(kinds.All(), func(kind string) bool { return in(kind, part) }) {
			fail(call.Args()[0], fmt.Sprintf("no kind %s %q", verb, part))
		}
	}))
	return errs
}

// partOf returns what a function that looks for a part of a text does, and its verb; nil
// for other functions.
func partOf(function string) (in func(text, part string) bool, verb string) {
	switch function {
	case overloads.Contains:
		return strings.Contains, "contains"
	case overloads.StartsWith:
		return strings.HasPrefix, "starts with"
	case overloads.EndsWith:
		return strings.HasSuffix, "ends with"
	}
	return nil, ""
}

// alternatives returns what expressions may be: both branches of ?:, and others as they are.
func alternatives(exprs []ast.Expr) []ast.Expr {
	var all []ast.Expr
	for _, e := range exprs {
		if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == operators.Conditional {
			all = append(all, alternatives(e.AsCall().Args()[1:])...)
		} else {
			all = append(all, e)
		}
	}
	return all
}

// doubts returns warnings about parts that are probably mistakes.
func doubts(tree *ast.AST) []string {
	var all []string
	for _, c := range equations(tree) {
		switch c.name {
		case "latency", "ttft":
			if c.name == "ttft" && !slices.ContainsFunc(c.values, func(value ast.Expr) bool { return !isZero(value) }) {
				continue // no content yet
			}
			all = append(all, fmt.Sprintf("%s is never exactly one duration; compare it with > or >=", c.name))
		case "finish_reason":
			for _, value := range c.values {
				if word, ok := literalText(value); ok && word != "" && !slices.Contains(finishReasons(), word) {
					all = append(all, fmt.Sprintf("finish reason %q is not known%s; the reasons are %s", word, nearest.DidYouMean(word, finishReasons()), strings.Join(finishReasons(), ", ")))
				}
			}
		}
	}
	return all
}

// isZero reports whether an expression is the duration 0s.
func isZero(e ast.Expr) bool {
	if e.Kind() != ast.CallKind {
		return false
	}
	d, found := literalDuration(e.AsCall())
	return found == "" && d == 0
}

func literalText(e ast.Expr) (string, bool) {
	if e.Kind() != ast.LiteralKind {
		return "", false
	}
	s, ok := e.AsLiteral().(types.String)
	return string(s), ok
}
