// Package debugpage is a live status page, as net/http/pprof is for a profile: an
// http.Handler without external assets, useful without JavaScript and live with it.
//
//	page := debugpage.New(debugpage.Config{})
//	m, err := policy.Load(ctx, "fallback.yaml", policy.WithHooks(page.Hooks()))
//	// …
//	page.Watch(m)
//	http.Handle("/debug/fallback/", page)
//
// It shows each target with its health, its breaker and the time to the next probe; rates,
// percentiles and sparklines of the last 1, 5 and 60 minutes; the latest 100 calls with a
// timeline of their attempts; budgets, caches, limits, hedges and experiments; the policy in
// use with its latest reload, and its tree. All of it comes from hooks (package call) and from
// package inspect.
//
// # Security
//
// The page has no authentication: put it behind your own, or on an address that only operators
// reach. It is read-only, unless [Config.AllowBreakerControl] is set; then changes need a POST
// from the page itself, or from a client that is no browser.
//
// It never has prompts or answers. Error texts are redacted, tenants are digests unless
// [Config.ShowTenants] is set, and every text from outside is shown on one line, without
// control, bidirectional and other characters that do not print. It has a strict
// Content-Security-Policy and is never cached.
//
// # Where it can be
//
// Every link is a query, such as "?format=json". So a page works at any path, with or without
// http.StripPrefix, and behind a proxy. It needs no other file.
//
// # Formats
//
// HTML is the default. "?format=json", or the header Accept: application/json, returns JSON.
// "?format=events", or Accept: text/event-stream, is what a page in a browser listens to, with
// at most 16 listeners at a time; its content may change. The queries outcome (ok, fallback,
// degraded, failed or cancelled), tenant (as shown) and invocation select among the latest
// calls, also in JSON. A selection looks further back than 100 calls for calls that were not
// plain: it finds the latest 100 of those too.
//
// The fields of the JSON:
//
//   - time, since: when it was made, and from when on the page has counted
//   - status: idle, ok, warning (a target is not well) or failing (calls are not answered);
//     headline says it in a sentence
//   - calls: for each window of minutes the count of calls, per_minute, and how many ended ok,
//     failed or stopped (by the caller); of those that were answered, how many by fallbacks, by
//     a last resort (degraded), and from a cache (cached); percentiles (p50_ms, p95_ms, p99_ms)
//     of duration and first_content of answered calls; input_tokens and output_tokens; cost in
//     US dollars
//   - targets: for each its id, name, health (idle, healthy, failing, half_open or open),
//     failures_in_a_row, latest_failure (an attempt) and latest_failure_at, breakers with
//     id, state, failures, reason and until, last_resort, counted_as (the target that its calls
//     are counted as), and windows: as above, of attempts.
//     There, stopped are attempts that lost a hedge or were previews, and skipped is how often
//     the target was not called
//   - latest: the latest calls, the latest first. For each id, ended, outcome, model (the one
//     that answered), original_model, fallback, degraded, cache_status, error_code, reason,
//     experiment_id, cohort, duration_ms, first_content_ms, tenant, invocation,
//     attempts_dropped and attempts, whose fields are those of call.Attempt
//   - models: the trees of the watched models, as package inspect defines them
//   - problems: trees that could not be read
//
// Fields that are zero can be absent. Later versions may add fields.
//
// # Cost
//
// A call that its first target answers costs the hooks about a microsecond and three
// allocations (go test -bench Hooks). Percentiles are within 4.5 %. The memory of a page is at most 10 MB, whatever is called: 64 targets have
// statistics of their own, of which one that has been idle for an hour makes room for another;
// further targets are counted together, as "other targets". For a watched one, the page says so.
package debugpage
