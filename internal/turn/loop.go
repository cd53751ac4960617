package turn

import (
	"context"
	"iter"
	"slices"
	"strings"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// MaxRuns bounds how often Loop runs a turn for one agent, whatever the metadata
// asks for.
const MaxRuns = call.MaxAttempts

// Event is the part of an ADK v1 or v2 event that the plugin and Loop need.
type Event struct {
	Author, Branch string
	Response       *model.LLMResponse // the event's own
	LongRunning    []string           // ids of calls whose results come later
}

// NextModel returns the metadata of an event that asks for another run: its
// response failed with a configured code, and a model is left to try.
func (e Event) NextModel() (call.Metadata, bool) {
	md, ok := e.failure()
	return md, ok && md.FallbackModel != ""
}

// failure returns the metadata of an event whose response failed with a configured
// code. It is not a failure if the response is a refusal by the model that the metadata
// names: that is the answer.
func (e Event) failure() (call.Metadata, bool) {
	md, ok := call.ReadResponse(e.Response)
	if n := len(md.Attempts); n > 0 && md.FallbackModel != "" && md.Attempts[n-1].Model == md.FallbackModel {
		return md, false
	}
	return md, ok && md.Triggered && isCodeOf(e.Response.ErrorCode, md)
}

// isCodeOf reports whether a response's code is the one in its metadata, which has only the
// beginning of a long code.
func isCodeOf(code string, md call.Metadata) bool {
	if md.ErrorCode == "" {
		return false
	}
	name := codeName(code)
	return name == md.ErrorCode || !call.Fits(name) && strings.HasPrefix(name, md.ErrorCode)
}

// isAnswer reports whether the event is its agent's final answer for ADK's flow.
func (e Event) isAnswer() bool {
	resp := e.Response
	if resp.Partial {
		return false
	}
	said := resp.ErrorCode != ""
	if resp.Content != nil {
		for _, part := range resp.Content.Parts {
			switch {
			case part == nil:
			case part.FunctionCall != nil, part.FunctionResponse != nil:
				return false
			case !part.Thought:
				said = true
			}
		}
	}
	return said
}

// Loop runs a turn. While an event names a next model, it runs the turn again with that
// choice in the context. run gets true for the first run, which alone takes the user's
// message. read views an event. restarted makes the partial event that tells a consumer
// to discard the shown part of a call.
//
// An event that names a next model ends its run, as soon as running tools and agents of
// the application's own code have finished, and is not passed on. The next run skips
// agents that have finished and repeats all others. Each of these that was shown in
// part first gets a restarted event.
//
// When no model is left, the last event is passed on and an ExhaustedError follows.
func Loop[E any](ctx context.Context, run func(ctx context.Context, first bool) iter.Seq2[E, error], read func(E) (Event, bool), restarted func(E) E) iter.Seq2[E, error] {
	return func(yield func(E, error) bool) {
		l := &loop[E]{read: read, yield: yield, repeat: newRepeat(&genai.Content{}), runs: map[place]int{}}
		for n := 1; l.pass(run(l.repeat.in(ctx), n == 1)); n++ {
			l.repeat, ctx = l.repeat.finish(ctx)
			for _, shown := range l.shown {
				if !yield(restarted(shown.event), nil) {
					return
				}
			}
			if err := ctx.Err(); err != nil {
				var none E
				yield(none, err)
				return
			}
		}
	}
}

// loop is one Loop in progress.
type loop[E any] struct {
	read   func(E) (Event, bool)
	yield  func(E, error) bool
	repeat *repeat       // of the run
	runs   map[place]int // how often an agent has asked for another run

	shown []shown[E]         // calls of the run that have been shown in part
	tools map[place][]string // calls of tools in the run that have no result yet
	again bool               // the run is to be repeated
}

type shown[E any] struct {
	at    place
	event E
}

// pass passes on the events of one run and reports whether it is to be repeated.
func (l *loop[E]) pass(events iter.Seq2[E, error]) bool {
	l.shown, l.tools, l.again = nil, map[place][]string{}, false
	for ev, err := range events {
		view, ok := l.read(ev)
		switch {
		case err != nil:
			l.yield(ev, err)
			return false
		case !ok:
			if !l.yield(ev, nil) {
				return false
			}
		case view.Response.Content == l.repeat.skipped:
			// An agent that had finished in an earlier run.
		case !l.event(ev, view):
			return false
		}
		if l.again && len(l.tools) == 0 && !l.repeat.busy() {
			return true
		}
	}
	return l.again
}

// event handles one event and reports whether more are wanted.
func (l *loop[E]) event(ev E, view Event) bool {
	at := place{view.Author, view.Branch}
	md, failed := view.failure()
	again := failed && md.FallbackModel != "" && l.runs[at] < MaxRuns-1
	l.repeat.see(view)
	l.watchTools(at, view)
	if again {
		l.runs[at]++
		l.again = true
		l.repeat.close(at, md)
		return true
	}
	l.shown = slices.DeleteFunc(l.shown, func(s shown[E]) bool { return s.at == at })
	if view.Response.Partial {
		l.shown = append(l.shown, shown[E]{at, ev})
	}
	if !l.yield(ev, nil) {
		return false
	}
	if failed {
		var none E
		l.yield(none, newExhausted(view, md))
		return false
	}
	return true
}

// watchTools tracks which tools run. A run does not end in the middle of a tool,
// because the tool would run again.
func (l *loop[E]) watchTools(at place, view Event) {
	if view.Response.Partial || view.Response.Content == nil {
		return
	}
	open := l.tools[at]
	for _, part := range view.Response.Content.Parts {
		switch {
		case part == nil:
		case part.FunctionCall != nil && !slices.Contains(view.LongRunning, part.FunctionCall.ID):
			open = append(open, part.FunctionCall.ID)
		case part.FunctionResponse != nil:
			open = slices.DeleteFunc(open, func(id string) bool { return id == part.FunctionResponse.ID })
		}
	}
	if len(open) == 0 {
		delete(l.tools, at)
		return
	}
	l.tools[at] = open
}
