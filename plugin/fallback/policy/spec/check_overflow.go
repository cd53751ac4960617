package spec

import "slices"

// overflow finds a policy that cannot trim, because no window is known.
func (c *checker) overflow() {
	if c.Overflow != "trim" || c.known.Window == nil {
		return
	}
	if !slices.ContainsFunc(c.models(), func(t Target) bool { return c.known.ContextWindow(t.Resolved) > 0 }) {
		c.err("overflow", "trim needs a target whose context window is known; set models.NAME.context_window")
	}
}
