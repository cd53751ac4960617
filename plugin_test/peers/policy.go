package peers

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// newPolicy makes this module's tree of the row from a policy file.
func newPolicy(s *Site) (Client, error) {
	targets, err := s.models()
	if err != nil {
		return nil, err
	}
	models := policy.Models{}
	for _, target := range targets {
		models[target.Name()] = target
	}
	p, err := spec.Parse([]byte(s.policy()))
	if err != nil {
		return nil, err
	}
	live, err := policy.NewLive(context.Background(), p, models, policy.WithLogger(slog.New(slog.NewTextHandler(io.Discard, nil))))
	if err != nil {
		return nil, err
	}
	return &fallback{newRequest(s.Row), live.Model(), s.Chunks > 0, func() { live.Close() }}, nil
}

// policy is the file. Its breakers open after 1,000 failures at the latest, so the
// rows that measure failing targets have none.
func (s *Site) policy() string {
	var file strings.Builder
	fmt.Fprintf(&file, "primary: %s\n", s.Targets[0].Name)
	if s.Cached {
		return file.String() + "cache: {}\n"
	}
	file.WriteString("fallbacks:\n")
	spared := true
	for i, target := range s.Targets {
		if i > 0 {
			fmt.Fprintf(&file, "  - name: %s\n", target.Name)
		}
		spared = spared && (target.Kind == Up || s.Cooling)
	}
	if spared {
		fmt.Fprintf(&file, "circuit_breaker: {failure_threshold: %d, backoff: %s}\n", openAfter, openFor)
	}
	fmt.Fprintf(&file, "timeouts: {primary: %[1]s, fallback: %[1]s, attempt: %[1]s}\n", attemptTime)
	fmt.Fprintf(&file, "retry: {max_attempts: %d, base_delay: %s, max_delay: %s, skip_wait: 1ms}\n", maxRetries+1, baseDelay, maxDelay)
	fmt.Fprintf(&file, "rate_limits: {requests_per_minute: %d, concurrency: %d, queue_timeout: %s}\n", perMinute, concurrent, maxWait)
	fmt.Fprintf(&file, "stream: {idle: %s, mid_stream: %s}\n", attemptTime, map[bool]string{true: "resume", false: "restart"}[s.resumes()])
	if s.Hedge > 0 {
		fmt.Fprintf(&file, "hedge: {delay: %s, max_extra_load: 100%%}\n", s.Hedge)
	}
	return file.String()
}
