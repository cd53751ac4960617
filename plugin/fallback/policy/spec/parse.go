package spec

import "github.com/adk-fallback/adk-fallback/internal/strictyaml"

// Parse reads a policy file and checks it as [Check] does, without knowing
// anything of the application. If anything in it is an error, that is an *[Error]
// with everything that is wrong, warnings included. No bytes make it panic.
//
// A file is UTF-8 text of at most 64 KiB with one YAML document. It may use
// anchors, aliases and merge keys, for at most 10,000 values in all. Its
// conditions have at most 4 KiB in all, and 512 bytes each.
func Parse(data []byte) (*Policy, error) { return parse(data, Known{}) }

// MaxFile is the largest policy file, in bytes.
const MaxFile = strictyaml.MaxFile

// Parse is [Parse] with what is known of the application: what that adds to the
// mistakes in a file is reported with all the others.
func (k Known) Parse(data []byte) (*Policy, error) { return parse(data, k) }

// parse is Parse with what is known of the application.
func parse(data []byte, known Known) (*Policy, error) {
	p := &Policy{}
	p.doc = format().Decode(data, p)
	if problems := Check(p, known); strictyaml.HasErrors(problems) {
		return nil, &Error{Problems: problems}
	}
	return p, nil
}
