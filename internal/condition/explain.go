package condition

import (
	"fmt"
	"strconv"
	"strings"

	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/overloads"

	"github.com/adk-fallback/adk-fallback/internal/nearest"
)

const (
	anOperand    = `a name, a value such as 3000ms, 80% or "text", or an expression in parentheses`
	anOperator   = "an operator (&& || == != < <= > >= in + - * / ?:) or the end"
	anExpression = "an expression, such as error || latency > 3000ms"
)

// explainSyntax keeps the parser's first error about syntax, since later ones come from its attempts to recover, and all
// errors about single tokens.
func explainSyntax(text *expansion, issues []*common.Error) Errors {
	var errs Errors
	first := true
	for _, issue := range issues {
		msg, syntax := strings.CutPrefix(issue.Message, "Syntax error: ")
		if syntax && !first || strings.HasPrefix(msg, "error recovery") && len(issues) > 1 {
			continue
		}
		first = first && !syntax
		at := text.at(issue.Location)
		errs = append(errs, &Error{Offset: at, Message: syntaxError(text.src[at:], msg)})
	}
	return errs
}

// syntaxError rewrites a message of the parser (of ANTLR's default error strategy, or the parser's own). rest is the source
// from the error on. An unknown message is returned unchanged.
func syntaxError(rest, msg string) string {
	found := "end"
	if tok := firstToken(rest); tok != "" {
		found = strconv.Quote(tok)
	}
	if strings.HasPrefix(msg, "token recognition error") {
		if rest != "" && (rest[0] == '"' || rest[0] == '\'') {
			return `string has a bad escape or no end; write "text" on one line, with the escapes \" \\ \n \t \u00e9`
		}
		return "unexpected " + found + "; a condition has names, numbers, strings, parentheses and operators"
	}
	if bracket, ok := between(msg, "missing '", "'"); ok {
		return unexpected(found, strconv.Quote(bracket))
	}
	_, expecting, _ := strings.Cut(msg, "expecting ")
	switch {
	case strings.Contains(expecting, "IDENTIFIER"), strings.HasPrefix(msg, "no viable alternative"):
		return unexpected(found, anOperand)
	case strings.Contains(expecting, "<EOF>"):
		return unexpected(found, anOperator)
	case expecting != "":
		return unexpected(found, strings.Trim(expecting, "{}"))
	case strings.HasPrefix(msg, "reserved identifier"):
		return unexpected("reserved word "+found, anOperand)
	case strings.Contains(msg, "recursion"):
		return fmt.Sprintf("condition is nested too deeply; it may have at most %d levels", maxDepth)
	}
	return unexpected(found+" ("+msg+")", anExpression)
}

func unexpected(found, expected string) string {
	return "unexpected " + found + "; expected " + expected
}

// firstToken returns the token at the start of s, a single character if it is neither a word nor a number.
func firstToken(s string) string {
	if s == "" {
		return ""
	}
	x := expansion{src: s}
	return s[:x.token(0)]
}

// explainTypes rewrites the checker's errors about names and types.
func explainTypes(text *expansion, tree *ast.AST, issues []*common.Error) Errors {
	calls := map[int64]string{}
	ast.PostOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() == ast.CallKind {
			calls[e.ID()] = e.AsCall().FunctionName()
		}
	}))
	var errs Errors
	for _, issue := range issues {
		function, call := calls[issue.ExprID]
		at := text.at(issue.Location)
		if name, ok := between(issue.Message, "undeclared reference to '", "'"); ok {
			if start := at - len(function); call && start >= 0 && text.src[start:at] == function {
				at = start // CEL points at the parenthesis after the name
			}
			errs = append(errs, &Error{Offset: at, Message: undeclared(name, call)})
		} else if function != overloads.TypeConvertDuration && !text.guessed { // inspect reports the former
			errs = append(errs, &Error{Offset: at, Message: typeError(issue.Message, function)})
		}
	}
	return errs
}

// typeError rewrites a message of cel.dev/cel-go/checker. function is the CEL name of the call that it is about, "" for
// other expressions. An unknown message is returned unchanged.
func typeError(msg, function string) string {
	if _, args, ok := strings.Cut(msg, "applied to '"); ok {
		for _, op := range operations() {
			if op.cel == function {
				return fmt.Sprintf("%s does not take %s; it takes %s", op.shown, strings.TrimSuffix(args, "'"), op.takesWhat)
			}
		}
	}
	if want, rest, ok := strings.Cut(strings.TrimPrefix(msg, "expected type '"), "' but found '"); ok {
		return fmt.Sprintf("value is of type %s; it must be of type %s", strings.TrimSuffix(rest, "'"), want)
	}
	if strings.HasSuffix(msg, "does not support field selection") {
		typ, _ := between(msg, "type '", "'")
		return typ + " has no fields; only labels has: labels.name or " + `labels["name"]`
	}
	return msg
}

func undeclared(name string, call bool) string {
	kind, known := "name", []string{}
	if call {
		kind = "function"
		if operator := strings.Trim(name, "_"); operator != "" && !isLetter(operator[0]) { // _%_
			return unexpected("operator "+operator, anOperator)
		}
		for _, op := range operations() {
			if isLetter(op.shown[0]) && op.shown == op.cel {
				known = append(known, op.shown)
			}
		}
	} else {
		for _, n := range Names() {
			known = append(known, n.Name)
		}
	}
	return fmt.Sprintf("unknown %s %q%s; the %ss are %s", kind, name, nearest.DidYouMean(name, known), kind, strings.Join(known, ", "))
}

// between returns the part of s between before and after.
func between(s, before, after string) (string, bool) {
	_, s, ok := strings.Cut(s, before)
	if !ok {
		return "", false
	}
	s, _, ok = strings.Cut(s, after)
	return s, ok
}
