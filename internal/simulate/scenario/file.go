package scenario

import (
	"time"

	"github.com/adk-fallback/adk-fallback/internal/strictyaml"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// Scenario is a scenario file, checked by [Parse]. It is read-only and safe for concurrent
// use.
type Scenario struct {
	// What happens, in one sentence, for the report.
	Title string `key:"title" kind:"text"`
	// Simulated time.
	Length time.Duration `key:"length" min:"1m" max:"168h" default:"24h"`
	// Time of day in UTC at which it begins, as the time since midnight.
	Begins time.Duration `key:"begins" min:"0s" max:"24h" default:"0s"`
	// Seed of all random draws. The same seed gives the same report.
	Seed int `key:"seed" min:"0" max:"2147483647" default:"1"`
	// Processes that share the traffic. Each runs the policy with breakers, limits, budgets
	// and a cache of its own, as without section state.
	Replicas int `key:"replicas" min:"1" max:"100000" default:"1"`
	// The calls.
	Traffic *Traffic `key:"traffic,required"`
	// How models behave, by their names in the policy. primary is the policy's primary, and
	// fallback each other model that is not named. Default: half of the answers begin within
	// 500 ms, 99 % within 2 s, and nothing fails.
	Models map[string]Model `key:"models"`
	// What happens to models. Events may overlap.
	Events []Event `key:"events" items:"0..100"`

	doc strictyaml.Document
}

// Traffic is the calls of all processes together. They arrive independently of each other (a
// Poisson process).
type Traffic struct {
	// Calls per second at the busiest time of the day.
	RPS float64 `key:"rps,required" min:"0.01" max:"100000"`
	// Share of the calls that is left at the quietest time of the day, 12 hours from peak.
	Night Share `key:"night" min:"0%" max:"100%" default:"100%"`
	// Busiest time of the day in UTC, as the time since midnight.
	Peak time.Duration `key:"peak" min:"0s" max:"24h" default:"14h"`
	// Times with more calls, or fewer.
	Bursts []Burst `key:"bursts" items:"0..100"`
	// Share of calls whose answers are streamed.
	Streamed Share `key:"streamed" min:"0%" max:"100%" default:"50%"`
	// Length of requests, in tokens. Default: p50 800, p99 8000.
	InputTokens *Tokens `key:"input_tokens"`
	// Length of answers, in tokens. Default: p50 150, p99 600.
	OutputTokens *Tokens `key:"output_tokens"`
	// Shares of tenants in the calls. They must add up to 100 %. Default: one tenant.
	Tenants map[string]Share `key:"tenants" min:"0%" max:"100%"`
	// Shares of classes of priority. They must add up to 100 %. Default: none.
	Priorities map[string]Share `key:"priorities" min:"0%" max:"100%"`
	// Number of different questions, so that a cache has something to do. Popular ones are
	// more frequent, by Zipf's law. Default: no question is asked twice.
	Questions int `key:"questions" min:"1" max:"1000000000"`
	// Longest time that a caller waits for the end of a call. Then the call has failed.
	Patience time.Duration `key:"patience" min:"100ms" max:"1h" default:"1m"`
}

// Burst multiplies the calls for some time.
type Burst struct {
	// When it begins, counted from the beginning of the simulation.
	At time.Duration `key:"at,required" min:"0s" max:"168h"`
	// How long it lasts.
	For time.Duration `key:"for,required" min:"1s" max:"168h"`
	// Factor for the calls per second.
	Times float64 `key:"times,required" min:"0" max:"100"`
}

// Tokens is a lognormal distribution of lengths in tokens.
type Tokens struct {
	// Half of the lengths are at most this.
	P50 int `key:"p50,required" min:"1" max:"1000000"`
	// 99 % of the lengths are at most this.
	P99 int `key:"p99,required" min:"1" max:"1000000"`
}

// Delay is a lognormal distribution of times.
type Delay struct {
	// Half of the times are at most this.
	P50 time.Duration `key:"p50,required" min:"1ms" max:"1h"`
	// 99 % of the times are at most this.
	P99 time.Duration `key:"p99,required" min:"1ms" max:"1h"`
}

// Share is a part of a whole. In a file: 80% or 0.8.
type Share = spec.Share
