package condition

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"cel.dev/cel-go/common/decls"
	"cel.dev/cel-go/common/functions"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/stdlib"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// CEL accepts each type that an operation accepts, with the same result. Comparisons accept all types that CEL accepts.
func TestOperationsHaveTheTypesOfCEL(t *testing.T) {
	whole := []string{operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals, operators.Equals, operators.NotEquals, operators.In}
	for _, op := range operations() {
		ours, theirs := signatures(declared(t, op)), signatures(standard(t, op))
		for _, s := range ours {
			if !slices.Contains(theirs, s) {
				t.Errorf("%s takes %s, CEL only %v", op.cel, s, theirs)
			}
		}
		if slices.Contains(whole, op.cel) && len(ours) != len(theirs) {
			t.Errorf("%s takes %v, CEL %v", op.cel, ours, theirs)
		}
	}
}

// Each operation has the same result as in CEL, for all of these values that it accepts.
func TestOperationsHaveTheResultsOfCEL(t *testing.T) {
	values := []any{
		true, false, math.MinInt64, -1, 0, 2, 1<<53 + 1, math.MaxInt64, uint(0), uint(2), uint(math.MaxUint64),
		math.Inf(-1), -1.5, 0.0, 2.0, float64(1 << 53), math.MaxFloat64, math.Inf(1), math.NaN(), "", "a", "ba", "1s", "1x", []byte("a"), []byte("b"),
		-time.Second, time.Minute, time.Unix(0, 0), time.Unix(9, 0), []string{}, []string{"a", "b"}, []int{2}, map[string]string{"a": "x"}, nil,
	}
	var operands [][]ref.Val // one or two
	for _, a := range values {
		a := types.DefaultTypeAdapter.NativeToValue(a)
		operands = append(operands, []ref.Val{a})
		for _, b := range values {
			operands = append(operands, []ref.Val{a, types.DefaultTypeAdapter.NativeToValue(b)})
		}
	}
	for _, op := range operations() {
		if op.run == nil {
			continue
		}
		ours, theirs := binding(t, declared(t, op)), binding(t, standard(t, op))
		if ours.OperandTrait != theirs.OperandTrait {
			t.Errorf("%s: trait %d, CEL's is %d", op.cel, ours.OperandTrait, theirs.OperandTrait)
		}
		calls := 0
		for _, v := range operands {
			if !op.accepts(v) || !v[0].Type().HasTrait(ours.OperandTrait) && ours.OperandTrait != 0 {
				continue
			}
			calls++
			if got, want := call(ours, v), call(theirs, v); fmt.Sprintf("%T %v", got, got) != fmt.Sprintf("%T %v", want, want) {
				t.Errorf("%s of %v: %v, CEL's is %v", op.cel, v, got, want)
			}
		}
		if calls < 2 {
			t.Errorf("%s: %d calls", op.cel, calls)
		}
	}
}

func declared(t *testing.T, op operation) *decls.FunctionDecl {
	t.Helper()
	f, err := op.declare()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// standard returns the function of CEL's standard library that corresponds to an operation.
func standard(t *testing.T, op operation) *decls.FunctionDecl {
	t.Helper()
	for _, f := range stdlib.Functions() {
		if f.Name() == op.cel {
			return f
		}
	}
	t.Fatalf("CEL has no %s", op.cel)
	return nil
}

func signatures(f *decls.FunctionDecl) []string {
	var all []string
	for _, o := range f.OverloadDecls() {
		all = append(all, fmt.Sprint(o.IsMemberFunction(), o.ArgTypes(), o.ResultType()))
	}
	return all
}

func binding(t *testing.T, f *decls.FunctionDecl) *functions.Overload {
	t.Helper()
	all, err := f.Bindings()
	if err != nil {
		t.Fatal(err)
	}
	return all[slices.IndexFunc(all, func(o *functions.Overload) bool { return o.Operator == f.Name() })]
}

func call(o *functions.Overload, operands []ref.Val) ref.Val {
	switch {
	case o.Unary != nil:
		return o.Unary(operands[0])
	case o.Binary != nil:
		return o.Binary(operands[0], operands[1])
	}
	return o.Function(operands...)
}

// accepts reports whether one of the signatures matches the operands.
func (op operation) accepts(operands []ref.Val) bool {
	return slices.ContainsFunc(op.takes, func(s signature) bool {
		return slices.EqualFunc(s.operands, operands, (*types.Type).IsAssignableRuntimeType)
	})
}
