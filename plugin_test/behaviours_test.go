package plugin_test

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Each behaviour that docs/behaviours.md lists has a test that cites it, and no
// test cites one that is not listed.
func TestBehavioursAreProven(t *testing.T) {
	data, err := os.ReadFile("../docs/behaviours.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := make(map[string]bool)
	for _, line := range regexp.MustCompile(`(?m)^- (B\d{2,3}): `).FindAllStringSubmatch(string(data), -1) {
		if listed[line[1]] {
			t.Errorf("%s is listed twice", line[1])
		}
		listed[line[1]] = true
	}
	if len(listed) == 0 {
		t.Fatal("no behaviour is listed")
	}
	cited := make(map[string]string) // by a file
	citation := regexp.MustCompile(`\bB\d{2,3}\b`)
	err = filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		// These packages have tests that other packages run, so their files are no test files.
		folder := filepath.Base(filepath.Dir(path))
		isTest := strings.HasSuffix(path, "_test.go") || folder == "plugintest" || folder == "providertest"
		if err != nil || entry.IsDir() || !isTest {
			return err
		}
		code, err := os.ReadFile(path)
		for _, comment := range regexp.MustCompile(`//.*`).FindAllString(string(code), -1) {
			for _, number := range citation.FindAllString(comment, -1) {
				cited[number] = path
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, number := range slices.Sorted(maps.Keys(listed)) {
		if cited[number] == "" {
			t.Errorf("no test cites %s", number)
		}
	}
	for _, number := range slices.Sorted(maps.Keys(cited)) {
		if !listed[number] {
			t.Errorf("%s cites %s, which is not listed", cited[number], number)
		}
	}
}
