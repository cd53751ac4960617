package stream

import (
	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// Fork returns a Sink for an attempt that runs in place of the one of s: it
// passes to yield, shares the record of attempts, takes over the wait, and
// starts with nothing shown.
func (s *Sink) Fork(yield func(*model.LLMResponse, error) bool) *Sink {
	if s.log == nil {
		s.log = &call.Log{}
	}
	fork := &Sink{
		yield: yield, Force: s.Force, HasNext: s.HasNext, Wait: s.Wait, Root: s.Root, Notes: s.Notes, Guard: s.Guard, Described: s.Described,
		log: s.log,
	}
	s.Wait = 0
	return fork
}

// ForkApart is Fork with a record of its own, for an attempt that may outlive
// the call. Join adds it to s.
func (s *Sink) ForkApart(yield func(*model.LLMResponse, error) bool) *Sink {
	fork := s.Fork(yield)
	fork.log = nil
	return fork
}

// Join takes over what a fork that has ended knows: the target, the notes and
// the record.
func (s *Sink) Join(fork *Sink) {
	s.Model, s.Notes = fork.Model, fork.Notes
	attempts, _ := fork.Attempts()
	for _, a := range attempts {
		s.Record(a)
	}
}
