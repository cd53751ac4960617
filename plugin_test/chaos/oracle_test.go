package chaos_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// rule is one promise that holds whatever the faults.
type rule struct{ name, means string }

// The rules. A failure prints what its rule means.
var (
	ruleLost      = rule{"nothing lost", "a turn ends with one answer or one error, and with an answer if a target that may be called is well"}
	ruleTwice     = rule{"nothing twice", "what is shown is the beginning of one answer, nothing follows the end, and a tool runs once for each call of it"}
	ruleWhole     = rule{"never truncated as success", "a final answer is the whole answer that one model was to give, and so is what was shown before it"}
	ruleAttempts  = rule{"bounded attempts", "a call makes at most as many attempts as its settings multiply to"}
	ruleDeadline  = rule{"deadlines kept", "a turn ends at its caller's deadline or cancellation, and a call at the policy's limit"}
	ruleBudget    = rule{"budgets", "what a tenant spends in a day is at most the limit and the error of one attempt"}
	ruleResidency = rule{"residency", "a model outside of the allowed regions is never called"}
	ruleFit       = rule{"fit", "every request is one that the real API accepts"}
	ruleLeak      = rule{"no leak", "when the calls have ended, no goroutine is left"}
	ruleSecret    = rule{"no secret", "no key, prompt or answer is in a record, log line, span, metric or error"}
)

// violation is a rule that was broken.
type violation struct {
	rule
	how string
}

func (v violation) String() string { return fmt.Sprintf("%s: %s\n    (%s)", v.name, v.how, v.means) }

// slack is for what happens at one moment of virtual time, one after the other.
const slack = time.Second

// judge returns what turns have broken.
func (w *world) judge(turns []*turn, secrets []string) (broken []violation) {
	fail := func(r rule, format string, args ...any) {
		broken = append(broken, violation{r, fmt.Sprintf(format, args...)})
	}
	answers := w.began()
	attempts, calls := 0, 0
	var tickets []string
	for _, g := range turns {
		w.judgeTurn(g, answers, func(r rule, format string, args ...any) {
			fail(r, "caller %d, turn %d: %s", g.caller, g.n, fmt.Sprintf(format, args...))
		})
		attempts, calls, tickets = attempts+g.attempts, calls+g.calls+1, append(tickets, g.tickets...)
		if most := w.attempts() * (g.calls + 1); w.Callers == 1 && g.attempts > most {
			fail(ruleAttempts, "caller %d, turn %d: %d attempts for %d calls, want at most %d", g.caller, g.n, g.attempts, g.calls+1, most)
		}
	}
	if n, most := w.calls(), w.attempts()*calls; n > most {
		fail(ruleAttempts, "%d attempts for %d calls in all, want at most %d", n, calls, most)
	}
	w.judgeTools(tickets, turns, fail)
	w.judgePolicy(fail)
	for _, v := range w.Violations() {
		fail(ruleFit, "%s", v)
	}
	for _, s := range slices.Compact(secrets) {
		fail(ruleSecret, "%s", s)
	}
	return broken
}

// judgeTurn judges what one caller has seen of one turn.
func (w *world) judgeTurn(g *turn, answers map[string]string, fail func(rule, string, ...any)) {
	if g.late {
		fail(ruleTwice, "something came after the end")
	}
	for _, s := range g.screens {
		fail(ruleTwice, "%.300q was shown, which is the beginning of no answer", s)
	}
	if n := len(g.finals) + len(g.errs); n != 1 && !g.stopped {
		fail(ruleLost, "%d final responses and %d errors, want one of both", len(g.finals), len(g.errs))
	}
	for _, f := range g.finals {
		w.judgeFinal(g, f, answers, fail)
	}
	failed := len(g.errs) > 0 || slices.ContainsFunc(g.finals, func(f final) bool { return f.code != "" })
	if failed && w.mustAnswer() {
		fail(ruleLost, "no answer (%v), although the last target is well", g.errs)
	}
	limit := w.limit()
	if took := g.ended.Sub(g.began) - w.Dawdle*time.Duration(g.events); took > limit+slack {
		fail(ruleDeadline, "it took %v, the limit is %v", took, limit)
	}
}

// limit is how long a turn may take: until its caller's deadline or cancellation.
func (p *plan) limit() time.Duration {
	if p.CancelAfter > 0 {
		return min(p.Deadline, p.CancelAfter)
	}
	return p.Deadline
}

