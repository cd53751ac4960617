package observe

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/printable"
	"github.com/adk-fallback/adk-fallback/internal/terminal"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// Console returns hooks that write a line to w for each attempt as it ends, and for each
// target that was skipped, for a person who watches:
//
//	gemini-2.5-flash  failed  429 quota: a quota of an hour or longer is exhausted  12ms
//	gemini-2.5-pro  skipped  the circuit breaker is open
//	gemini-2.5-flash-lite  ok  340ms, after a wait of 2s
//
// A line has two spaces before it, and two between its parts. The time is that of the
// attempt; it is absent if unknown. A call that ends without the answer of a model gets one
// more line: the last resort that answered, "no target answered", or "cancelled". The
// format may change; read the hooks instead of the lines.
//
// If w is a terminal, the lines are dim, unless NO_COLOR (https://no-color.org) is set.
// The lines hold neither prompts nor answers. What is in a name or a message can neither
// begin a line nor move the cursor.
//
// Each line is one Write, and no two overlap. A Write that fails is ignored; one that
// blocks delays the call. A nil w gives no hooks. The hooks are safe for concurrent use.
func Console(w io.Writer) call.Hooks {
	if w == nil {
		return call.Hooks{}
	}
	c := &console{w: w, before: "  ", after: "\n"}
	if terminal.Styled(w) {
		c.before, c.after = dim+c.before, reset+c.after
	}
	return call.Hooks{
		OnAttempt: func(_ context.Context, a call.Attempt) { c.print(attemptLine(a)) },
		OnEnd:     func(_ context.Context, r call.Result) { c.print(endLine(r)) },
	}
}

// The escape sequences of ECMA-48 that a console uses.
const (
	dim   = "\x1b[2m"
	reset = "\x1b[0m"
)

type console struct {
	before, after string
	mu            sync.Mutex
	w             io.Writer // guarded by mu
}

// print writes the parts that are not empty as one line, and nothing if there is none.
func (c *console) print(parts ...string) {
	line := joined("  ", parts...)
	if line == "" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	io.WriteString(c.w, c.before+line+c.after) // an error is the reader's loss alone
}

func attemptLine(a call.Attempt) string {
	a = a.Bounded() // as in the record: the plugin's own attempts have not been there yet
	took := shown(a.Duration)
	if a.Wait > 0 {
		took = joined(", ", took, "after a wait of "+shown(a.Wait))
	}
	return joined("  ", cmp.Or(name(a.Model), "(no name)"), name(string(a.Outcome)), why(a), took)
}

// why returns what an attempt's failure means, or why its target was skipped.
func why(a call.Attempt) string {
	reason := printable.Line(cmp.Or(a.Reason, a.Message), call.MaxMessageBytes)
	if a.Outcome == call.Skipped && reason != "" {
		return reason // its kind says no more than that it was skipped
	}
	status := ""
	if a.HTTPStatus != 0 {
		status = fmt.Sprint(a.HTTPStatus)
	}
	return joined(": ", joined(" ", status, cmp.Or(name(a.Kind), name(a.Code))), reason)
}

// endLine returns a line for the end of a call that no model answered, or "".
func endLine(r call.Result) string {
	end := ""
	switch {
	case r.Outcome == call.Failed:
		end = "no target answered"
	case r.Outcome == call.Cancelled:
		end = "cancelled"
	case r.Degraded != "":
		end = "the last resort " + name(r.Degraded) + " answered"
	default:
		return ""
	}
	return joined("  ", end, shown(r.Duration))
}

func name(s string) string { return printable.Line(s, call.MaxNameBytes) }

// shown returns d with as many digits as a reader wants, and "" for 0.
func shown(d time.Duration) string {
	unit := time.Microsecond
	switch {
	case d <= 0:
		return ""
	case d >= 10*time.Second:
		unit = 100 * time.Millisecond
	case d >= time.Second:
		unit = 10 * time.Millisecond
	case d >= time.Millisecond:
		unit = time.Millisecond
	}
	return max(d.Round(unit), unit).String()
}

// joined joins the parts that are not empty.
func joined(separator string, parts ...string) string {
	var b strings.Builder
	for _, part := range parts {
		if part != "" && b.Len() > 0 {
			b.WriteString(separator)
		}
		b.WriteString(part)
	}
	return b.String()
}
