package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/adk-fallback/adk-fallback/internal/price"
	"github.com/adk-fallback/adk-fallback/internal/strictyaml"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// maxPolicy is how much of a file is read, in bytes; more than package spec takes,
// so that its error about the length is reported.
const maxPolicy = 1 << 20

// stdin names standard input among the arguments, and stdinName in messages.
const (
	stdin     = "-"
	stdinName = "<stdin>"
)

// readPolicy reads and checks a policy file; the file "-" is in. supplied names the
// models that the application supplies; nil means that it is not known which.
//
// The policy is nil if one of the problems is an error. The error is about the
// file itself, which could not be read.
func readPolicy(file string, in io.Reader, supplied []string) (*spec.Policy, []spec.Problem, error) {
	data, err := readFile(file, in)
	if err != nil {
		return nil, nil, err
	}
	known := spec.Known{Price: func(id string) bool { _, ok := price.Of(id); return ok }, Build: true}
	if supplied != nil {
		known.Model = func(name string) bool { return slices.Contains(supplied, name) }
	}
	p, err := known.Parse(data)
	if bad, ok := errors.AsType[*spec.Error](err); ok {
		return nil, bad.Problems, nil
	}
	if err != nil {
		return nil, nil, err
	}
	problems := spec.Check(p, known)
	if strictyaml.HasErrors(problems) {
		return nil, problems, nil
	}
	return p, problems, nil
}

func readFile(file string, in io.Reader) ([]byte, error) {
	if file != stdin {
		f, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		if info, err := f.Stat(); err == nil && info.IsDir() {
			return nil, fmt.Errorf("%s is a folder; name its files, such as %[1]s%c*.yaml", file, os.PathSeparator)
		}
		in = f
	}
	return io.ReadAll(io.LimitReader(in, maxPolicy))
}
