package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/adk-fallback/adk-fallback/internal/catalog"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// stdin names standard input among the arguments, and stdinName in messages.
const (
	stdin     = "-"
	stdinName = "<stdin>"
)

// knownOf returns what is known of an application that supplies models of the names
// supplied; nil means that it is not known which it supplies.
func knownOf(supplied []string) spec.Known {
	known := catalog.Known()
	if supplied != nil {
		known.Model = func(name string) bool { return slices.Contains(supplied, name) }
	}
	return known
}

// readPolicy reads a policy file and checks it with known; the file "-" is in.
//
// The policy is nil if one of the problems is an error. The error is about the
// file itself, which could not be read.
func readPolicy(file string, in io.Reader, known spec.Known) (*spec.Policy, []spec.Problem, error) {
	data, err := readFile(file, in)
	if err != nil {
		return nil, nil, err
	}
	p, err := known.Parse(data)
	if bad, ok := errors.AsType[*spec.Error](err); ok {
		return nil, bad.Problems, nil
	}
	if err != nil {
		return nil, nil, err
	}
	return p, spec.Check(p, known), nil // the warnings
}

// readTwice reports whether standard input is among files more than once. It can be read only once.
func readTwice(files ...string) bool {
	first := slices.Index(files, stdin)
	return first >= 0 && slices.Contains(files[first+1:], stdin)
}

// checkOutput returns an error if writing file would destroy one of the inputs.
func checkOutput(file string, inputs ...string) error {
	out, err := os.Stat(file)
	if err != nil || !out.Mode().IsRegular() {
		return nil // writing it returns the error
	}
	for _, input := range inputs {
		if in, err := os.Stat(input); err == nil && os.SameFile(in, out) {
			return fmt.Errorf("%s is an input, which the output would replace; name another output file", file)
		}
	}
	return nil
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
	return io.ReadAll(io.LimitReader(in, spec.MaxFile+1)) // one byte more than allowed, so that Parse reports it
}
