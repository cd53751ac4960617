package turn

import (
	"log/slog"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// recovered ends a call that Recover has answered with these attempts. It returns the
// metadata of the answer. The turn then stays with Recover, and its state keeps why it
// left its root.
func (p *Plugin) recovered(ctx Context, s *state, attempts []call.Attempt, dropped int, version string) map[string]any {
	p.turns.Lock()
	if s.failures == nil {
		s.failures = &failures{} // another call of this agent, which ADK does not make, has reset it
	}
	f := s.failures
	level := slog.LevelInfo
	if f.stays {
		level = slog.LevelDebug // nothing new: the turn left its root before
	}
	f.stays = true
	var log call.Log
	cause, lost := f.log.Attempts()
	log.Restore(cause, lost+dropped)
	for i, a := range attempts {
		attempts[i] = log.Add(a)
		f.counts(attempts[i])
	}
	md, from := s.metadata(), s.asked
	md.ModelName, md.ModelVersion = attempts[len(attempts)-1].Model, version
	md.FallbackModel = md.ModelName
	fields := log.Map(md)
	md.Attempts, md.AttemptsDropped = log.Attempts()
	p.turns.enter(s, idle)
	p.unlock()

	p.tell(ctx, attempts...)
	p.log(ctx, level, "fallback: Recover answered instead of the model", from, md)
	p.tellFallback(ctx, md)
	return fields
}

// notRecovered records the attempts of Recover, which failed.
func (p *Plugin) notRecovered(ctx Context, s *state, attempts []call.Attempt, dropped int) {
	p.turns.Lock()
	if f := s.failures; f != nil {
		if dropped > 0 {
			earlier, lost := f.log.Attempts()
			f.log.Restore(earlier, lost+dropped)
		}
		attempts = f.add(attempts)
	}
	p.turns.Unlock()
	if ctx.Err() == nil {
		p.tell(ctx, attempts...)
	}
}
