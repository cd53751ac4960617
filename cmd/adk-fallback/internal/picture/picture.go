// Package picture shows what a policy file becomes: the tree that a call goes
// through, the model behind each target, and the worst case of a call.
//
//	p, err := spec.Parse(data)
//	…
//	err = picture.Of(p, spec.Known{}).Print(os.Stdout)
//
// It reads the checked file and builds nothing. It therefore imports no model,
// provider, router or ADK; a test keeps it so. Another test compares the tree with
// the one that package policy builds.
package picture

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/duration"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// Picture is what a policy becomes, for people and, as JSON, for programs.
type Picture struct {
	Models    []Model `json:"models"` // each once, in the order of the chain
	Tree      *Layer  `json:"tree"`   // the outermost layer
	WorstCase Worst   `json:"worst_case"`
}

// Of returns the picture of p, a policy without errors. known is what [spec.Check] was
// given; from it come the models that the application supplies and the context windows of
// the others. p is not changed.
func Of(p *spec.Policy, known spec.Known) *Picture {
	v := view{p, known}
	return &Picture{Models: v.models(), Tree: v.tree(), WorstCase: worstOf(p)}
}

// Print writes the picture as text.
func (p *Picture) Print(out io.Writer) error {
	if err := p.Tree.print(out, 0); err != nil {
		return err
	}
	fmt.Fprintln(out, "\nmodels")
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, m := range p.Models {
		served := m.served()
		if from := m.from(); from != "" {
			served += "\t" + from
		}
		fmt.Fprintf(w, "  %s\t%s\n", m.Name, served)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "\nworst case of a call\n%s", p.WorstCase)
	return err
}

// view is a policy without errors, as it is drawn.
type view struct {
	*spec.Policy
	known spec.Known
}

// Short writes a duration as a person would: 1m, not 1m0s.
func Short(d time.Duration) string { return duration.Text(d.Round(time.Microsecond)) }

// Plural counts things; "" for none.
func Plural(n int, thing string) string {
	switch n {
	case 0:
		return ""
	case 1:
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

func words[T ~string](all []T) string {
	var b strings.Builder
	for i, word := range all {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(word))
	}
	return b.String()
}
