package condition

import (
	"slices"
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"cel.dev/cel-go/interpreter"
)

// Vars has the values of the names for one evaluation. The zero value is an attempt that has just begun.
//
// An unknown double is NaN, so < <= > >= and == with it are false (IEEE 754). cost > 0.05 is false for a model without a
// price, and !(cost <= 0.05) is true.
type Vars struct {
	Error        bool
	ErrorCode    string
	ErrorKind    string
	Latency      time.Duration
	TTFT         time.Duration
	Cost         float64 // US dollars
	CacheHit     bool
	Empty        bool
	FinishReason string
	Confidence   float64 // 0 to 1
	Attempt      int
	Tenant       string
	Priority     string
	DataClass    string
	Labels       map[string]string
}

// activation lets CEL read Vars in place. Building a map would take longer than the evaluation.
type activation Vars

func (*activation) Parent() interpreter.Activation { return nil }

// ResolveName returns values of CEL's own types, so that CEL converts nothing.
func (a *activation) ResolveName(name string) (any, bool) {
	switch name {
	case "error":
		return types.Bool(a.Error), true
	case "error_code":
		return types.String(a.ErrorCode), true
	case "error_kind":
		return types.String(a.ErrorKind), true
	case "latency":
		return types.Duration{Duration: a.Latency}, true
	case "ttft":
		return types.Duration{Duration: a.TTFT}, true
	case "cost":
		return types.Double(a.Cost), true
	case "cache_hit":
		return types.Bool(a.CacheHit), true
	case "empty":
		return types.Bool(a.Empty), true
	case "finish_reason":
		return types.String(a.FinishReason), true
	case "confidence":
		return types.Double(a.Confidence), true
	case "attempt":
		return types.Int(a.Attempt), true
	case "tenant":
		return types.String(a.Tenant), true
	case "priority":
		return types.String(a.Priority), true
	case "data_class":
		return types.String(a.DataClass), true
	case "labels":
		return labels{types.NewStringStringMap(types.DefaultTypeAdapter, a.Labels)}, true
	}
	return nil, false
}

// partly is an activation in which only the names in known have values; CEL propagates the others as unknown. It must not
// be an *activation, which comparisons read in place.
type partly struct {
	*activation
	known []string
}

// ResolveName implements interpreter.Activation.
func (p *partly) ResolveName(name string) (any, bool) {
	if slices.Contains(p.known, name) {
		return p.activation.ResolveName(name)
	}
	_, ok := p.activation.ResolveName(name)
	return types.NewUnknown(0, nil), ok
}

// labels is a CEL map in which missing keys are "". In CEL a missing key is an error, so labels["tier"] == "gold" || error
// would fail for every call without the label.
type labels struct{ traits.Mapper }

func (l labels) Find(key ref.Val) (ref.Val, bool) {
	if v, ok := l.Mapper.Find(key); ok || types.IsError(v) {
		return v, ok
	}
	return types.String(""), true
}

func (l labels) Get(key ref.Val) ref.Val {
	v, _ := l.Find(key)
	return v
}
