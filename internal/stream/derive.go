package stream

import (
	"context"
	"sync"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"
)

// said identifies what a request says: its contents and its system instruction. A
// request that differs in its settings or its tools alone says the same.
type said struct {
	contents **genai.Content // the first
	length   int
	system   *genai.Content
}

func saidBy(req *model.LLMRequest) said {
	var s said
	if s.length = len(req.Contents); s.length > 0 {
		s.contents = &req.Contents[0]
	}
	if req.Config != nil {
		s.system = req.Config.SystemInstruction
	}
	return s
}

// derivation is what was made of a request in a call.
type derivation struct {
	once  sync.Once
	value any
}

type derivedKey struct {
	said said
	kind any
}

type sinkKey struct{}

// Deriving returns a context for a guard, by which [Derive] finds the call.
func (s *Sink) Deriving(ctx context.Context) context.Context {
	return context.WithValue(ctx, sinkKey{}, s)
}

// Derive returns what make makes of the contents and the system instruction of req: once
// per call and kind, however many targets of the call need it, also those of a hedge,
// which have copies of req. Whoever gets the value must not change it. kind is
// compared, like the key of a context's value. With a context that is not from
// [Sink.Deriving], Derive calls make.
//
// It is safe for concurrent use. A second caller waits for the first.
func Derive[T any](ctx context.Context, req *model.LLMRequest, kind any, make func() T) T {
	s, ok := ctx.Value(sinkKey{}).(*Sink)
	if !ok {
		return make()
	}
	d := s.derivation(derivedKey{s.original(saidBy(req)), kind})
	d.once.Do(func() { d.value = make() })
	value, _ := d.value.(T) // not if make has panicked
	return value
}

// original returns what was said before detached layers got copies of it.
func (s *Sink) original(key said) said {
	for ; s != nil; s = s.parent {
		if d := s.detached; d != nil && d.copied == key {
			key = d.copyOf
		}
	}
	return key
}

func (s *Sink) derivation(key derivedKey) *derivation {
	r := s.record
	r.mu.Lock()
	defer r.mu.Unlock()
	d := r.derived[key]
	if d == nil {
		if r.derived == nil {
			r.derived = map[derivedKey]*derivation{}
		}
		d = &derivation{}
		r.derived[key] = d
	}
	return d
}
