package price

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/adk-fallback/adk-fallback/internal/nearest"
)

// row is one model of a provider's list, under the name that it has without a date or a release stage.
type row struct {
	name   string
	window int // the longest input that the model accepts, in tokens
	price  Price
}

// flat is a price that holds for requests of any length. The compiler makes data of what calls it.
func flat(input, cached, output float64) Price { return Price{Rates: Rates{input, cached, output}} }

// list is immutable once built.
var list = sync.OnceValue(func() map[string]row {
	all := map[string]row{}
	for source, rows := range map[string][]row{googleSource: google, openaiSource: openai, anthropicSource: anthropic} {
		for _, r := range rows {
			r.price.Source = source
			all[r.name] = r
		}
	}
	return all
})

// release matches the end of a model's name that picks a release of the model without changing its price: a date
// (-2024-08-06, -20250929, @20250929, -preview-09-2025, -preview-05-06), a number of three digits, a stage.
var release = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?:-\d{4}-\d{2}-\d{2}|[-@]\d{8}|-(?:preview|exp)-\d{2}-(?:\d{4}|\d{2})|-\d{3}|-preview|-exp|-latest)$`)
})

// Of returns the list price of a model, and false if it has none: an unknown model is not a free one.
//
// The path before a name does not matter (models/…, publishers/google/models/…, openai/…). An exact match wins; else the
// name counts without its release (gpt-4o-2024-08-06 is gpt-4o). Any other suffix makes another model, which may cost
// something else: gemini-2.5-flash-image is not gemini-2.5-flash. Safe for concurrent use.
func Of(model string) (Price, bool) {
	r, ok := find(model)
	return r.price, ok
}

// Window returns the length in tokens of the longest input that a listed model accepts, and false if it is not listed. It finds the
// model as Of does. Some providers count the answer in: the more a model may answer, the less it can read. Safe for concurrent use.
func Window(model string) (tokens int, ok bool) {
	r, ok := find(model)
	return r.window, ok
}

// Near returns the listed model that a name misspells, "" if it is listed or near none. Only one word between the
// hyphens may differ, and no part with a digit, because gpt-5.9 is a later model and not a misspelled gpt-5.2.
// Safe for concurrent use.
func Near(model string) string {
	if _, ok := find(model); ok {
		return ""
	}
	words := strings.Split(model[strings.LastIndexByte(model, '/')+1:], "-")
	for _, name := range slices.Sorted(maps.Keys(list())) {
		if oneMisspelled(words, strings.Split(name, "-")) {
			return name
		}
	}
	return ""
}

// oneMisspelled reports whether exactly one of words differs from the meant one, and is near it.
func oneMisspelled(words, meant []string) bool {
	if len(words) != len(meant) {
		return false
	}
	different := 0
	for i, word := range words {
		if word == meant[i] {
			continue
		}
		different++
		if strings.ContainsAny(word+meant[i], "0123456789") || nearest.Of(word, meant[i:i+1]) == "" {
			return false
		}
	}
	return different == 1
}

func find(model string) (row, bool) {
	name := model[strings.LastIndexByte(model, '/')+1:]
	for {
		if r, ok := list()[name]; ok {
			return r, true
		}
		end := release().FindStringIndex(name)
		if end == nil {
			return row{}, false
		}
		name = name[:end[0]]
	}
}
