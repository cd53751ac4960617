// Package kinds lists the kinds of failures by name, for whoever checks a name without
// classifying an error. What each means is in package failure; a test keeps the two
// equal.
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
