// Package failure says what an error of a model means: try the same model again, move on to another one, or give up;
// how long to wait or to stay away; and whose fault it was.
//
//	v := failure.Classify(err)
//	switch v.Action {
//	case failure.Retry:    // wait v.RetryAfter (0: your own backoff), ask the same model again
//	case failure.Fallback: // ask another one; avoid v.Scope for v.Cooldown
//	case failure.Fail:     // hand the error to the caller
//	}
//
// A verdict is built in two steps. First the evidence is gathered ([genai.APIError] by value, by pointer or wrapped, the
// errors of other SDKs, HTTP status, headers and body, or the bare text of an error): structured google.rpc details,
// codes and types are read wherever they are, also in JSON inside strings, arrays, relay envelopes and damaged streams,
// to a bounded depth and size. Then the rules are asked in one fixed order (rules.go), structure (codes.go) before text
// (wordings.go). docs/errors.md lists them all, by vendor.
//
// What lives here is judgement, and what it needs to see: [Capture] keeps the headers that SDKs drop. What may not
// live here is anything that acts on a verdict (waiting, breakers, choosing a model): this package imports no sibling, and
// a verdict is a pure function of the error and a clock.
package failure
