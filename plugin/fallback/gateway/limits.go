package gateway

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/bucket"
	"github.com/adk-fallback/adk-fallback/internal/check"
)

// Limits bound the resources that requests use. The zero value has the defaults.
type Limits struct {
	// MaxBody is the largest body of a request, in bytes. Default: 20 MiB.
	MaxBody int
	// MaxBodies bounds the bodies of all requests in progress together, in bytes. One tenant
	// may have half of it. Default: 512 MiB.
	MaxBodies int
	// MaxDepth is how deep the JSON of a body may be nested. Default: 200.
	MaxDepth int
	// MaxHeader is the largest size of a request's headers, in bytes. Default: 32 KiB.
	MaxHeader int
	// MaxCalls is the most calls in progress at a time, including streams. Default: 10,000.
	MaxCalls int
	// MaxTenantCalls is the most calls in progress of one tenant, so that no tenant blocks the
	// others. Default: half of MaxCalls; MaxCalls for a gateway without keys, where all calls
	// have the same tenant.
	MaxTenantCalls int
	// MaxQueue is the most calls that wait while MaxCalls are in progress. Default: 1000.
	MaxQueue int
	// MaxWait is the longest that a call waits in the queue. Default: 1s.
	MaxWait time.Duration
	// BodyTimeout is the longest that a client may take to send a body. Default: 30s.
	BodyTimeout time.Duration
	// WriteTimeout is the longest that a client may take to read a chunk of an answer. Default:
	// 30s.
	WriteTimeout time.Duration
}

// withDefaults returns the limits with the defaults of those that are 0, or an error that
// names every negative one.
func (l Limits) withDefaults(keys bool) (Limits, error) {
	var problems []error
	for _, field := range []struct {
		name     string
		value    *int
		fallback int
	}{
		{"MaxBody", &l.MaxBody, 20 << 20},
		{"MaxBodies", &l.MaxBodies, max(512<<20, 2*l.MaxBody)},
		{"MaxDepth", &l.MaxDepth, 200},
		{"MaxHeader", &l.MaxHeader, 32 << 10},
		{"MaxCalls", &l.MaxCalls, 10_000},
		{"MaxQueue", &l.MaxQueue, 1000},
		{"MaxTenantCalls", &l.MaxTenantCalls, 0},
	} {
		problems = append(problems, check.NotNegative("gateway: Limits."+field.name, *field.value, "0 for the default, or more"))
		if *field.value == 0 {
			*field.value = field.fallback
		}
	}
	for _, field := range []struct {
		name     string
		value    *time.Duration
		fallback time.Duration
	}{{"MaxWait", &l.MaxWait, time.Second}, {"BodyTimeout", &l.BodyTimeout, 30 * time.Second}, {"WriteTimeout", &l.WriteTimeout, 30 * time.Second}} {
		problems = append(problems, check.NotNegative("gateway: Limits."+field.name, *field.value, "0 for the default, or more"))
		if *field.value == 0 {
			*field.value = field.fallback
		}
	}
	if l.MaxTenantCalls == 0 {
		l.MaxTenantCalls = l.MaxCalls
		if keys {
			l.MaxTenantCalls = max(l.MaxCalls/2, 1)
		}
	}
	if l.MaxBodies < l.MaxBody {
		problems = append(problems, fmt.Errorf("gateway: Limits.MaxBodies is %d, less than MaxBody, %d; it must be at least that", l.MaxBodies, l.MaxBody))
	}
	return l, errors.Join(problems...)
}

// allowance has the limits of one key, and its counts.
type allowance struct {
	requestsPerMinute int
	requests          *bucket.Bucket // of calls that start
	concurrency       int            // calls in progress; 0 for no limit
	calls             *atomic.Int64  // in progress
	prompt            *bucket.Bucket // of requests that start no call and are answered without delay
}

func newAllowance(requestsPerMinute, concurrency int) *allowance {
	requests, prompt := bucket.New(requestsPerMinute), bucket.New(promptPerMinute)
	return &allowance{requestsPerMinute: requestsPerMinute, requests: &requests, concurrency: concurrency, calls: new(atomic.Int64), prompt: &prompt}
}

// with returns the allowance with the limits of another file. Calls in progress still count, and
// so do requests that start no call. Calls of the last minute do too, unless their limit has
// changed.
func (a *allowance) with(now *allowance) *allowance {
	now.calls, now.prompt = a.calls, a.prompt
	if now.requestsPerMinute == a.requestsPerMinute {
		now.requests = a.requests
	}
	return now
}
