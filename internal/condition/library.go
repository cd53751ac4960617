package condition

import (
	"math"
	"slices"
	"strconv"

	"cel.dev/cel-go/common/decls"
	"cel.dev/cel-go/common/functions"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"cel.dev/cel-go/interpreter"
)

// library returns the operations as declarations of CEL functions.
func library() ([]*decls.FunctionDecl, error) {
	var library []*decls.FunctionDecl
	for _, op := range operations() {
		f, err := op.declare()
		if err != nil {
			return nil, err
		}
		library = append(library, f)
	}
	return library, nil
}

func (op operation) declare() (*decls.FunctionDecl, error) {
	var opts []decls.FunctionOpt
	for i, s := range op.takes {
		id := op.cel + strconv.Itoa(i) // any that is unique
		if op.cel == operators.In && i == 0 {
			id = overloads.InList // interpreter.Optimize looks for it
		}
		overload := decls.Overload
		if op.method {
			overload = decls.MemberOverload
		}
		opts = append(opts, overload(id, s.operands, s.result))
	}
	if op.run != nil {
		opts = append(opts, op.run)
	}
	return decls.NewFunction(op.cel, opts...)
}

// bind returns the implementations of the functions.
func bind(library []*decls.FunctionDecl) (interpreter.Dispatcher, error) {
	var bindings []*functions.Overload
	for _, f := range library {
		b, err := f.Bindings()
		if err != nil {
			return nil, err
		}
		bindings = append(bindings, b...)
	}
	bound := interpreter.NewDispatcher()
	return bound, bound.Add(bindings...)
}

// The operations below are called with operands of their signatures only. The type checker and the interpreter handle all
// others, including errors and unknown values.

func add(a, b ref.Val) ref.Val       { return a.(traits.Adder).Add(b) }
func subtract(a, b ref.Val) ref.Val  { return a.(traits.Subtractor).Subtract(b) }
func multiply(a, b ref.Val) ref.Val  { return a.(traits.Multiplier).Multiply(b) }
func divide(a, b ref.Val) ref.Val    { return a.(traits.Divider).Divide(b) }
func contained(a, b ref.Val) ref.Val { return b.(traits.Container).Contains(a) }
func negate(a ref.Val) ref.Val       { return a.(traits.Negater).Negate() }
func toDuration(a ref.Val) ref.Val   { return a.ConvertToType(types.DurationType) }

// order returns the comparison that is true if CEL orders two values as one of results. NaN has no order.
func order(results ...types.Int) functions.BinaryOp {
	return func(a, b ref.Val) ref.Val {
		if isNaN(a) || isNaN(b) {
			return types.False
		}
		order := a.(traits.Comparer).Compare(b)
		if order, ok := order.(types.Int); ok {
			return types.Bool(slices.Contains(results, order))
		}
		return order // an error
	}
}

func isNaN(v ref.Val) bool {
	d, ok := v.(types.Double)
	return ok && math.IsNaN(float64(d))
}
