package fallbacktest

import "fmt"

// Strict makes the provider refuse what the real APIs refuse, with the status and
// in the shape of the real error: a message of the wrong role, a call without its
// result, a setting that the model no longer takes. It applies to the requests
// that come from then on. A refused request takes no step of the script; its
// [Request.Violation] says what was wrong.
//
// What is refused depends on the model's name, as it does in reality: rules that
// bind some models bind those whose names begin as theirs do. A name that belongs
// to no known family is held to the rules of the API alone.
func (p *Provider) Strict() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.strict = true
}

func (p *Provider) isStrict() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.strict
}

// Violations returns what was wrong with each request that strict mode refused,
// in the order in which they came. A test that ends with none has sent only what
// the real APIs accept, as far as the rules here know them.
func (p *Provider) Violations() []string {
	var out []string
	for _, r := range p.filter(func(r *Request) bool { return r.Violation != "" }) {
		out = append(out, fmt.Sprintf("%s: %s", r.Model, r.Violation))
	}
	return out
}
