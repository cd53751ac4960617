package condition

import (
	"strings"

	"cel.dev/cel-go/checker"
	"cel.dev/cel-go/common/types"

	"github.com/adk-fallback/adk-fallback/internal/kinds"
)

// A Name is a variable that conditions can use.
type Name struct {
	Name string
	Type string // as in conditions and errors: bool, int, double, string, duration, map(string, string)
	Doc  string // one line

	typ *types.Type
}

// Names returns every variable, sorted by name. The environment and docs/policy.md are made from it.
func Names() []Name {
	name := func(name string, typ *types.Type, doc string) Name {
		return Name{Name: name, Type: checker.FormatCELType(typ), Doc: doc, typ: typ}
	}
	return []Name{
		name("attempt", types.IntType, "number of the attempt in its call, from 1"),
		name("cache_hit", types.BoolType, "the cache has an answer to this request"),
		name("confidence", types.DoubleType, "mean probability of the answer's tokens, from 0 to 1; unknown unless the agent requests log-probabilities"),
		name("cost", types.DoubleType, "projected price of the attempt, in US dollars; unknown for a model without a price"),
		name("data_class", types.StringType, "class of the data in the request"),
		name("empty", types.BoolType, "the answer has no content"),
		name("error", types.BoolType, "the attempt failed"),
		name("error_code", types.StringType, `code of the failure, such as "429"`),
		name("error_kind", types.StringType, "kind of the failure: "+strings.Join(kinds.All(), ", ")),
		name("finish_reason", types.StringType, `why the model stopped, such as "STOP" or "MAX_TOKENS"`),
		name("labels", types.NewMapType(types.StringType, types.StringType), `labels of the call; labels["x"] is "" if there is none`),
		name("latency", types.DurationType, "time that the attempt has been without content; its duration when it has ended"),
		name("priority", types.StringType, "priority class of the call"),
		name("tenant", types.StringType, "tenant of the call"),
		name("ttft", types.DurationType, "time to first content; 0 until there is any"),
	}
}
