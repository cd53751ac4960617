package spec

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/adk-fallback/adk-fallback/internal/strictyaml"
)

// Problem is one thing that is wrong with a file: where it is, what is there and
// what may be, neither of which repeats what may be a key.
type Problem = strictyaml.Problem

// Severity says what a [Problem] means for the file.
type Severity = strictyaml.Severity

const (
	SeverityError   = strictyaml.SeverityError   // the file cannot be used
	SeverityWarning = strictyaml.SeverityWarning // it can, but perhaps does not do what it seems to
)

// Error is what is wrong with a file, all of it, in the order of the file.
// At least one of the problems is an error; warnings come along. Of more than 100
// the errors come first, and a last one says how many are left out.
type Error struct {
	Problems []Problem
	File     string // its name, if [Load] or [Watch] has read it
}

// Error returns a line for each problem.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "policy: %s has problems:", cmp.Or(e.File, "the file"))
	for _, p := range e.Problems {
		b.WriteString("\n" + p.String())
	}
	return b.String()
}

// What the checks use of package strictyaml.
func at(path string, rest ...any) string { return strictyaml.At(path, rest...) }
func quoted(text string) string          { return strictyaml.Quoted(text) }
func didYouMean(word string, candidates []string) (hint string) {
	return strictyaml.DidYouMean(word, candidates)
}
