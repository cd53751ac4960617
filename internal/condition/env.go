package condition

import (
	"sync"

	"cel.dev/cel-go/checker"
	"cel.dev/cel-go/common/containers"
	"cel.dev/cel-go/common/decls"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/interpreter"
	"cel.dev/cel-go/parser"
)

// MaxSource is the longest condition, in bytes. The time of CEL's type checker grows with the square of the number of
// comparisons: up to 10 ms for a condition of this length.
const MaxSource = 512

// maxDepth is the deepest nesting of parentheses, calls and ?:.
const maxDepth = 50

// celEnv has the three steps of CEL for the language: parse, check, plan. It uses cel-go's packages for these steps instead
// of package cel, which combines them but adds 1.6 MB to every binary for configuration files (YAML) and conversions to
// protocol buffers. Nor does it use cel-go's standard library, which adds 0.5 MB for functions that the language does not
// have: see operations for those that it has.
type celEnv struct {
	parser  *parser.Parser
	checker *checker.Env
	planner interpreter.Interpreter
}

// environment is built by the first Compile, in about a millisecond, and shared. It is immutable and safe for concurrent use.
var environment = sync.OnceValues(func() (*celEnv, error) {
	parser, err := parser.NewParser(parser.MaxRecursionDepth(maxDepth)) // without parser.Macros there are none
	if err != nil {
		return nil, err
	}
	registry, err := types.NewRegistry()
	if err != nil {
		return nil, err
	}
	root := containers.DefaultContainer // every name is a whole name
	declared, err := checker.NewEnv(root, registry)
	if err != nil {
		return nil, err
	}
	for _, n := range Names() {
		if err := declared.AddIdents(decls.NewVariable(n.Name, n.typ)); err != nil {
			return nil, err
		}
	}
	library, err := library()
	if err != nil {
		return nil, err
	}
	if err := declared.AddFunctions(library...); err != nil {
		return nil, err
	}
	bound, err := bind(library)
	if err != nil {
		return nil, err
	}
	return &celEnv{
		parser:  parser,
		checker: declared,
		planner: interpreter.NewInterpreter(bound, root, registry, registry, interpreter.NewAttributeFactory(root, registry, registry)),
	}, nil
})
