// Package facts reads the facts of a call, such as its tenant, priority, data class, region and
// labels, from the state of its ADK session. Sections context and priority of a policy name the
// keys.
package facts

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"google.golang.org/adk/v2/session"

	"github.com/adk-fallback/adk-fallback/internal/caller"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/guard"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// Sources is where the facts of a call come from. The zero value adds nothing to what the
// application has said of a call.
type Sources struct {
	context  *spec.Context // keys of the session's state; nil for none
	priority string        // the fact that is the call's priority, such as tenant; "" or "priority" for the priority itself
}

// Of returns the sources that a policy names.
func Of(p *spec.Policy) Sources {
	s := Sources{context: p.Context}
	if p.Priority != nil {
		s.priority = p.Priority.From
	}
	return s
}

// Read returns ctx with the facts from the session's state. Facts that the application has set
// take precedence.
//
// Each tree reads them for itself, even if it is nested in another model: every context that is
// derived from ADK's gives access to the state.
func (s *Sources) Read(ctx context.Context) context.Context {
	derived := s.priority != "" && s.priority != "priority"
	if s.context == nil && !derived {
		return ctx
	}
	known := call.From(ctx)
	var told call.Info
	var unread guard.Facts
	if s.context != nil {
		told, unread = askState(s.context, stateIn(ctx), known)
	}
	if derived {
		told.Priority = factOf(call.From(call.With(ctx, told)), s.priority)
	}
	ctx = call.With(ctx, told)
	return guard.WithUnread(ctx, unread)
}

// stateIn returns the state of the session behind ctx, nil outside of ADK.
func stateIn(ctx context.Context) session.ReadonlyState {
	if adk, ok := caller.Context(ctx).(interface{ ReadonlyState() session.ReadonlyState }); ok {
		return adk.ReadonlyState()
	}
	return nil
}

// askState returns what state, which may be nil, adds to what is known.
func askState(c *spec.Context, state session.ReadonlyState, known call.Info) (told call.Info, unread guard.Facts) {
	for _, fact := range []struct {
		key   string
		known string
		told  *string
		fact  guard.Facts
	}{
		{c.Tenant, known.Tenant, &told.Tenant, guard.Tenant}, {c.DataClass, known.DataClass, &told.DataClass, guard.DataClass},
		{c.Region, known.Region, &told.Region, guard.Region},
		{c.Priority, known.Priority, &told.Priority, 0}, // nothing is forbidden because of it
	} {
		if fact.key == "" || fact.known != "" {
			continue
		}
		text, ok := textIn(state, fact.key)
		if *fact.told = text; !ok {
			unread |= fact.fact
		}
	}
	for label, key := range c.Labels {
		if _, has := known.Labels[label]; has {
			continue
		}
		if text, _ := textIn(state, key); text != "" {
			if told.Labels == nil {
				told.Labels = make(map[string]string, len(c.Labels))
			}
			told.Labels[label] = text
		}
	}
	return told, unread
}

// textIn returns a value of the state as text; "" for what is not there. It
// reports false for what cannot be read.
func textIn(state session.ReadonlyState, key string) (text string, ok bool) {
	if state == nil {
		return "", false
	}
	value, err := state.Get(key)
	if err != nil {
		return "", errors.Is(err, session.ErrStateKeyNotExist)
	}
	if text, ok := value.(string); ok {
		return text, true
	}
	return jsonText(value)
}

// jsonText returns a text, a number or a bool as JSON has it, because that is
// how a database keeps it: the text of a number is the same before and after. It
// reports false for what has parts.
func jsonText(value any) (text string, ok bool) {
	data, err := json.Marshal(value)
	if err != nil {
		return "", false
	}
	switch data[0] {
	case 'n':
		return "", true
	case '[', '{':
		return "", false
	case '"':
		return text, json.Unmarshal(data, &text) == nil
	case 't', 'f':
		return string(data), true
	}
	text = string(data)
	if strings.ContainsAny(text, ".eE") { // 5.0, as a json.Number may be, is 5 after a database
		number, err := strconv.ParseFloat(text, 64)
		return strconv.FormatFloat(number, 'f', -1, 64), err == nil
	}
	return text, true
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
