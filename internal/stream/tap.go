package stream

import "google.golang.org/adk/v2/model"

// Tap is a layer that sees the final responses of its calls before the consumer, which
// may take long with them.
type Tap interface {
	// Answered is called for each final response, the innermost layer first, with the
	// Sink and the ticket of the layer's Enter. It reports whether it has seen enough.
	Answered(out *Sink, resp *model.LLMResponse, t Ticket) (enough bool)
}

// Ticket is a layer's own data about a call in progress.
type Ticket [3]uint64

type visit struct {
	tap    Tap // nil once it has seen enough
	ticket Ticket
}

// Enter makes tap see the final responses of the call that begins, until Leave.
func (s *Sink) Enter(tap Tap, t Ticket) {
	s.visits = append(s.visits, visit{tap, t})
}

// Leave ends the call of the layer that entered last, and reports whether it has seen
// enough.
func (s *Sink) Leave() (enough bool) {
	last := len(s.visits) - 1
	enough = s.visits[last].tap == nil
	s.visits[last] = visit{}
	s.visits = s.visits[:last]
	return enough
}

// answered tells the taps.
func (s *Sink) answered(resp *model.LLMResponse) {
	for i := len(s.visits) - 1; i >= 0; i-- {
		v := &s.visits[i]
		tap := v.tap
		if tap == nil {
			continue
		}
		v.tap = nil // also if it panics
		if !tap.Answered(s, resp, v.ticket) {
			v.tap = tap
		}
	}
}
