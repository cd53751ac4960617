package strictyaml

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strings"
)

// Severity is the severity of a [Problem].
type Severity string

const (
	SeverityError   Severity = "error"   // the file cannot be used
	SeverityWarning Severity = "warning" // the file can be used, but may not have the intended effect
)

// Problem is one problem of a file.
type Problem struct {
	// Line and Column are its place, from 1; columns count characters. 0 means that the
	// value is not from a file.
	Line, Column int
	// Path names the value, such as fallbacks[0].condition; "" means the whole file.
	Path string
	// Message says what is wrong and what to do. It never repeats anything that may be a key.
	Message  string
	Severity Severity
}

// String returns "line:column: path: message", with "warning: " before the path for a
// warning.
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

// InOrder sorts problems by place and removes duplicates, which aliases cause.
func InOrder(problems []Problem) []Problem {
	// sort.Slice instead of package slices, which compiles its sorting for each struct: that is 14 KB of every binary.
	sort.Slice(problems, func(i, j int) bool {
		a, b := &problems[i], &problems[j]
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Message, b.Message), cmp.Compare(a.Path, b.Path)) < 0
	})
	return slices.CompactFunc(problems, func(a, b Problem) bool {
		return a.Line > 0 && a.Line == b.Line && a.Column == b.Column && a.Message == b.Message
	})
}

// MaxProblems is how many problems are reported. A file may have thousands, and nobody
// reads them all.
const MaxProblems = 100

// AtMost returns MaxProblems of problems, errors before warnings, and one more that says
// how many others there are.
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
