package debugpage

import (
	"cmp"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/inspect"
)

// state is what the page shows at one moment, and its JSON. Every text in it is fit to be
// shown: see line.
type state struct {
	Time     time.Time      `json:"time"`
	Since    time.Time      `json:"since"`
	Status   status         `json:"status"`
	Headline string         `json:"headline"`
	Calls    []stats        `json:"calls"`
	Targets  []targetState  `json:"targets"`
	Latest   []callState    `json:"latest"`
	Models   []inspect.Node `json:"models"`
	Problems []string       `json:"problems,omitempty"`

	breakers map[string]*inspect.Breaker
}

// status sums up how things are. It is a class of the style sheet too.
type status string

const (
	statusIdle    status = "idle"    // nothing has happened
	statusOK      status = "ok"      // all is well
	statusWarning status = "warning" // a target is not, but calls are answered
	statusFailing status = "failing" // calls are not answered
)

// health says whether a target answers.
type health string

const (
	healthIdle     health = "idle"      // no attempts in the last hour
	healthHealthy  health = "healthy"   // its latest attempt has answered
	healthFailing  health = "failing"   // its latest attempt has failed
	healthHalfOpen health = "half_open" // its breaker lets probes through
	healthOpen     health = "open"      // its breaker refuses calls
)

// stats are those of a window, of calls or of attempts at a target.
type stats struct {
	Minutes   int     `json:"minutes"`
	Count     uint32  `json:"count"`
	PerMinute float64 `json:"per_minute"`
	OK        uint32  `json:"ok"`
	Failed    uint32  `json:"failed"`
	Stopped   uint32  `json:"stopped"`
	Skipped   uint32  `json:"skipped,omitempty"`
	Fallbacks uint32  `json:"fallbacks,omitempty"`
	Degraded  uint32  `json:"degraded,omitempty"`
	Cached    uint32  `json:"cached,omitempty"`

	Duration     millis  `json:"duration"`
	FirstContent millis  `json:"first_content"`
	InputTokens  uint64  `json:"input_tokens"`
	OutputTokens uint64  `json:"output_tokens"`
	Cost         float64 `json:"cost"`

	bars []bar
	step time.Duration // of a bar
}

