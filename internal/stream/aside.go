package stream

import "github.com/adk-fallback/adk-fallback/plugin/fallback/call"

// Aside records the answer that s, a fork, has received as an attempt that is not the
// call's answer: a layer has called the model for its own purpose, which reason names.
func (s *Sink) Aside(reason string) {
	a := s.answer
	if a.Outcome == "" {
		return
	}
	a.Reason, a.CachedTokensLost = reason, 0
	s.answer = call.Attempt{}
	s.add(a, 1, s.hooks, s)
}
