package condition

import (
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/env"
)

// MaxSource is the length in bytes that a condition may have. CEL's type checker takes time in proportion to the square of
// the number of comparisons, up to 10 ms for a condition as long as this.
const MaxSource = 512

// maxDepth is how deep parentheses, calls and ?: may nest.
const maxDepth = 50

// environment is built by the first Compile (about a millisecond) and shared: it is immutable and safe for concurrent use.
var environment = sync.OnceValues(func() (*cel.Env, error) {
	subset := env.NewLibrarySubset().SetDisableMacros(true)
	for _, op := range operations() {
		f := env.NewFunction(op.cel)
		for _, id := range op.overloads {
			f.Overloads = append(f.Overloads, env.NewOverload(id, nil, nil))
		}
		subset.AddIncludedFunctions(f)
	}
	opts := []cel.EnvOption{
		cel.StdLib(cel.StdLibSubset(subset)),
		cel.CrossTypeNumericComparisons(true),
		// ["429", 504] has a type of its own in CEL and would match nothing; here it is a mistake.
		cel.ASTValidators(cel.ValidateHomogeneousAggregateLiterals()),
		cel.ParserRecursionLimit(maxDepth),
	}
	for _, n := range Names() {
		opts = append(opts, cel.Variable(n.Name, n.typ))
	}
	return cel.NewCustomEnv(opts...)
})
