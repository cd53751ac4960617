package spec

import "github.com/adk-fallback/adk-fallback/internal/strictyaml"

// Parse reads a policy file and checks it like [Check] with the zero [Known]. If there is
// any error, it returns an *[Error] with all problems, warnings included. It does not
// panic, whatever data is.
//
// A file is UTF-8 text of at most 64 KiB with one YAML document. It may use anchors,
// aliases and merge keys, for at most 10,000 values in all. A condition has at most 512
// bytes, and all conditions together at most 4 KiB.
func Parse(data []byte) (*Policy, error) { return Known{}.Parse(data) }

// MaxFile is the largest policy file, in bytes.
const MaxFile = strictyaml.MaxFile

// Parse is like the function [Parse], but checks the file with k.
func (k Known) Parse(data []byte) (*Policy, error) {
	p := &Policy{}
	p.doc = format().Decode(data, p)
	if problems := Check(p, k); strictyaml.HasErrors(problems) {
		return nil, &Error{Problems: problems}
	}
	return p, nil
}

// Redact returns text without what looks like a key or an address in the file of p: no
// eight bytes of it in a row are left. Whoever prints values of a policy prints them
// redacted, because a key may stand in any place by mistake.
func (p *Policy) Redact(text string) string { return p.doc.Redact(text) }
