package engine_test

import (
	"slices"
	"strconv"
	"testing"

	"google.golang.org/adk/v2/model"
)

// build makes the model of one side over targets. Its breakers, if it has any that
// can be configured, open after so many failures in a row.
type build func(tb testing.TB, targets []*fake, breaker int) model.LLM

// row is a call that is made through two sides.
type row struct {
	name string
	aim  float64 // largest ratio of a's processor time to b's; 0 means that there is none
	a, b side
}

// side is one way to make the call of a row.
type side struct {
	name    string
	build   build
	targets func() []*fake
	request func() *model.LLMRequest // nil means tiny
	breaker int
	primed  int   // calls before those that count
	asked   []int // how often one call asks each target

	chunks   int  // of the answer; 0 means that the call is not streamed
	perChunk bool // the figures are for a chunk, not for a call
}

// with returns s with another name and build.
func (s side) with(name string, b build) side {
	s.name, s.build = name, b
	return s
}

// rows returns all rows. The resumed streams have so many chunks and four times as
// many.
func rows(resumedChunks int) []row {
	beside := func(name string, aim float64, s side) row {
		return row{name, aim, s.with("ours", ours), s.with("failsafe-go", theirs)}
	}
	looped := func(name string, s side) row {
		return row{name, 0, s.with("ours", ours), s.with("failsafe-go in a loop", theirLoop)}
	}
	cached := func(name string, request func() *model.LLMRequest) row {
		s := side{targets: targets(1, 0, 1), request: request, primed: 1, asked: []int{0}}
		return row{name, 1, s.with("ours", oursCached), s.with("failsafe-go", theirsCached)}
	}
	file := func(name, policy string, tree build, s side) row {
		return row{name, 1.3, s.with("compiled", compiled(policy)), s.with("by hand", tree)}
	}
	second := side{targets: targets(2, 1, 1), breaker: openNever, asked: []int{1, 1}}
	last := side{targets: targets(16, 15, 1), breaker: openNever, asked: slices.Repeat([]int{1}, 16)}
	healthy := side{targets: targets(3, 0, 1), breaker: openAfter, asked: []int{1, 0, 0}}
	open := side{targets: targets(3, 1, 1), breaker: openAfter, primed: openAfter, asked: []int{0, 1, 0}}
	return []row{
		beside("healthy call", 0.6, side{targets: targets(2, 0, 1), breaker: openAfter, asked: []int{1, 0}}),
		beside("healthy stream of 64", 0.7, side{targets: targets(2, 0, 64), chunks: 64, breaker: openAfter, asked: []int{1, 0}}),
		beside("first fails, second answers", 0.8, second),
		looped("first fails, second answers", second),
		beside("open breaker in front", 0.7, side{targets: targets(2, 1, 1), breaker: openAfter, primed: openAfter, asked: []int{0, 1}}),
		beside("last of 16 answers", 0.8, last),
		looped("last of 16 answers", last),
		cached("cache hit, tiny request", tiny),
		cached("cache hit, 20 contents with tools", conversation),
		file("policy, healthy call", field, byHand, healthy),
		file("policy, open breaker in front", field, byHand, open),
		file("policy of all layers, healthy call", layered, ours, healthy),
		file("policy of all layers, open breaker in front", layered, ours, open),
		growth("resumed stream, answered anew", false, resumedChunks),
		growth("resumed stream, continued", true, resumedChunks),
	}
}

func targets(n, failing, words int) func() []*fake {
	return func() []*fake { return fakes(n, failing, words) }
}

// growth compares the cost per chunk of a resumed stream with that of one a quarter
// as long: where the cost is linear, the ratio is 1. The first target fails after
// half of the chunks. The second sends the rest if it is given the beginning, else
// all.
func growth(name string, prefill bool, chunks int) row {
	length := func(name string, chunks int) side {
		first := 0
		if prefill {
			first = chunks / 2
		}
		return side{
			name: name, build: resumed(prefill), asked: []int{1, 1}, chunks: chunks, perChunk: true,
			targets: func() []*fake {
				return []*fake{newFake("model-a", 0, chunks/2, errGone), newFake("model-b", first, chunks, nil)}
			},
		}
	}
	return row{name, 0, length(strconv.Itoa(4*chunks), 4*chunks), length(strconv.Itoa(chunks), chunks)}
}
