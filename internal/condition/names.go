package condition

import (
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/overloads"
)

// A Name is a variable that conditions can use.
type Name struct {
	Name string
	Type string // as conditions and their errors spell it: bool, int, double, string, duration, map(string, string)
	Doc  string // one line

	typ *cel.Type
}

// Names returns every variable, sorted by name: what the environment is built from, and the source for documentation.
func Names() []Name {
	name := func(name string, typ *cel.Type, doc string) Name {
		return Name{Name: name, Type: cel.FormatCELType(typ), Doc: doc, typ: typ}
	}
	return []Name{
		name("attempt", cel.IntType, "number of the attempt within its call, from 1"),
		name("cache_hit", cel.BoolType, "an answer to this request is in the cache"),
		name("confidence", cel.DoubleType, "how sure the model is of its answer, 0 to 1"),
		name("cost", cel.DoubleType, "projected price of this request at this model, in US dollars"),
		name("data_class", cel.StringType, "class of the data in the request, as the application names it"),
		name("empty", cel.BoolType, "the answer has no content"),
		name("error", cel.BoolType, "the attempt failed"),
		name("error_code", cel.StringType, `code of the failure, such as "429"`),
		name("error_kind", cel.StringType, `kind of the failure, such as "rate_limit"`),
		name("finish_reason", cel.StringType, `why the model stopped, such as "STOP" or "MAX_TOKENS"`),
		name("labels", cel.MapType(cel.StringType, cel.StringType), `labels of the call; labels["x"] is "" when there is none`),
		name("latency", cel.DurationType, "time waited for the attempt without content; its duration when it ended"),
		name("priority", cel.StringType, "priority class of the call"),
		name("tenant", cel.StringType, "tenant of the call"),
		name("ttft", cel.DurationType, "time to first content, 0 while there is none"),
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