func (w *world) judgeFinal(g *turn, f final, answers map[string]string, fail func(rule, string, ...any)) {
	if f.code != "" && f.text == "" {
		return // a refusal, or an error as a response
	}
	if w.Entry == viaGateway && f.code == string(genai.FinishReasonSafety) && f.text == f.screen {
		return // a refusal after text that the client had already
	}
	if f.text == "" && g.calls > 0 {
		return // B112: the tool has run, and the model has nothing to add
	}
	if _, whole := answers[f.text]; !whole {
		fail(ruleWhole, "the final answer is %.300q, which no model was to give", f.text)
	}
	// Recover is not streamed: its answer replaces what was shown.
	if w.Entry != viaPlugin && f.screen != "" && f.screen != f.text {
		fail(ruleWhole, "%.300q was shown, and the final answer is %.300q", f.screen, f.text)
	}
}

// mustAnswer reports whether every turn has to be answered: the last target is well, may
// be called, and nothing ends a call before it is.
func (w *world) mustAnswer() bool {
	if w.Entry == viaGateway && w.Stream && w.MidStream != router.Resume {
		return false // a client of the gateway cannot be told to start over
	}
	patient := w.Deadline >= 10*time.Minute && w.Total == 0 && w.CancelAfter == 0 && w.Dawdle == 0
	last := &w.Targets[len(w.Targets)-1]
	if w.Hedge && len(w.Targets) == 2 {
		return false // a hedge is one target: nothing follows a failure after its first content
	}
	if !patient || w.MidStream == router.FailMidStream || w.Budget || w.Residency && !last.EU {
		return false
	}
	for _, a := range last.Acts {
		if !slices.Contains([]string{fine, "sliced", "metadata first"}, a.Fault) {
			return false
		}
	}
	for i := range w.Targets[:len(w.Targets)-1] {
		bare := w.Entry == viaPlugin && w.Bare && i == 0
		for _, a := range w.Targets[i].Acts {
			f := faults[a.Fault]
			if f.harms || f.slow && (bare || w.First == 0 || w.Attempt == 0) || f.panics && bare {
				return false
			}
		}
	}
	return true
}

// judgeTools judges which calls of the tool have run.
func (w *world) judgeTools(tickets []string, turns []*turn, fail func(rule, string, ...any)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, n := range w.tickets {
		if n > 1 && !w.Cache {
			fail(ruleTwice, "the tool has run %d times for the call %s", n, id)
		}
		if !slices.Contains(tickets, id) {
			fail(ruleTwice, "the tool has run for the call %s, which nobody was shown", id)
		}
	}
	ended := !slices.ContainsFunc(turns, func(g *turn) bool { return g.stopped || len(g.errs) > 0 })
	for _, id := range tickets {
		if ended && w.tickets[id] == 0 {
			fail(ruleLost, "the tool has not run for the call %s", id)
		}
	}
}

// judgePolicy judges what only a policy promises.
func (w *world) judgePolicy(fail func(rule, string, ...any)) {
	const dollars = (inputTokens*dollarsPerInput + outputTokens*dollarsPerOutput) / 1e6
	spent := map[string]float64{}
	for _, r := range w.Requests() {
		t := w.target(r.Model)
		if w.Residency && t != nil && !t.EU {
			fail(ruleResidency, "%s was called, which is not in the EU", r.Model)
		}
		n, _ := strconv.Atoi(r.Header.Get(actHeader))
		if r.Outcome == fallbacktest.Completed && t != nil && t.on(n).Fault == fine {
			spent[r.Time.Format(time.DateOnly)] += dollars
		}
	}
	for day, sum := range spent {
		if most := dollarsPerDay + dollars*float64(w.Callers); w.Budget && sum > most+1e-9 {
			fail(ruleBudget, "$%.3f were spent on %s, want at most $%.3f", sum, day, most)
		}
	}
	if w.Total == 0 || w.Dawdle > 0 {
		return
	}
	w.told.mu.Lock()
	defer w.told.mu.Unlock()
	for _, r := range w.told.ends {
		if r.Duration > w.Total+slack {
			fail(ruleDeadline, "a call took %v, the policy's total is %v", r.Duration, w.Total)
		}
	}
}

func (w *world) target(name string) *target {
	for i := range w.Targets {
		if w.Targets[i].Name == name {
			return &w.Targets[i]
		}
	}
	return nil
}

// broke reports whether the rule of one violation is among others.
func (v violation) in(others []violation) bool {
	return slices.ContainsFunc(others, func(o violation) bool { return o.rule == v.rule })
}

func listed(broken []violation) string {
	var out []string
	for _, v := range broken {
		out = append(out, "  "+v.String())
	}
	return strings.Join(out, "\n")
}
