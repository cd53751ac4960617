package kinds_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/adk-fallback/adk-fallback/internal/kinds"
)

// The names are those of package failure's constants, and that of package middleware's.
func TestKindsAreThoseOfTheFailures(t *testing.T) {
	want := []string{"refused"}
	file, err := parser.ParseFile(token.NewFileSet(), "../../plugin/fallback/failure/verdict.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if typ, ok := spec.Type.(*ast.Ident); !ok || typ.Name != "Kind" {
			return true
		}
		word, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		if word != "canceled" {
			want = append(want, word)
		}
		return true
	})
	slices.Sort(want)
	if diff := cmp.Diff(want, kinds.All()); diff != "" {
		t.Errorf("kinds (-want +got):\n%s", diff)
	}
}
