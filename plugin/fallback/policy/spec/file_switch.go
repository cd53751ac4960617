package spec

import "time"

// WarmStandby is middleware.KeepWarmConfig in a file.
type WarmStandby struct {
	// Fallbacks to keep warm; * stands for any text, and case does not matter. Default:
	// every fallback, except last resorts and models that the application supplies.
	Models []string `key:"models" items:"1..32" kind:"pattern"`
	// Time without a call after which a fallback gets a small request.
	Interval time.Duration `key:"interval" min:"1s" max:"24h" default:"1m"`
	// Longest time of a small request.
	Timeout time.Duration `key:"timeout" min:"1ms" max:"10m" default:"30s"`
}

// Notice is router.Notice in a file.
type Notice struct {
	// Text that the user sees.
	Text string `key:"text,required" kind:"notice"`
	// Where the notice is shown: before the text of the answer (before), after it (after),
	// or only in the metadata of a partial response without text (metadata).
	Place string `key:"place" enum:"before|after|metadata" default:"before"`
}

// Gate is guard.Gate in a file.
type Gate struct {
	// Names of the tools; * stands for any text. Tools that the provider runs have names
	// such as google_search.
	Tools []string `key:"tools,required" items:"1..256" kind:"pattern"`
	// If true, fallbacks get the tools, and the application's function decides about each
	// call (policy.WithApproval). Otherwise fallbacks do not get the tools, and an answer
	// that calls one of them is rejected.
	Approve bool `key:"approve" default:"false"`
}

// Preview is router.ProgressiveConfig in a file.
type Preview struct {
	// A fast model, or cached-answer: an earlier answer to the same request, up to
	// degrade.cached_max_age old.
	Model string `key:"model,required"`
	// Longest time until the preview. A later preview is not shown.
	Timeout time.Duration `key:"timeout" min:"1ms" max:"1m" default:"2s"`
}

// Adaptive is router.AdaptiveShare in a file.
type Adaptive struct {
	// Smallest share of the control, at most its share in the file. Default: 2%, or its
	// share if that is less.
	MinShare Share `key:"min_share" min:"0.1%" max:"99%"`
	// Added to the control's share after a healthy step.
	Increase Share `key:"increase" min:"0.1%" max:"100%" default:"15%"`
	// Factor of the control's share after a bad step.
	Decrease Share `key:"decrease" min:"1%" max:"99%" default:"50%"`
	// Shortest time between two changes of the share.
	Step time.Duration `key:"step" min:"10ms" max:"1h" default:"1s"`
	// Time without content after which a call is bad. Default: 1.5 times the 95th
	// percentile of the arms' times to first content, at least 100ms.
	SlowAfter time.Duration `key:"slow_after" min:"1ms" max:"10m"`
}

// PreviewTarget returns the target that is shown as a preview; ok is false for none. It has
// no condition, and no experiment replaces it.
func (p *Policy) PreviewTarget() (t Target, ok bool) {
	if p.Preview == nil || p.Preview.Model == "" {
		return Target{}, false
	}
	var limits Timeouts
	if p.Timeouts != nil {
		limits = *p.Timeouts
	}
	t = p.target(Entry{Name: p.Preview.Model}, limits.Fallback, "")
	t.Path, t.Experiment, t.Arms = "preview.model", "", nil
	return t, true
}

// Standbys returns the fallbacks that warm_standby keeps warm, in the order of the chain, and
// each arm of an experiment that may get calls in the place of its target. known tells which
// models the application supplies.
func (p *Policy) Standbys(known Known) []Target {
	if p.WarmStandby == nil {
		return nil
	}
	var all []Target
	for i, t := range p.Targets() {
		if i == 0 {
			continue
		}
		for arm, r := range t.Models() {
			if e := p.Experiments[t.Experiment]; len(e.Arms) > arm && e.Arms[arm].Share == 0 && e.Adaptive == nil {
				continue
			}
			if named := p.WarmStandby.Models; len(named) == 0 && r.Provider != "" && !known.HandsIn(r) || r.matchesAny(named) {
				t := t
				t.Resolved = r
				all = append(all, t)
			}
		}
	}
	return all
}
