package main

import (
	"fmt"
	"io"
	"unicode/utf8"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
)

// prices are US dollars per million tokens, of prompts of up to 200,000 tokens:
// https://ai.google.dev/gemini-api/docs/pricing, November 2026.
var prices = map[string]struct{ input, output float64 }{
	cheap:  {0.10, 0.40},
	strong: {1.25, 10},
}

// newBudget returns a budget without a limit: it only counts.
func newBudget() *middleware.Budget {
	return middleware.MustBudget(middleware.BudgetConfig{
		// A guess, for an attempt that reports no usage.
		Price: func(name string, _ *model.LLMRequest) (float64, bool) { return cost(name, 100, 100), true },
		Cost: func(name string, usage *genai.GenerateContentResponseUsageMetadata) float64 {
			return cost(name, usage.PromptTokenCount, usage.CandidatesTokenCount+usage.ThoughtsTokenCount)
		},
	})
}

func cost(name string, input, output int32) float64 {
	p := prices[name]
	return (float64(input)*p.input + float64(output)*p.output) / 1e6
}

// bill compares two runs of the workload.
type bill struct {
	want, got   []answer
	alone, both float64 // US dollars
}

func (b bill) print(out io.Writer) error {
	p := printer{out: out}
	same, escalated := 0, 0
	for i, q := range workload {
		p.printf("%s%*s %s", q.text, max(66-utf8.RuneCountInString(q.text), 0), "", b.got[i].model)
		if b.got[i].why != "" {
			escalated++
			p.printf(" (%s)", b.got[i].why)
		}
		p.printf("\n")
		if b.got[i].text == b.want[i].text {
			same++
		}
	}
	p.printf("\n%-24s %d questions, %.6f USD\n", strong+" alone", len(workload), b.alone)
	p.printf("%-24s %d questions, %.6f USD: %d went on to %s\n", "cascade", len(workload), b.both, escalated, strong)
	p.printf("saved %.0f %%; %d of %d answers are the same\n", 100*(1-b.both/b.alone), same, len(workload))
	return p.err
}

// printer keeps the first error of its output.
type printer struct {
	out io.Writer
	err error
}

func (p *printer) printf(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.out, format, args...)
	}
}
