package condition

import (
	"cel.dev/cel-go/checker"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
)

// A Name is a variable that conditions can use.
type Name struct {
	Name string
	Type string // as conditions and their errors spell it: bool, int, double, string, duration, map(string, string)
	Doc  string // one line

	typ *types.Type
}

// Names returns every variable, sorted by name: what the environment is built from, and the source for documentation.
func Names() []Name {
	name := func(name string, typ *types.Type, doc string) Name {
		return Name{Name: name, Type: checker.FormatCELType(typ), Doc: doc, typ: typ}
	}
	return []Name{
		name("attempt", types.IntType, "number of the attempt within its call, from 1"),
		name("cache_hit", types.BoolType, "an answer to this request is in the cache"),
		name("confidence", types.DoubleType, "how sure the model is of its answer, 0 to 1"),
		name("cost", types.DoubleType, "projected price of this request at this model, in US dollars"),
		name("data_class", types.StringType, "class of the data in the request, as the application names it"),
		name("empty", types.BoolType, "the answer has no content"),
		name("error", types.BoolType, "the attempt failed"),
		name("error_code", types.StringType, `code of the failure, such as "429"`),
		name("error_kind", types.StringType, `kind of the failure, such as "rate_limit"`),
		name("finish_reason", types.StringType, `why the model stopped, such as "STOP" or "MAX_TOKENS"`),
		name("labels", types.NewMapType(types.StringType, types.StringType), `labels of the call; labels["x"] is "" when there is none`),
		name("latency", types.DurationType, "time waited for the attempt without content; its duration when it ended"),
		name("priority", types.StringType, "priority class of the call"),
		name("tenant", types.StringType, "tenant of the call"),
		name("ttft", types.DurationType, "time to first content, 0 while there is none"),
	}
}

// An operation is an operator or a function of the language.
type operation struct {
	cel       string   // CEL's own name
	shown     string   // how a condition spells it
	overloads []string // the overloads on offer; nil means all of CEL's
	allowed   string   // what it takes, for error messages
}

const (
	oneType    = `both sides of one type: a duration is written 3000ms, a string "in quotes", a double 0.05`
	twoBools   = "a bool on both sides"
	twoNumbers = "two ints or two doubles"
	ofStrings  = `string.function("text")`
)

// operations returns all that a condition can do with its values. Nothing on this list loops or makes a duration, which
// is what bounds the cost of a condition and what makes Latencies complete.
func operations() []operation {
	return []operation{
		{cel: operators.LogicalAnd, shown: "&&", allowed: twoBools},
		{cel: operators.LogicalOr, shown: "||", allowed: twoBools},
		{cel: operators.LogicalNot, shown: "!", allowed: "a bool"},
		{cel: operators.Equals, shown: "==", allowed: oneType},
		{cel: operators.NotEquals, shown: "!=", allowed: oneType},
		{cel: operators.Less, shown: "<", allowed: oneType},
		{cel: operators.LessEquals, shown: "<=", allowed: oneType},
		{cel: operators.Greater, shown: ">", allowed: oneType},
		{cel: operators.GreaterEquals, shown: ">=", allowed: oneType},
		{cel: operators.In, shown: "in", allowed: `value in [list of its type], or "name" in labels`},
		{cel: operators.Conditional, shown: "?:", allowed: "bool ? a : b, with a and b of one type"},
		{cel: operators.Index, shown: "[]", allowed: `labels["name"]`, overloads: []string{overloads.IndexMap}},
		{cel: operators.Add, shown: "+", allowed: twoNumbers, overloads: []string{overloads.AddInt64, overloads.AddDouble}},
		{cel: operators.Subtract, shown: "-", allowed: twoNumbers, overloads: []string{overloads.SubtractInt64, overloads.SubtractDouble}},
		{cel: operators.Multiply, shown: "*", allowed: twoNumbers, overloads: []string{overloads.MultiplyInt64, overloads.MultiplyDouble}},
		{cel: operators.Divide, shown: "/", allowed: twoNumbers, overloads: []string{overloads.DivideInt64, overloads.DivideDouble}},
		{cel: operators.Negate, shown: "-", allowed: "an int or a double", overloads: []string{overloads.NegateInt64, overloads.NegateDouble}},
		{cel: overloads.Contains, shown: "contains", allowed: ofStrings},
		{cel: overloads.StartsWith, shown: "startsWith", allowed: ofStrings},
		{cel: overloads.EndsWith, shown: "endsWith", allowed: ofStrings},
		{cel: overloads.TypeConvertDuration, shown: "duration", allowed: durationLiteral, overloads: []string{overloads.StringToDuration}},
	}
}
