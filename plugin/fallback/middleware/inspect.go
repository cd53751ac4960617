package middleware

import (
	"cmp"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/printable"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/inspect"
)

// Inspect returns the breaker's state; see package inspect.
func (b *breaker) Inspect() inspect.Node {
	n := b.Node("breaker")
	state := b.circuit.Inspect()
	state.Control = b
	n.Breaker, n.State = &state, b.circuit
	return n
}

// Open implements inspect.BreakerControl.
func (b *breaker) Open(d time.Duration, reason string) {
	if d > 0 {
		b.Rest(d, cmp.Or(printable.Line(reason, call.MaxNameBytes), "opened by hand"))
	}
}

// Close implements inspect.BreakerControl.
func (b *breaker) Close() { b.changed(b.circuit.Close(), BreakerClosed) }

// Inspect returns the limit's state.
func (l *limit) Inspect() inspect.Node {
	n := l.Node("limit")
	state := l.queue.Inspect()
	n.Limit, n.State = &state, l.queue
	return n
}

// Inspect returns the state of the retry budget.
func (r *retry) Inspect() inspect.Node {
	n := r.Node("retry")
	budget := r.config.Budget.budget
	available, most := budget.Balance()
	n.Retry, n.State = &inspect.RetryBudget{Available: available, Max: most}, budget
	return n
}

// Inspect returns what tenants have spent.
func (l *charged) Inspect() inspect.Node {
	n := l.Node("budget")
	n.Budget, n.State = l.budget.inspect(), l.budget
	return n
}

func (b *Budget) inspect() *inspect.Budget {
	state := &inspect.Budget{}
	for _, a := range b.ledger.Accounts() {
		s := inspect.Spending{Tenant: a.Tenant, Spent: a.Spent.Dollars(), Reserved: a.Reserved.Dollars(), Limit: a.Limit.Dollars()}
		state.Spent += s.Spent
		state.Tenants = append(state.Tenants, s)
	}
	if more := len(state.Tenants) - inspect.MaxTenants; more > 0 {
		state.Tenants, state.More = state.Tenants[:inspect.MaxTenants], more
	}
	return state
}

// Inspect returns the tree with a node for the layer.
func (t *timeout) Inspect() inspect.Node { return t.Node("timeout") }

// Inspect returns the tree with a node for the layer.
func (v *validate) Inspect() inspect.Node { return v.Node("validate") }

// Inspect returns the tree with a node for the layer.
func (l *trimmed) Inspect() inspect.Node { return l.Node("trim") }

// Inspect returns the tree with a node for the layer.
func (k *keepWarm) Inspect() inspect.Node { return k.Node("keep-warm") }
