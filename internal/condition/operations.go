package condition

import (
	"cel.dev/cel-go/common/decls"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/traits"
)

// An operation is an operator or a function of the language.
type operation struct {
	cel       string            // CEL's own name
	shown     string            // how a condition spells it
	takesWhat string            // for error messages
	takes     []signature       // the allowed types
	method    bool              // the first operand is before the name: tenant.contains("a")
	run       decls.FunctionOpt // computes the result; nil if CEL's interpreter does so itself
}

// A signature is the types of an operation's result and operands.
type signature struct {
	result   *types.Type
	operands []*types.Type
}

func of(result *types.Type, operands ...*types.Type) signature { return signature{result, operands} }

const (
	oneType    = `both sides of one type: a duration is written 3000ms, a string "in quotes", a double 0.05`
	twoBools   = "a bool on both sides"
	twoNumbers = "two ints or two doubles"
	ofStrings  = `string.function("text")`
)

// operations returns all operations of the language: a part of CEL's standard library, with its types. None of them loops,
// which bounds the cost of a condition, and none computes a duration, which makes Latencies complete.
func operations() []operation {
	yes, whole, double, text := types.BoolType, types.IntType, types.DoubleType, types.StringType
	a, b := types.NewTypeParamType("A"), types.NewTypeParamType("B")
	list, pairs := types.NewListType(a), types.NewMapType(a, b)
	bools, same, texts := []signature{of(yes, yes, yes)}, []signature{of(yes, a, a)}, []signature{of(yes, text, text)}
	ordered, number := ordered(), []signature{of(whole, whole), of(double, double)}
	numbers := []signature{of(whole, whole, whole), of(double, double, double)}
	// A first operand without the trait is an error: the type checker accepts null as a duration.
	unary, binary := decls.SingletonUnaryBinding, decls.SingletonBinaryBinding
	return []operation{
		{cel: operators.LogicalAnd, shown: "&&", takesWhat: twoBools, takes: bools},
		{cel: operators.LogicalOr, shown: "||", takesWhat: twoBools, takes: bools},
		{cel: operators.LogicalNot, shown: "!", takesWhat: "a bool", takes: []signature{of(yes, yes)}, run: unary(negate)},
		{cel: operators.Equals, shown: "==", takesWhat: oneType, takes: same},
		{cel: operators.NotEquals, shown: "!=", takesWhat: oneType, takes: same},
		{cel: operators.Less, shown: "<", takesWhat: oneType, takes: ordered, run: binary(order(-1), traits.ComparerType)},
		{cel: operators.LessEquals, shown: "<=", takesWhat: oneType, takes: ordered, run: binary(order(-1, 0), traits.ComparerType)},
		{cel: operators.Greater, shown: ">", takesWhat: oneType, takes: ordered, run: binary(order(1), traits.ComparerType)},
		{cel: operators.GreaterEquals, shown: ">=", takesWhat: oneType, takes: ordered, run: binary(order(1, 0), traits.ComparerType)},
		{cel: operators.In, shown: "in", takesWhat: `value in [list of its type], or "name" in labels`,
			takes: []signature{of(yes, a, list), of(yes, a, pairs)}, run: binary(contained)},
		{cel: operators.Conditional, shown: "?:", takesWhat: "bool ? a : b, with a and b of one type", takes: []signature{of(a, yes, a, a)}},
		{cel: operators.Index, shown: "[]", takesWhat: `labels["name"]`, takes: []signature{of(b, pairs, a)}},
		{cel: operators.Add, shown: "+", takesWhat: twoNumbers, takes: numbers, run: binary(add, traits.AdderType)},
		{cel: operators.Subtract, shown: "-", takesWhat: twoNumbers, takes: numbers, run: binary(subtract, traits.SubtractorType)},
		{cel: operators.Multiply, shown: "*", takesWhat: twoNumbers, takes: numbers, run: binary(multiply, traits.MultiplierType)},
		{cel: operators.Divide, shown: "/", takesWhat: twoNumbers, takes: numbers, run: binary(divide, traits.DividerType)},
		{cel: operators.Negate, shown: "-", takesWhat: "an int or a double", takes: number, run: unary(negate, traits.NegatorType)},
		{cel: overloads.Contains, shown: "contains", takesWhat: ofStrings, takes: texts, method: true, run: binary(types.StringContains)},
		{cel: overloads.StartsWith, shown: "startsWith", takesWhat: ofStrings, takes: texts, method: true, run: binary(types.StringStartsWith)},
		{cel: overloads.EndsWith, shown: "endsWith", takesWhat: ofStrings, takes: texts, method: true, run: binary(types.StringEndsWith)},
		{cel: overloads.TypeConvertDuration, shown: "duration", takesWhat: durationLiteral,
			takes: []signature{of(types.DurationType, text)}, run: unary(toDuration)},
	}
}

// ordered returns the signatures of < <= > >=: two values of one type, or two numbers.
func ordered() []signature {
	var all []signature
	for _, t := range []*types.Type{types.BoolType, types.StringType, types.BytesType, types.TimestampType, types.DurationType} {
		all = append(all, of(types.BoolType, t, t))
	}
	numbers := []*types.Type{types.IntType, types.UintType, types.DoubleType}
	for _, left := range numbers {
		for _, right := range numbers {
			all = append(all, of(types.BoolType, left, right))
		}
	}
	return all
}
