package strictyaml

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/adk-fallback/adk-fallback/internal/nearest"
)

// Severity says what a [Problem] means for the file.
type Severity string

const (
	SeverityError   Severity = "error"   // the file cannot be used
	SeverityWarning Severity = "warning" // it can, but perhaps does not do what it seems to
)

// Problem is one thing that is wrong with a file.
type Problem struct {
	// Line and Column are where, from 1; columns count characters. 0 means that
	// there is no place to point at: the value is not from a file.
	Line, Column int
	// Path is the value, such as fallbacks[0].condition; "" for the whole file.
	Path string
	// Message says what is wrong and what to do. It repeats nothing that may be a key.
	Message  string
	Severity Severity
}

// String returns "line:column: path: message", with "warning: " in front of the path
// of a warning.
func (p Problem) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d:%d: ", p.Line, p.Column)
	if p.Severity == SeverityWarning {
		b.WriteString("warning: ")
	}
	if p.Path != "" {
		b.WriteString(p.Path + ": ")
	}
	return b.String() + p.Message
}

// InOrder sorts problems by place and drops repetitions, as an alias makes them.
func InOrder(problems []Problem) []Problem {
	// sort.Slice and not package slices, which compiles its sorting anew for each struct: 14 KB of every binary.
	sort.Slice(problems, func(i, j int) bool {
		a, b := &problems[i], &problems[j]
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Message, b.Message), cmp.Compare(a.Path, b.Path)) < 0
	})
	return slices.CompactFunc(problems, func(a, b Problem) bool {
		return a.Line > 0 && a.Line == b.Line && a.Column == b.Column && a.Message == b.Message
	})
}

// MaxProblems is how many problems are reported. Nobody reads more, and a file
// may have thousands.
const MaxProblems = 100

// AtMost leaves MaxProblems of problems, errors rather than warnings, and adds one
// that says how many are left out.
func AtMost(problems []Problem) []Problem {
	if len(problems) <= MaxProblems {
		return problems
	}
	errs := make([]Problem, 0, len(problems))
	var warnings []Problem
	for _, p := range problems {
		if p.Severity == SeverityWarning {
			warnings = append(warnings, p)
		} else {
			errs = append(errs, p)
		}
	}
	problems = append(errs, warnings...)
	left := problems[MaxProblems:]
	problems = InOrder(slices.Clone(problems[:MaxProblems]))
	last := problems[len(problems)-1]
	return append(problems, Problem{
		Line: last.Line, Column: last.Column, Message: fmt.Sprintf("and at least %d more problems", len(left)), Severity: left[0].Severity,
	})
}

// HasErrors reports whether one of the problems is an error.
func HasErrors(problems []Problem) bool {
	return slices.ContainsFunc(problems, func(p Problem) bool { return p.Severity == SeverityError })
}

// DidYouMean returns " (did you mean …?)" for the candidate that word is most
// likely a misspelling of, "" if none is near.
func DidYouMean(word string, candidates []string) string {
	best := nearest.Of(word, candidates)
	if best == "" || best == word {
		return ""
	}
	return fmt.Sprintf(" (did you mean %s?)", best)
}
