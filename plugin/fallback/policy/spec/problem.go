package spec

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/adk-fallback/adk-fallback/internal/strictyaml"
)

// Problem is one problem of a file, with its place. Its message never repeats anything
// that may be a key.
type Problem = strictyaml.Problem

// Severity is the severity of a [Problem].
type Severity = strictyaml.Severity

const (
	SeverityError   = strictyaml.SeverityError   // the file cannot be used
	SeverityWarning = strictyaml.SeverityWarning // the file can be used, but may not have the intended effect
)

// Error has all problems of a file in the order of the file. At least one of them is an
// error; the others may be warnings. At most 100 are listed, errors first, and then one
// that counts the others.
type Error struct {
	Problems []Problem
	File     string // its name, if policy.Load or policy.Watch has read it
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

// Problem returns a problem with the value at path. Its place is that of the value, or of
// the nearest section or list around it that the file has.
func (p *Policy) Problem(severity Severity, path, message string) Problem {
	around := path
	at, ok := p.doc.Places[around]
	for !ok && around != "" {
		around = around[:max(strings.LastIndexAny(around, ".["), 0)]
		at, ok = p.doc.Places[around]
	}
	return Problem{Line: at.Line, Column: at.Column, Path: p.Redact(path), Message: p.Redact(message), Severity: severity}
}
