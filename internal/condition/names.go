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
		name("error_kind", types.StringType, "kind of the failure: "+strings.Join(kinds.All(), ", ")),
		name("finish_reason", types.StringType, `why the model stopped, such as "STOP" or "MAX_TOKENS"`),
		name("labels", types.NewMapType(types.StringType, types.StringType), `labels of the call; labels["x"] is "" when there is none`),
		name("latency", types.DurationType, "time waited for the attempt without content; its duration when it ended"),
		name("priority", types.StringType, "priority class of the call"),
		name("tenant", types.StringType, "tenant of the call"),
		name("ttft", types.DurationType, "time to first content, 0 while there is none"),
	}
}
