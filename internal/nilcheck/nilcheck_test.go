package nilcheck_test

import (
	"testing"

	"github.com/adk-fallback/adk-fallback/internal/nilcheck"
)

type named interface{ Name() string }

type (
	ofFunc   func() string
	ofMap    map[string]string
	ofStruct struct{ name string }
	around   struct{ named }
	renamed  struct{ named }
	pointing struct{ *ofStruct }
)

func (f ofFunc) Name() string    { return f() }
func (m ofMap) Name() string     { return m["name"] }
func (s *ofStruct) Name() string { return s.name }
func (renamed) Name() string     { return "renamed" }

var _ = renamed{}.named // nil, and never asked

func TestModelSeesEveryNil(t *testing.T) {
	for name, m := range map[string]named{
		"nil":                          nil,
		"pointer":                      (*ofStruct)(nil),
		"func":                         ofFunc(nil),
		"map":                          ofMap(nil),
		"struct around nil":            around{},
		"pointer to one":               &around{},
		"struct around a nil pointer":  pointing{},
		"nil two structs deep":         around{around{}},
		"a nil pointer in a structure": around{(*ofStruct)(nil)},
	} {
		if !nilcheck.Model(m) {
			t.Errorf("%s: Model = false, want true", name)
		}
	}
}

func TestModelLeavesModelsAlone(t *testing.T) {
	for name, m := range map[string]named{
		"pointer":                       &ofStruct{},
		"func":                          ofFunc(func() string { return "f" }),
		"map":                           ofMap{},
		"struct around a model":         around{&ofStruct{}},
		"struct with a name of its own": renamed{},
		"func that panics":              ofFunc(func() string { panic("broken") }),
		"pointer to one":                &renamed{},
	} {
		if nilcheck.Model(m) {
			t.Errorf("%s: Model = true, want false", name)
		}
	}
}
