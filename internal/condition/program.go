package condition

import (
	"fmt"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"
)

// program is a planned condition. It is immutable and safe for concurrent use.
type program struct{ root interpreter.InterpretableV2 }

// plan returns the program that Eval runs.
func (env *celEnv) plan(checked *ast.AST) (program, error) {
	root, err := env.planner.NewInterpretable(checked, compareInPlace, interpreter.Optimize())
	return program{root}, err
}

// eval runs the program. A panic in CEL becomes an error, so that a condition never stops the process.
func (p program) eval(vars interpreter.Activation) (out ref.Val, err error) {
	defer func() {
		if r := recover(); r != nil {
			out, err = nil, fmt.Errorf("internal error of CEL: %v", r)
		}
	}()
	frame, err := interpreter.NewExecutionFrame(vars)
	if err != nil {
		return nil, err
	}
	defer frame.Close()
	out = p.root.Exec(frame)
	if wrong, ok := out.(*types.Err); ok {
		return nil, wrong
	}
	return out, nil
}
