package adkv1

import (
	"errors"

	"google.golang.org/adk/agent"
	"google.golang.org/adk/session"
	sessionv2 "google.golang.org/adk/v2/session"
)

// invocation is v1's context of a model call, with what the engine asks of v2's.
type invocation struct{ agent.InvocationContext }

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
