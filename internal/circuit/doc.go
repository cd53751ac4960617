// Package circuit is the state machine of a circuit breaker: it admits or refuses calls, and
// learns from how they end. A layer owns a circuit, calls the model, makes the probes and says
// what an error means.
//
//	closed ──failures──▶ open ──rest is over──▶ half open ──probes succeed──▶ closed
//	                      ▲                        │
//	                      └──────probe fails───────┘
//
// Libraries' state machines do not support opening until a given time, forced calls,
// or a growing rest.
package circuit
