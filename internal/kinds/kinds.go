// Package kinds lists the names of the kinds of failures, for packages that check a name but do
// not classify errors. Package failure says what each means; a test compares the two.
package kinds

// All returns the kinds that a call can move on for, sorted. "canceled" is not among
// them: a call that its caller has given up is not answered. "refused" is an attempt
// that a limit, a breaker or a rule of the application did not let through.
func All() []string {
	return []string{
		"auth", "billing", "capacity", "content", "context_length", "empty", "invalid_request", "location", "malformed", "model_not_found",
		"network", "overloaded", "quota", "rate_limit", "refused", "rejected", "server", "timeout", "too_large", "truncated", "unknown",
		"unsupported", "zero_quota",
	}
}
