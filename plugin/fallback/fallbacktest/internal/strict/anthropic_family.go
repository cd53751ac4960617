package strict

import (
	"regexp"
	"slices"
)

// claude is what a model takes.
type claude struct {
	thinking  []string // types, besides none at all
	efforts   []string
	maxTokens float64
	forced    bool // tool choices any and tool
	sampling  bool // temperature, top_p and top_k other than their defaults
	prefill   bool
	system    bool // messages of the role system
	steady    bool // efforts xhigh and max go with no thinking type but adaptive
	bound     bool // thinking blocks are bound to all that comes before them
}

var claudeName = regexp.MustCompile(`^claude-([a-z]+)-(\d(?:-\d)?)(?:[-@]\d{8})?$`)

var (
	effortsHigh  = []string{"low", "medium", "high"}
	effortsMax   = append(slices.Clone(effortsHigh), "max")
	effortsXhigh = append(slices.Clone(effortsHigh), "xhigh", "max")
)

// claudes are the models, as their pages describe them:
// https://platform.claude.com/docs/en/build-with-claude/thinking-troubleshooting,
// /build-with-claude/effort, /api/errors, /models/overview, and for the newest the
// pages under /models.
var claudes = func() map[string]claude {
	always := claude{thinking: []string{"adaptive"}, efforts: effortsXhigh, maxTokens: 128_000, system: true}
	free := always // forced tools are accepted
	free.forced = true
	bound := always
	bound.bound = true
	between, off := always, free
	between.thinking, between.steady = []string{"adaptive", "between_tools"}, true
	off.thinking, off.steady = []string{"adaptive", "disabled"}, true
	opus48 := off
	opus48.steady = false
	plain := opus48
	plain.system = false
	v46 := claude{thinking: []string{"adaptive", "enabled", "disabled"}, efforts: effortsMax, maxTokens: 128_000, forced: true, sampling: true}
	v45 := claude{thinking: []string{"enabled", "disabled"}, efforts: []string{}, maxTokens: 64_000, forced: true, sampling: true, prefill: true}
	opus45 := v45
	opus45.efforts = effortsHigh
	return map[string]claude{
		"fable-5-2": bound, "mythos-5-2": bound, "fable-5-1": always, "mythos-5-1": always,
		"opus-5-5": always, "sonnet-5-5": between, "haiku-5-5": off,
		"fable-5": free, "mythos-5": free, "opus-5": off, "sonnet-5": plain,
		"opus-4-8": opus48, "opus-4-7": plain,
		"opus-4-6": v46, "sonnet-4-6": v46,
		"opus-4-5": opus45, "sonnet-4-5": v45, "haiku-4-5": v45,
	}
}()

// claudeOf returns what is known of a model, nil if it is none of the above.
func claudeOf(model string) *claude {
	m := claudeName.FindStringSubmatch(model)
	if m == nil {
		return nil
	}
	c, ok := claudes[m[1]+"-"+m[2]]
	if !ok {
		return nil
	}
	return &c
}
