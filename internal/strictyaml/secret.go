package strictyaml

import (
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/adk-fallback/adk-fallback/internal/redact"
)

// trace is how many bytes in a row of a secret must not be repeated.
const trace = 8

// secrets are all traces of what in a file looks like a key or an address.
type secrets map[[trace]byte]struct{}

// secretsIn returns those of a file.
func secretsIn(root *yaml.Node) secrets {
	all := secrets{}
	all.note(root)
	return all
}

// note adds what looks like a secret in the keys and values of n. It looks at all of
// them, because a message can repeat a piece that no longer looks like one.
func (s secrets) note(n *yaml.Node) {
	for _, found := range redact.Spans(n.Value) {
		for i := found.Start; i+trace <= found.End; i++ {
			s[[trace]byte([]byte(n.Value[i:i+trace]))] = struct{}{}
		}
	}
	for _, within := range n.Content {
		s.note(within)
	}
}

// Redact returns text without any eight bytes in a row of what looks like a key or an
// address in the file.
func (d *Document) Redact(text string) string {
	if len(d.secrets) == 0 {
		return text
	}
	var b strings.Builder
	hidden := 0 // the end of the last trace
	for i := range len(text) {
		if i+trace <= len(text) {
			if _, found := d.secrets[[trace]byte([]byte(text[i:i+trace]))]; found {
				if i >= hidden {
					b.WriteString("[redacted]")
				}
				hidden = i + trace
			}
		}
		if i >= hidden {
			b.WriteByte(text[i])
		}
	}
	return b.String()
}
