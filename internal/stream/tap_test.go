package stream

import (
	"slices"
	"testing"

	"google.golang.org/adk/v2/model"
)

// tapFunc is a Tap.
type tapFunc func(t Ticket) bool

func (f tapFunc) Answered(_ *Sink, _ *model.LLMResponse, t Ticket) bool { return f(t) }

func TestTapsAreToldFromWithinUntilTheyHaveEnough(t *testing.T) {
	s := NewSink(t.Context(), func(*model.LLMResponse, error) bool { return true })
	var told []uint64
	for i := range uint64(5) { // more than a Sink has memory for
		s.Enter(tapFunc(func(t Ticket) bool {
			told = append(told, t[0])
			return t[0]%2 == 0
		}), Ticket{i})
	}
	s.Send(&model.LLMResponse{})
	s.Send(&model.LLMResponse{})
	if want := []uint64{4, 3, 2, 1, 0, 3, 1}; !slices.Equal(told, want) {
		t.Errorf("told %v, want %v", told, want)
	}
	for i := range 5 {
		if enough := s.Leave(); enough != (i%2 == 0) {
			t.Errorf("layer %d: enough %v", 4-i, enough)
		}
	}
}

// B80: what a call has let go of when its tap panicked is not let go of again.
func TestATapThatPanicsHasHadEnough(t *testing.T) {
	s := NewSink(t.Context(), nil)
	s.Enter(tapFunc(func(Ticket) bool { panic("boom") }), Ticket{})
	func() {
		defer func() { _ = recover() }()
		s.answered(&model.LLMResponse{})
	}()
	if !s.Leave() {
		t.Error("the tap would end its call twice")
	}
}
