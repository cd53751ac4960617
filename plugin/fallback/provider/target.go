package provider

import "cmp"

// Over returns t with what it leaves open taken from base: a description by
// hand over what a model tells of itself.
func (t Target) Over(base Target) Target {
	return Target{
		API: cmp.Or(t.API, base.API), Model: cmp.Or(t.Model, base.Model), Endpoint: cmp.Or(t.Endpoint, base.Endpoint),
		Takes: base.Takes.over(t.Takes), Drop: t.Drop || base.Drop,
	}
}

// Resolved returns t with the tables looked up, which [Target.Fit] else does
// for each request.
func (t Target) Resolved() Target {
	accepts := t.Accepts()
	t.accepts = &accepts
	return t
}
