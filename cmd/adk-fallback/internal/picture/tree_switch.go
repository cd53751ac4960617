package picture

import (
	"fmt"
	"slices"
	"strings"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// switchText says in a few words what the file says of the switch to a fallback.
func switchText(p *spec.Policy) string {
	var text strings.Builder
	switch p.Sticky {
	case "session":
		fmt.Fprintf(&text, "; a session stays with a fallback for %s", Short(p.StayFor))
	case "none":
		text.WriteString("; every call starts at the primary")
	}
	if g := p.Gate; g != nil {
		what := "withheld from fallbacks"
		if g.Approve {
			what = "approved by the application for fallbacks"
		}
		fmt.Fprintf(&text, "; %s: %s", what, strings.Join(g.Tools, ", "))
	}
	if n := p.Notice; n != nil {
		where := n.Place + " a fallback's answer"
		if n.Place == "metadata" {
			where = "in the metadata of a fallback's answer"
		}
		text.WriteString("; a notice " + where)
	}
	return text.String()
}

func previewText(p *spec.Preview, t spec.Target) string {
	return fmt.Sprintf("%s, until the answer begins, if it comes within %s", t.Name, Short(p.Timeout))
}

// standbys names the fallbacks that are kept warm, "" for none.
func (v view) standbys() string {
	var names []string
	for _, t := range v.Standbys(v.known) {
		if !slices.Contains(names, t.Name) {
			names = append(names, t.Name)
		}
	}
	return strings.Join(names, ", ")
}
