package picture

import (
	"fmt"
	"strings"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// cascade puts the cheap model, and what judges its answers, around the primary, which is
// drawn as strong.
func (v view) cascade(t *spec.Target, strong *Layer) *Layer {
	tree := around("cascade", cascadeText(v.Cascade), v.modelOrArms(t.Cheap), strong)
	if d := v.Cascade.Degrade; d != nil {
		to := spec.Target{Resolved: v.Resolve(d.To)}
		tree.Within = append(tree.Within, v.flagged(to.Resolved, around(to.Name, lastResortText(v.Policy, &to))))
	}
	if t.Grader != nil {
		tree.Within = append(tree.Within, around("grader", "confidence by its reply", v.model(t.Grader, t.Grader.Resolved)))
	}
	return tree
}

// cascadeText says in a few words when the cheap model's answer is returned.
func cascadeText(c *spec.Cascade) string {
	var judges []string
	if c.Checks != nil {
		judges = append(judges, "checks ("+validateText(c.Checks)+")")
	}
	if measure := c.Measure(); measure != "" {
		judges = append(judges, measure)
	}
	if c.Grader != "" {
		judges = append(judges, "grader "+c.Grader)
	}
	text := "the first model's answer if accepted by " + strings.Join(judges, ", then ")
	if c.Measure() != "" || c.Grader != "" {
		text += fmt.Sprintf(", from a confidence of %s", c.Confidence)
	}
	if d := c.Degrade; d != nil {
		text += fmt.Sprintf("; %s below %s", d.To, d.Below)
	}
	text += "; else the second's"
	if c.MaxCost > 0 {
		text += fmt.Sprintf(", for up to %s", c.MaxCost)
	}
	if c.Hold {
		text += "; streams are held back"
	}
	if len(c.Tenants) > 0 {
		text += "; own settings for " + Plural(len(c.Tenants), "tenant")
	}
	return text
}

// overflowText names the targets that get a trimmed request, in order; "" for none.
func (v view) overflowText() string {
	if v.Overflow != "trim" {
		return ""
	}
	var names []string
	for _, t := range v.Targets() {
		if !t.LastResort() && v.known.ContextWindow(t.Resolved) > 0 {
			names = append(names, t.Name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return "requests that were too long try " + strings.Join(names, ", ") + " here, with the middle of the history omitted"
}