// millis are percentiles in milliseconds; 0 if nothing was measured.
type millis struct {
	P50 float64 `json:"p50_ms"`
	P95 float64 `json:"p95_ms"`
	P99 float64 `json:"p99_ms"`
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func millisOf(h *histogram) millis {
	p := h.percentiles()
	return millis{ms(p.P50), ms(p.P95), ms(p.P99)}
}

// targetState is a model that is called.
type targetState struct {
	ID         string         `json:"id"`
	Name       string         `json:"name"`
	Health     health         `json:"health"`
	Failures   int            `json:"failures_in_a_row"`
	Failure    *attemptState  `json:"latest_failure,omitempty"`
	FailedAt   time.Time      `json:"latest_failure_at,omitzero"`
	Breakers   []breakerState `json:"breakers,omitempty"`
	LastResort bool           `json:"last_resort,omitempty"`
	CountedAs  string         `json:"counted_as,omitempty"` // the target that its calls are counted as
	Windows    []stats        `json:"windows"`
}

// Seen reports whether the target was called or skipped in the last hour.
func (s targetState) Seen() bool {
	hour := s.Windows[len(s.Windows)-1]
	return hour.Count+hour.Skipped > 0
}

// breakerState is a breaker with the ID by which a form names it.
type breakerState struct {
	ID string `json:"id"`
	inspect.Breaker
}

// callState is a call that has ended.
type callState struct {
	ID         uint64         `json:"id"`
	Ended      time.Time      `json:"ended"`
	Outcome    call.Outcome   `json:"outcome"`
	Model      string         `json:"model,omitempty"`
	Original   string         `json:"original_model,omitempty"`
	Fallback   bool           `json:"fallback,omitempty"`
	Degraded   string         `json:"degraded,omitempty"`
	Cache      string         `json:"cache_status,omitempty"`
	Code       string         `json:"error_code,omitempty"`
	Reason     string         `json:"reason,omitempty"`
	Experiment string         `json:"experiment_id,omitempty"`
	Cohort     string         `json:"cohort,omitempty"`
	Duration   float64        `json:"duration_ms"`
	First      float64        `json:"first_content_ms,omitempty"`
	Tenant     string         `json:"tenant,omitempty"`
	Invocation string         `json:"invocation,omitempty"`
	Attempts   []attemptState `json:"attempts"`
	Dropped    int            `json:"attempts_dropped,omitempty"`
}

// attemptState is an attempt, as in the record of its call.
type attemptState struct {
	Model      string       `json:"model"`
	Outcome    call.Outcome `json:"outcome"`
	HTTPStatus int          `json:"http_status,omitempty"`
	Code       string       `json:"code,omitempty"`
	Kind       string       `json:"kind,omitempty"`
	Reason     string       `json:"reason,omitempty"`
	Message    string       `json:"message,omitempty"`
	Hedge      bool         `json:"hedge,omitempty"`
	Wait       float64      `json:"wait_ms,omitempty"`
	Duration   float64      `json:"duration_ms,omitempty"`
	First      float64      `json:"first_content_ms,omitempty"`
	Input      int          `json:"input_tokens,omitempty"`
	Output     int          `json:"output_tokens,omitempty"`
	Cached     int          `json:"cached_tokens,omitempty"`
	Cost       float64      `json:"cost,omitempty"`
}

func attemptOf(a *call.Attempt) attemptState {
	return attemptState{
		Model: line(a.Model, call.MaxNameBytes), Outcome: call.Outcome(line(string(a.Outcome), call.MaxNameBytes)),
		HTTPStatus: a.HTTPStatus, Code: line(a.Code, call.MaxNameBytes), Kind: line(a.Kind, call.MaxNameBytes),
		Reason: prose(a.Reason), Message: prose(a.Message), Hedge: a.Hedge,
		Wait: ms(a.Wait), Duration: ms(a.Duration), First: ms(a.FirstContent),
		Input: a.InputTokens, Output: a.OutputTokens, Cached: a.CachedTokens, Cost: a.Cost,
	}
}

func callOf(r *record) callState {
	name := func(s string) string { return line(s, call.MaxNameBytes) }
	c := callState{
		ID: r.seq, Ended: r.ended.UTC(), Outcome: call.Outcome(name(string(r.Outcome))), Model: name(r.ModelName), Original: name(r.OriginalModel), Fallback: r.fellBack(),
		Degraded: name(r.Degraded), Cache: name(r.CacheStatus), Code: name(r.ErrorCode), Reason: prose(r.Reason),
		Experiment: name(r.ExperimentID), Cohort: name(r.Cohort), Duration: ms(r.Duration), First: ms(r.FirstContent),
		Tenant: cmp.Or(r.tenantName, r.tenant.String()), Invocation: line(r.invocation, call.MaxMessageBytes),
		Attempts: make([]attemptState, len(r.Attempts)), Dropped: r.AttemptsDropped,
	}
	if c.Model == "" {
		c.Model = name(r.FallbackModel)
	}
	for i := range r.Attempts {
		c.Attempts[i] = attemptOf(&r.Attempts[i])
	}
	return c
}

// statsOf returns the statistics of s, which counts since then; a nil s has counted nothing.
func statsOf(s *series, since, now time.Time) []stats {
	all := make([]stats, len(spans))
	for i, w := range spans {
		var t tally
		var bars []bar
		if s != nil {
			t, bars = s.sum(w, now)
		}
		length := time.Duration(w.minutes) * time.Minute
		step := length / time.Duration(w.slots)
		counted := max(min(length, now.Sub(since)), step)
		all[i] = stats{
			Minutes: w.minutes, Count: t.all(), PerMinute: float64(t.all()) / counted.Minutes(),
			OK: t.ok, Failed: t.failed, Stopped: t.stopped, Skipped: t.skipped, Fallbacks: t.fallbacks, Degraded: t.degraded, Cached: t.cached,
			Duration: millisOf(&t.took), FirstContent: millisOf(&t.first),
			InputTokens: t.input, OutputTokens: t.output, Cost: t.cost, bars: bars, step: step,
		}
	}
	return all
}
