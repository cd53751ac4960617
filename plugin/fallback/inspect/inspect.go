package inspect

import (
	"iter"
	"time"

	"google.golang.org/adk/v2/model"
)

// Node is a layer of a tree, or a model, with its state at one moment. At most one of the
// pointers is set. As JSON it has no names of tenants but in Budget.
type Node struct {
	// Layer says what it is: "model", "breaker", "limit", "retry", "budget", "cache",
	// "timeout", "validate", "policy", "fallback", "hedge", "cascade", "split", "template", …
	Layer string `json:"layer"`
	// Name is the name of the model that the layer stands for.
	Name string `json:"name"`

	Breaker *Breaker     `json:"breaker,omitempty"`
	Limit   *Limit       `json:"limit,omitempty"`
	Retry   *RetryBudget `json:"retry_budget,omitempty"`
	Budget  *Budget      `json:"budget,omitempty"`
	Cache   *Cache       `json:"cache,omitempty"`
	Hedge   *Hedge       `json:"hedge,omitempty"`
	Split   *Split       `json:"split,omitempty"`
	Policy  *Policy      `json:"policy,omitempty"`
	Shared  *State       `json:"shared,omitempty"`

	// State identifies the state: it is equal for layers that share it, such as those of
	// one budget around several models. It must be comparable, such as a pointer. Nil
	// without a state.
	State any `json:"-"`

	// Inner has the layer inside, or the members of a group, in order.
	Inner []Node `json:"inner,omitempty"`
}

// Inspector is a model, or a middleware around one, that takes part in the tree. Inspect
// must be safe for concurrent use.
type Inspector interface{ Inspect() Node }

// Of returns the tree of m. A model that is no layer is a node of its own. It is safe for
// concurrent use; the nodes are copies, so states of different nodes can be from slightly
// different moments.
func Of(m model.LLM) Node {
	if i, ok := m.(Inspector); ok {
		return i.Inspect()
	}
	return Node{Layer: "model", Name: m.Name()}
}

// Each returns the trees of several models.
func Each[M model.LLM](models ...M) []Node {
	nodes := make([]Node, len(models))
	for i, m := range models {
		nodes[i] = Of(m)
	}
	return nodes
}

// All yields n and the nodes below it, outer ones first.
func (n Node) All() iter.Seq[*Node] {
	return func(yield func(*Node) bool) { n.walk(yield) }
}

func (n *Node) walk(yield func(*Node) bool) bool {
	if !yield(n) {
		return false
	}
	for i := range n.Inner {
		if !n.Inner[i].walk(yield) {
			return false
		}
	}
	return true
}

// States yields the nodes of All that have a state, each state once.
func (n Node) States() iter.Seq[*Node] {
	return func(yield func(*Node) bool) {
		seen := make(map[any]bool)
		for n := range n.All() {
			if n.State == nil || seen[n.State] {
				continue
			}
			seen[n.State] = true
			if !yield(n) {
				return
			}
		}
	}
}

// BreakerState is what a breaker does with calls.
type BreakerState string

// The states of a breaker. A breaker whose time to stay open is over is half open from the
// next call on.
const (
	Closed   BreakerState = "closed"    // they pass
	HalfOpen BreakerState = "half_open" // probes pass
	Open     BreakerState = "open"      // they are refused
)

// Breaker is the state of a circuit breaker.
type Breaker struct {
	State BreakerState `json:"state"`
	// Failures is how many calls in a row have failed while it is closed.
	Failures int `json:"failures"`
	// Reason is why it opened; "" while it is closed.
	Reason string `json:"reason,omitempty"`
	// Until is when an open breaker lets a probe through; zero while it is closed.
	Until time.Time `json:"until,omitzero"`

	Control BreakerControl `json:"-"`
}

// BreakerControl changes a breaker by hand. Both methods are safe for concurrent use.
type BreakerControl interface {
	// Open opens the breaker for d, or leaves it as it is if it is open for longer.
	// reason appears in records, up to 128 bytes of it on one line; "" means "opened by
	// hand". A call that has no other target passes nevertheless. A d that is not positive
	// changes nothing.
	Open(d time.Duration, reason string)
	// Close closes the breaker and forgets its failures. A failure opens it as usual.
	Close()
}

// Open opens the breaker by hand; see [BreakerControl]. It does nothing on a copy from
// JSON.
func (b *Breaker) Open(d time.Duration, reason string) {
	if b.Control != nil {
		b.Control.Open(d, reason)
	}
}

