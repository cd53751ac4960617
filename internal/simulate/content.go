package simulate

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/simulate/scenario"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// dice draws the contents of calls.
type dice struct {
	draw                *rand.Rand
	traffic             *scenario.Traffic
	in, out             scenario.Tokens
	tenants, priorities []string
	paying, ranked      []float64 // shares of those
	label               string    // that has the priority, too; "" for none
	questions           *rand.Zipf
}

func (w *world) contents() *dice {
	t := w.scenario.Traffic
	d := &dice{draw: source(w.seed, contents), traffic: t, in: scenario.Tokens{P50: 800, P99: 8000}, out: scenario.Tokens{P50: 150, P99: 600}}
	if t.InputTokens != nil {
		d.in = *t.InputTokens
	}
	if t.OutputTokens != nil {
		d.out = *t.OutputTokens
	}
	if p := w.policy.Priority; p != nil {
		d.label, _ = strings.CutPrefix(p.From, "labels.")
	}
	d.tenants, d.paying = sorted(t.Tenants)
	d.priorities, d.ranked = sorted(t.Priorities)
	if t.Questions > 0 {
		different := max(1, uint64(float64(t.Questions)*w.replicas/w.each))
		d.questions = rand.NewZipf(d.draw, 1.1, 1, different-1)
	}
	return d
}

// sorted returns names in order, and their shares.
func sorted(shares map[string]scenario.Share) (names []string, of []float64) {
	names = slices.Sorted(maps.Keys(shares))
	for _, name := range names {
		of = append(of, float64(shares[name]))
	}
	return names, of
}

// next returns the content of call id.
func (d *dice) next(id int) (*oneCall, call.Info, *model.LLMRequest, bool) {
	c := &oneCall{id: id, in: tokens(d.draw, d.in), out: tokens(d.draw, d.out)}
	streamed := d.draw.Float64() < float64(d.traffic.Streamed)
	user := "user " + strconv.Itoa(id)
	info := call.Info{User: user, Session: user, Tenant: pick(d.tenants, d.paying, d.draw.Float64()), Priority: pick(d.priorities, d.ranked, d.draw.Float64())}
	if info.Tenant == "" {
		info.Tenant = "tenant"
	}
	if d.label != "" {
		info.Labels = map[string]string{d.label: info.Priority}
	}
	question := uint64(id)
	if d.questions != nil {
		question = d.questions.Uint64()
		lengths := source(0, "question", question) // an equal question has an equal length
		c.in, c.out = tokens(lengths, d.in), tokens(lengths, d.out)
	}
	c.question, c.hard = question, source(0, "hard", question).Float64()
	return c, info, &model.LLMRequest{Contents: []*genai.Content{{Role: genai.RoleUser, Parts: []*genai.Part{
		{Text: "Question " + strconv.FormatUint(question, 10) + "."}, {Text: words(c.in)},
	}}}}, streamed
}

// maxWords bounds the text of a request or an answer, in tokens. Longer ones have only the
// count.
const maxWords = 20_000

// filler is text of which four bytes are about a token.
var filler = strings.Repeat("word words of text ", maxWords*4/19+1)

// words returns text of n tokens.
func words(n int) string { return filler[:4*min(n, maxWords)] }
