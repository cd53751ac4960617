package turn

import (
	"context"
	"iter"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// MaxRuns bounds how often Loop runs one turn, whatever the metadata asks for.
const MaxRuns = call.MaxAttempts

// Event is what Loop needs to know of an event of either major.
type Event struct {
	Author, Branch string
	Response       *model.LLMResponse
}

// NextModel returns the metadata of an event that asks for another run: its
// response failed with a configured code, and a model is left to try.
func (e Event) NextModel() (call.Metadata, bool) {
	md, ok := call.ReadResponse(e.Response)
	return md, ok && md.Triggered && md.FallbackModel != "" && e.Response.ErrorCode != "" && e.Response.ErrorCode == md.ErrorCode
}

// Loop runs a turn and, as long as an event asks for another model, runs it
// again with that choice in the context. run is told whether it is the first
// run: only that one takes the user's message. read views an event; restarted
// makes, from the event of a failed call, the partial event that tells a
// consumer to discard what it was shown of that call.
//
// An event that asks for another run ends the run it belongs to, since all of
// it is repeated, and is not passed on, unless the bound is reached.
func Loop[E any](ctx context.Context, run func(ctx context.Context, first bool) iter.Seq2[E, error], read func(E) (Event, bool), restarted func(E) E) iter.Seq2[E, error] {
	return func(yield func(E, error) bool) {
		for n := 1; ; n++ {
			next, again := ctx, false
			shown := map[string]bool{} // authors whose call in progress has been shown in part
			for ev, err := range run(ctx, n == 1) {
				view, ok := read(ev)
				if err != nil || !ok {
					if !yield(ev, err) || err != nil {
						return
					}
					continue
				}
				if md, ok := view.NextModel(); ok && n < MaxRuns {
					next, again = Choose(next, view.Author, view.Branch, md), true
					if shown[view.Author] && !yield(restarted(ev), nil) {
						return
					}
					break
				}
				shown[view.Author] = view.Response.Partial
				if !yield(ev, nil) {
					return
				}
			}
			if !again {
				return
			}
			if err := ctx.Err(); err != nil {
				var none E
				yield(none, err)
				return
			}
			ctx = next
		}
	}
}
