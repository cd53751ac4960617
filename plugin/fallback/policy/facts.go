package policy

import (
	"context"
	"fmt"
	"strings"

	"google.golang.org/adk/v2/session"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// facts is where the facts of a call come from: sections context and priority.
type facts struct {
	context *Context // nil for none
	class   string   // what a call's priority is; "" or "priority" for what it says itself
}

// What ADK's contexts offer of the session. The context of a model call has
// both.
type (
	hasState   interface{ ReadonlyState() session.ReadonlyState }
	hasSession interface{ Session() session.Session }
)

// read returns ctx with what the session's state tells of the call. What the
// application has told by itself stays.
func (f *facts) read(ctx context.Context) context.Context {
	if f.context == nil && (f.class == "" || f.class == "priority") {
		return ctx
	}
	known := call.From(ctx)
	var told call.Info
	if state := stateIn(ctx); f.context != nil && state != nil {
		told = f.context.ask(state, known)
	}
	if f.class != "" && f.class != "priority" {
		told.Priority = factOf(call.From(call.With(ctx, told)), f.class)
	}
	return call.With(ctx, told)
}

// stateIn returns the state of the session behind ctx, nil outside of ADK.
func stateIn(ctx context.Context) session.ReadonlyState {
	switch adk := ctx.(type) {
	case hasState:
		return adk.ReadonlyState()
	case hasSession:
		if s := adk.Session(); s != nil {
			return s.State()
		}
	}
	return nil
}

// ask returns what state adds to what is known.
func (c *Context) ask(state session.ReadonlyState, known call.Info) call.Info {
	var told call.Info
	for _, fact := range []struct {
		key   string
		known string
		told  *string
	}{
		{c.Tenant, known.Tenant, &told.Tenant}, {c.Priority, known.Priority, &told.Priority},
		{c.DataClass, known.DataClass, &told.DataClass}, {c.Region, known.Region, &told.Region},
	} {
		if fact.key != "" && fact.known == "" {
			*fact.told = textIn(state, fact.key)
		}
	}
	for label, key := range c.Labels {
		if _, has := known.Labels[label]; has {
			continue
		}
		if text := textIn(state, key); text != "" {
			if told.Labels == nil {
				told.Labels = make(map[string]string, len(c.Labels))
			}
			told.Labels[label] = text
		}
	}
	return told
}

// textIn returns a value of the state as text: texts, numbers and bools; "" for
// what is not there or has parts.
func textIn(state session.ReadonlyState, key string) string {
	value, err := state.Get(key)
	if err != nil {
		return ""
	}
	switch value := value.(type) {
	case string:
		return value
	case bool, int, int32, int64, float32, float64:
		return fmt.Sprint(value)
	}
	return ""
}

// factOf returns the fact that a policy names, such as tenant or labels.plan.
func factOf(info call.Info, name string) string {
	if label, ok := strings.CutPrefix(name, "labels."); ok {
		return info.Labels[label]
	}
	switch name {
	case "tenant":
		return info.Tenant
	case "data_class":
		return info.DataClass
	case "region":
		return info.Region
	}
	return info.Priority
}
