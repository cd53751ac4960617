package adkv1

import (
	"context"
	"errors"
	"iter"

	"google.golang.org/adk/agent"
	"google.golang.org/adk/session"
	modelv2 "google.golang.org/adk/v2/model"
	sessionv2 "google.golang.org/adk/v2/session"

	"github.com/adk-fallback/adk-fallback/internal/caller"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// completed returns ctx with what the engine asks of v2's context, if ctx is v1's context of a
// model call, or was derived from a context that call.With returned for one.
func completed(ctx context.Context) context.Context {
	if v1, ok := ctx.(agent.InvocationContext); ok {
		return invocation{v1}
	}
	switch v1 := caller.Context(ctx).(type) {
	case invocation: // by an outer bridge
	case agent.InvocationContext:
		return call.With(invocation{v1.WithContext(ctx)}, call.From(ctx)) // what it was given goes first
	}
	return ctx
}

// invocation is v1's context of a model call, with what the engine asks of v2's.
type invocation struct{ agent.InvocationContext }

// Value implements context.Context.
func (i invocation) Value(key any) any {
	if key == (caller.Key{}) {
		return i
	}
	return i.InvocationContext.Value(key)
}

func (i invocation) AgentName() string {
	if a := i.Agent(); a != nil {
		return a.Name()
	}
	return ""
}

func (i invocation) AppName() string {
	if s := i.Session(); s != nil {
		return s.AppName()
	}
	return ""
}

func (i invocation) UserID() string {
	if s := i.Session(); s != nil {
		return s.UserID()
	}
	return ""
}

func (i invocation) SessionID() string {
	if s := i.Session(); s != nil {
		return s.ID()
	}
	return ""
}

// StoredResponses implements the engine's view of a session's history.
func (i invocation) StoredResponses() iter.Seq[*modelv2.LLMResponse] {
	return func(yield func(*modelv2.LLMResponse) bool) {
		s := i.Session()
		if s == nil || s.Events() == nil {
			return
		}
		for event := range s.Events().All() {
			if event != nil && !yield((*modelv2.LLMResponse)(&event.LLMResponse)) {
				return
			}
		}
	}
}

func (i invocation) ReadonlyState() sessionv2.ReadonlyState {
	if s := i.Session(); s != nil {
		return state{s.State()}
	}
	return nil
}

// callback is v1's context of a callback, with the state that v2's has.
type callback struct{ agent.CallbackContext }

func (c callback) ReadonlyState() sessionv2.ReadonlyState {
	return state{c.CallbackContext.ReadonlyState()}
}

// state is v1's as a v2 one: what is not there has another error.
type state struct{ session.ReadonlyState }

func (s state) Get(key string) (any, error) {
	value, err := s.ReadonlyState.Get(key)
	if errors.Is(err, session.ErrStateKeyNotExist) {
		err = sessionv2.ErrStateKeyNotExist
	}
	return value, err
}
