package provider

import (
	"slices"
	"strings"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/internal/modelname"
)

// Accepts returns what t accepts: what the tables say of its API, model and
// endpoint, overridden by t.Takes. The result shares memory with the tables, so
// it is read only.
func (t Target) Accepts() Takes {
	if t.accepts != nil {
		return *t.accepts
	}
	var takes Takes
	name, version := modelname.Parse(t.Model)
	for _, table := range tables {
		for i := range table {
			if row := &table[i]; row.matches(t, name, version) {
				takes.set(&row.takes)
			}
		}
	}
	takes.set(&t.Takes)
	return takes
}

// over returns t with every field that is set in more instead of t's own.
func (t Takes) over(more Takes) Takes {
	t.set(&more)
	return t
}

// set gives t every field that is set in more.
func (t *Takes) set(more *Takes) {
	for _, field := range []struct{ to, from **bool }{
		{&t.Temperature, &more.Temperature},
		{&t.TopP, &more.TopP},
		{&t.TopK, &more.TopK},
		{&t.Penalties, &more.Penalties},
		{&t.Seed, &more.Seed},
		{&t.Logprobs, &more.Logprobs},
		{&t.Candidates, &more.Candidates},
		{&t.Safety, &more.Safety},
		{&t.Labels, &more.Labels},
		{&t.ThinkingWithTools, &more.ThinkingWithTools},
		{&t.Tools, &more.Tools},
		{&t.ForcedTool, &more.ForcedTool},
		{&t.MixedTools, &more.MixedTools},
		{&t.JSON, &more.JSON},
		{&t.Schema, &more.Schema},
		{&t.SchemaWithTools, &more.SchemaWithTools},
		{&t.CachedContent, &more.CachedContent},
		{&t.MediaURL, &more.MediaURL},
		{&t.ToolMedia, &more.ToolMedia},
		{&t.PartResolution, &more.PartResolution},
		{&t.Prefill, &more.Prefill},
		{&t.System, &more.System},
	} {
		if *field.from != nil {
			*field.to = *field.from
		}
	}
	for _, field := range []struct{ to, from *[]string }{
		{&t.ThinkingLevels, &more.ThinkingLevels},
		{&t.ProviderTools, &more.ProviderTools},
		{&t.Modalities, &more.Modalities},
		{&t.Media, &more.Media},
	} {
		if *field.from != nil {
			*field.to = *field.from
		}
	}
	if more.StopSequences != nil {
		t.StopSequences = more.StopSequences
	}
	if more.ThinkingBudget != nil {
		t.ThinkingBudget = more.ThinkingBudget
	}
}

// tables are all tables in the order in which they apply: a later row overrides
// an earlier one, field by field. The limits of a protocol come before those of
// its models.
var tables = [][]row{geminiTable, anthropicTable, openaiTable, chatTable}

// row says what some targets accept. In each table the strictest known rules of
// a family's newest models come first and without a version, so that they apply
// to future names. Rows for older models follow, selected by version.
type row struct {
	apis  []API
	host  string // patterns of [match] for the endpoint, separated by spaces; "" for any
	model string // the same for the model's name as [modelname.Parse] returns it
	// The versions that the row is for, from since to before; 0 for no bound.
	since, before modelname.Version
	takes         Takes
}

func (r *row) matches(t Target, name string, v modelname.Version) bool {
	return slices.Contains(r.apis, t.API) &&
		(r.since == 0 || v >= r.since) && (r.before == 0 || v < r.before) &&
		matchesAny(r.host, t.Endpoint) && matchesAny(r.model, name)
}

// matchesAny tells whether s matches one of patterns, which spaces separate.
func matchesAny(patterns, s string) bool {
	for patterns != "" {
		var pattern string
		pattern, patterns, _ = strings.Cut(patterns, " ")
		if match(pattern, s) {
			return true
		}
		if patterns == "" {
			return false
		}
	}
	return true
}

// match tells whether pattern is s, where * stands for any text and # for a digit.
func match(pattern, s string) bool {
	for i := 0; i < len(pattern); i++ {
		if pattern[i] == '*' {
			rest := pattern[i+1:]
			if rest == "" {
				return true
			}
			for ; i <= len(s); i++ {
				if match(rest, s[i:]) {
					return true
				}
			}
			return false
		}
		if i >= len(s) || pattern[i] != s[i] && (pattern[i] != '#' || s[i] < '0' || s[i] > '9') {
			return false
		}
	}
	return len(pattern) == len(s)
}

// Shorthands of the tables. What they point to is shared, so that the compiler lays out the rows: as code that fills them at
// the start of the process they were 18 KB.
func yes() *bool             { return &accepted }
func no() *bool              { return &refused }
func noBudget() *Budget      { return &withoutBudget }
func ptr[T any](v T) *T      { return &v }
func list(s string) []string { return strings.Fields(s) }

var (
	accepted, refused = true, false
	withoutBudget     Budget
)
