package plugin_test

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// listed is a package as `go list -json` prints it.
type listed struct {
	Dir, ImportPath, Export string
	GoFiles                 []string
}

// The packages for applications have the right types where an int has 32 bits: no constant
// overflows. Only their own files are checked, against imports compiled for the host's
// architecture, because compiling everything for 32 bits would take minutes.
func TestPackagesFitIntsOf32Bits(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-export", "-deps", "-json=Dir,ImportPath,Export,GoFiles", "./plugin/...")
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	exports := map[string]string{}
	var own []listed
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		exports[p.ImportPath] = p.Export
		if strings.HasPrefix(p.ImportPath, module) {
			own = append(own, p)
		}
	}
	if len(own) < 40 {
		t.Fatalf("%d packages; want all", len(own))
	}
	files := token.NewFileSet()
	imports := importer.ForCompiler(files, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
	for _, p := range own {
		if err := checkTypes(files, imports, p); err != nil {
			t.Errorf("%s: %v", p.ImportPath, err)
		}
	}
}

// checkTypes checks the types of a package as for GOARCH=386.
func checkTypes(files *token.FileSet, imports types.Importer, p listed) error {
	var parsed []*ast.File
	for _, name := range p.GoFiles {
		file, err := parser.ParseFile(files, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		parsed = append(parsed, file)
	}
	config := types.Config{Importer: imports, Sizes: types.SizesFor("gc", "386")}
	_, err := config.Check(p.ImportPath, files, parsed, nil)
	return err
}
