package condition

import (
	"cmp"

	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"
)

// comparison compares a name with a constant, as most conditions do, without converting their values. CEL itself converts
// the name and the result to values of its own, which takes half of an evaluation.
type comparison[T int64 | float64 | string] struct {
	interpreter.InterpretableV2 // CEL's own comparison
	value                       func(*activation) T
	with                        T
	holds                       func(a, b T) bool
}

// Exec implements interpreter.InterpretableV2.
func (c *comparison[T]) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	if vars, ok := frame.Activation.(*activation); ok {
		return types.Bool(c.holds(c.value(vars), c.with))
	}
	return c.InterpretableV2.Exec(frame)
}

// compareInPlace is the planner's option that replaces such comparisons.
var compareInPlace = interpreter.CustomDecoratorV2(func(node interpreter.InterpretableV2) (interpreter.InterpretableV2, error) {
	call, ok := node.(interpreter.InterpretableCall)
	if !ok || len(call.Args()) != 2 {
		return node, nil
	}
	name, label := nameOf(call.Args()[0])
	constant, ok := call.Args()[1].(interpreter.InterpretableConst)
	if name == "" || !ok {
		return node, nil
	}
	switch with := constant.Value().(type) {
	case types.Duration:
		return inPlace(node, durationOf[name], int64(with.Duration), call.Function()), nil
	case types.Double:
		return inPlace(node, doubleOf[name], float64(with), call.Function()), nil
	case types.Int:
		return inPlace(node, doubleOf[name], float64(with), call.Function()), nil // as CEL does
	case types.String:
		if name == "labels" {
			return inPlace(node, func(a *activation) string { return a.Labels[label] }, string(with), call.Function()), nil
		}
		return inPlace(node, textOf[name], string(with), call.Function()), nil
	}
	return node, nil
})

// inPlace returns a comparison for node, or node if it is not one.
func inPlace[T int64 | float64 | string](node interpreter.InterpretableV2, value func(*activation) T, with T, function string) interpreter.InterpretableV2 {
	if holds := operator[T](function); value != nil && holds != nil {
		return &comparison[T]{node, value, with, holds}
	}
	return node
}

var (
	durationOf = map[string]func(*activation) int64{
		"latency": func(a *activation) int64 { return int64(a.Latency) },
		"ttft":    func(a *activation) int64 { return int64(a.TTFT) },
	}
	textOf = map[string]func(*activation) string{
		"error_code":    func(a *activation) string { return a.ErrorCode },
		"error_kind":    func(a *activation) string { return a.ErrorKind },
		"finish_reason": func(a *activation) string { return a.FinishReason },
		"tenant":        func(a *activation) string { return a.Tenant },
		"priority":      func(a *activation) string { return a.Priority },
		"data_class":    func(a *activation) string { return a.DataClass },
	}
	doubleOf = map[string]func(*activation) float64{
		"cost":       func(a *activation) float64 { return a.Cost },
		"confidence": func(a *activation) float64 { return a.Confidence },
	}
)

// nameOf returns the name that a node refers to, and the key of labels.key; "" for any other node.
func nameOf(node interpreter.InterpretableV2) (name, label string) {
	attribute, ok := node.(interpreter.InterpretableAttribute)
	if !ok {
		return "", ""
	}
	variable, ok := attribute.Attr().(interpreter.NamespacedAttribute)
	if !ok || len(variable.CandidateVariableNames()) != 1 {
		return "", ""
	}
	name, parts := variable.CandidateVariableNames()[0], variable.Qualifiers()
	if name != "labels" && len(parts) == 0 {
		return name, ""
	}
	if name == "labels" && len(parts) == 1 {
		if part, ok := parts[0].(interpreter.ConstantQualifier); ok {
			if key, ok := part.Value().(types.String); ok {
				return name, string(key)
			}
		}
	}
	return "", ""
}

// operator returns the Go form of a CEL comparison, or nil. Go treats NaN as CEL does.
func operator[T cmp.Ordered](function string) func(a, b T) bool {
	switch function {
	case operators.Equals:
		return func(a, b T) bool { return a == b }
	case operators.NotEquals:
		return func(a, b T) bool { return a != b }
	case operators.Less:
		return func(a, b T) bool { return a < b }
	case operators.LessEquals:
		return func(a, b T) bool { return a <= b }
	case operators.Greater:
		return func(a, b T) bool { return a > b }
	case operators.GreaterEquals:
		return func(a, b T) bool { return a >= b }
	}
	return nil
}
