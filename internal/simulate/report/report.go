// Package report is the result of a simulation, as text, JSON and a page of HTML.
//
// The JSON form is the struct [Report] itself. All three have the same figures, and equal
// reports are equal byte for byte.
package report

import "time"

// Report is the result of a simulation.
type Report struct {
	Scenario string   `json:"scenario"`
	Title    string   `json:"title,omitempty"`
	Seed     int      `json:"seed"`
	Begins   Seconds  `json:"begins_seconds"` // since midnight UTC
	Length   Seconds  `json:"length_seconds"`
	Sampling Sampling `json:"sampling"`
	Events   []Event  `json:"events"`
	Runs     []Run    `json:"runs"` // a policy each, in order, and at the end the primary without any
	// Notes say what limits the accuracy of the figures, and what to do.
	Notes []string `json:"notes"`
	// Required are the outcomes of requirements, if there are any.
	Required []Outcome `json:"required,omitempty"`
}

// Sampling says how the simulated calls stand for the real ones.
type Sampling struct {
	RealCalls float64 `json:"real_calls"`      // expected
	Calls     int     `json:"simulated_calls"` // of each run
	Each      float64 `json:"each_stands_for"` // real calls
	Replicas  int     `json:"replicas"`        // of the scenario
}

// Event is an event of the scenario. Times are since the beginning.
type Event struct {
	Name string  `json:"name"`
	At   Seconds `json:"at_seconds"`
	End  Seconds `json:"end_seconds"`
}

// Run is what users got under one policy. Shares are of all calls, from 0 to 1.
type Run struct {
	Name      string  `json:"name"`
	Available float64 `json:"available"` // answered by a model or the cache
	Degraded  float64 `json:"degraded"`  // answered by a last resort
	Failed    float64 `json:"failed"`    // not answered
	Wrong     float64 `json:"wrong"`     // answered by a model that does not know the answer
	Cached    float64 `json:"cached"`    // answered by the cache
	Fallback  float64 `json:"fallback"`  // answered by another target than the primary, a last resort included
	// Reasons counts the simulated calls that were degraded or failed, by the kind of the last
	// failure: see failure.Kind, and refused for a limit, budget or breaker of the policy.
	Reasons map[string]int `json:"reasons"`
	// Amplification is the requests at providers for each call, those of the policy itself,
	// such as probes, included.
	Amplification float64     `json:"amplification"`
	FirstContent  Percentiles `json:"first_content_seconds"` // of answered calls
	Whole         Percentiles `json:"whole_answer_seconds"`  // of answered calls
	CostUSD       float64     `json:"cost_usd"`              // of all real calls, without those of Unpriced
	Unpriced      []string    `json:"unpriced,omitempty"`    // models with requests whose price is unknown
	Models        []Model     `json:"models"`
	Recoveries    []Recovery  `json:"recoveries"` // one for each event
	Series        []Point     `json:"series"`     // equal parts of the time
}

// Percentiles of times, in seconds; 0 if no call was answered.
type Percentiles struct {
	P50 Seconds `json:"p50"`
	P95 Seconds `json:"p95"`
	P99 Seconds `json:"p99"`
}

// Model is what a model did. Counts are simulated requests.
type Model struct {
	Name     string           `json:"name"`
	Requests int64            `json:"requests"`
	Extra    int64            `json:"extra_requests"` // of the policy itself, such as probes; each stands for one of each process
	Answers  int64            `json:"answers"`
	Failures map[string]int64 `json:"failures"` // by kind
	CostUSD  float64          `json:"cost_usd"` // of all real calls; 0 if the price is unknown, see Run.Unpriced
}

// Recovery is how a run came through an event.
type Recovery struct {
	Event string `json:"event"`
	// Impaired is how long, from the beginning of the event until an hour after its end, more
	// than 5 % of the calls beyond the usual were degraded or failed.
	Impaired Seconds `json:"impaired_seconds"`
	// Back is the time from the end of the event until the share of fallbacks was at most 5
	// points above the usual again, or 0 if it never was higher. It is null if that did not
	// happen within the simulation, if the event did not end, or without a policy.
	Back *Seconds `json:"back_seconds"`
}

// Point is a part of the time. Shares are of the calls in it.
type Point struct {
	At        Seconds `json:"at_seconds"` // its beginning
	Calls     int     `json:"simulated_calls"`
	RPS       float64 `json:"rps"` // real
	Available float64 `json:"available"`
	Degraded  float64 `json:"degraded"`
	Fallback  float64 `json:"fallback"`
	Requests  float64 `json:"amplification"`
	P50       Seconds `json:"p50"` // of the whole answer
	P95       Seconds `json:"p95"`
}

// Seconds is a duration that JSON has in seconds.
type Seconds time.Duration

// Duration returns s.
func (s Seconds) Duration() time.Duration { return time.Duration(s) }

// MarshalJSON writes s in seconds, in steps of a microsecond.
func (s Seconds) MarshalJSON() ([]byte, error) {
	return []byte(formatFloat(time.Duration(s).Round(time.Microsecond).Seconds())), nil
}
