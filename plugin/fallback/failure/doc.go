// Package failure says what an error of a model means: retry the same model, fall back to another one, or fail; how long
// to wait, or to avoid the target; and whether to avoid the model, its account, its endpoint or its provider.
//
//	v := failure.Classify(err)
//	switch v.Action {
//	case failure.Retry:    // wait v.RetryAfter (0: your own backoff), then call the same model again
//	case failure.Fallback: // call another model; avoid v.Scope for v.Cooldown
//	case failure.Fail:     // return the error to the caller
//	}
//
// A verdict is made in two steps. The first gathers evidence from a [genai.APIError] (by value, by pointer or wrapped), the
// errors of other SDKs, an HTTP status with headers and body, or the bare text of an error. It reads structured google.rpc
// details, codes and types wherever they are, also in JSON inside strings, arrays, relay envelopes and damaged streams, to
// a bounded depth and size. The second step applies the rules (rules.go) in a fixed order: structure (codes.go) before text
// (wordings.go). docs/errors.md lists them all, by vendor.
//
// The packages in internal only read text, and know nothing of verdicts: lenient reads JSON, even if it is damaged, prose
// reads sentences, delay reads how long to wait, and quota reads windows and limits.
//
// The package only judges, so it imports no sibling, and a verdict is a pure function of the error and a clock. Whatever acts
// on a verdict (waiting, breakers, choosing a model) belongs elsewhere. [Capture] keeps the headers that SDKs drop.
package failure