// Close closes the breaker by hand; see [BreakerControl].
func (b *Breaker) Close() {
	if b.Control != nil {
		b.Control.Close()
	}
}

// Limit is the state of a rate limit. 0 as a limit means none.
type Limit struct {
	InFlight      int `json:"in_flight"`      // calls that have started and not ended
	MaxConcurrent int `json:"max_concurrent"` // as configured
	Queued        int `json:"queued"`         // calls that wait
	MaxQueue      int `json:"max_queue"`      // as configured

	RequestsPerMinute int `json:"requests_per_minute"` // as configured
	TokensPerMinute   int `json:"tokens_per_minute"`   // as configured
	// Pace is the share of the configured limits that is used now, above 0 and up to 1. An
	// adaptive limit lowers it when the provider reports that a limit is exceeded.
	Pace float64 `json:"pace"`
}

// RetryBudget is how many retries are allowed at this moment.
type RetryBudget struct {
	Available float64 `json:"available"` // retries
	Max       float64 `json:"max"`
}

// MaxTenants is how many tenants [Budget] lists: those that have used the largest share of
// their limit, then those that have spent the most.
const MaxTenants = 100

// Budget is what tenants have spent today.
type Budget struct {
	Tenants []Spending `json:"tenants"` // at most MaxTenants
	Spent   float64    `json:"spent"`   // US dollars, by all tenants
	More    int        `json:"more"`    // tenants that are not listed
}

// Spending is what one tenant has spent today, in US dollars.
type Spending struct {
	Tenant   string  `json:"tenant"`   // "" for calls without one
	Spent    float64 `json:"spent"`    // without Reserved
	Reserved float64 `json:"reserved"` // by attempts in progress
	Limit    float64 `json:"limit"`    // 0 for none
}

// Cache is the state of a cache of answers.
type Cache struct {
	Bytes    int `json:"bytes"` // estimated
	MaxBytes int `json:"max_bytes"`
	Answers  int `json:"answers"`
}

// Hedge is the state of a hedge.
type Hedge struct {
	// Delay is the time without content after which another model is called now: for
	// streams, and for other calls.
	Delay      time.Duration `json:"delay_ns"`
	UnaryDelay time.Duration `json:"unary_delay_ns"`
	// Available is how many hedges are allowed at this moment.
	Available float64 `json:"available"`
	Max       float64 `json:"max"`
}

// Split is the state of an experiment.
type Split struct {
	Experiment string `json:"experiment,omitempty"`
	Arms       []Arm  `json:"arms"`
}

// Arm is an arm of an experiment. Its counts are those of the experiment's window.
type Arm struct {
	Cohort     string  `json:"cohort"`
	Share      float64 `json:"share"`       // of users or sessions, from 0 to 1, at this moment
	RolledBack bool    `json:"rolled_back"` // for its drift; its share is 0
	Calls      int     `json:"calls"`
	Errors     int     `json:"errors"`
	Fallbacks  int     `json:"fallbacks"`
}

// Policy is a policy in use. The layers that it describes are inside its node.
type Policy struct {
	File      string    `json:"file,omitempty"`    // its name; "" for a policy from elsewhere
	Loaded    time.Time `json:"loaded"`            // when it was put into use
	Reloads   int       `json:"reloads"`           // how often the policy has been replaced
	Problem   string    `json:"problem,omitempty"` // why the latest change of the file is not in use; redacted, at most 4 KiB
	ProblemAt time.Time `json:"problem_at,omitzero"`
}

// State is the connection of a replica to the store of its shared state.
type State struct {
	Reachable bool      `json:"reachable"`         // if not, this replica goes on alone
	Since     time.Time `json:"since"`             // when Reachable changed last
	Problem   string    `json:"problem,omitempty"` // why it is not; redacted, at most 256 bytes
	Replicas  int       `json:"replicas"`          // that live, as last known; this one included
	Dropped   int       `json:"dropped"`           // values that were not kept, of all since the start
}

// Jobs is how many deferred jobs are in each state. It is no part of a tree; see
// jobs.Queue.Counts.
type Jobs struct {
	Pending   int `json:"pending"`
	Running   int `json:"running"`
	Done      int `json:"done"`
	Failed    int `json:"failed"`
	Cancelled int `json:"cancelled"`
	// Oldest is when the oldest pending job was created; zero if there is none.
	Oldest time.Time `json:"oldest,omitzero"`
}
