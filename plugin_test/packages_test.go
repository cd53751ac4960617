package plugin_test

import (
	"go/ast"
	"go/doc"
	"go/doc/comment"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// publicFolders returns the folders of the public packages, those of the nested module
// included.
func publicFolders(t *testing.T) []string {
	t.Helper()
	var folders []string
	err := filepath.WalkDir("../plugin", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		if entry.Name() == "internal" || entry.Name() == "testdata" {
			return fs.SkipDir
		}
		if files, _ := filepath.Glob(filepath.Join(path, "*.go")); len(files) > 0 {
			folders = append(folders, path)
		}
		return nil
	})
	if err != nil || len(folders) < 16 {
		t.Fatalf("%d packages, error %v; want all", len(folders), err)
	}
	return folders
}

// A reader of doc.go sees what the package is for and the smallest use of it, and go test
// runs one of its examples at least.
func TestPublicPackagesShowTheirUse(t *testing.T) {
	t.Parallel()
	files := token.NewFileSet()
	for _, folder := range publicFolders(t) {
		file, err := parser.ParseFile(files, filepath.Join(folder, "doc.go"), nil, parser.ParseComments)
		if err != nil || file.Doc == nil {
			t.Errorf("%s: doc.go: error %v, or no comment on the package", folder, err)
			continue
		}
		text := file.Doc.Text()
		if !strings.HasPrefix(text, "Package "+file.Name.Name+" ") || !hasCode(text) {
			t.Errorf("%s/doc.go has no indented example, or does not begin with Package %s", folder, file.Name.Name)
		}
		if runs := examples(t, files, folder); runs == 0 {
			t.Errorf("%s has no Example with an output, so none that go test runs", folder)
		}
	}
}

func hasCode(text string) bool {
	var p comment.Parser
	for _, block := range p.Parse(text).Content {
		if _, ok := block.(*comment.Code); ok {
			return true
		}
	}
	return false
}

// examples returns how many examples of a package's external tests run.
func examples(t *testing.T, files *token.FileSet, folder string) int {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var tests []*ast.File
	for _, entry := range entries {
		if strings.HasSuffix(entry.Name(), "_test.go") {
			file, err := parser.ParseFile(files, filepath.Join(folder, entry.Name()), nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasSuffix(file.Name.Name, "_test") { // as a user writes it
				tests = append(tests, file)
			}
		}
	}
	runs := 0
	for _, example := range doc.Examples(tests...) {
		if example.Output != "" {
			runs++
		}
	}
	return runs
}
