package tokens

import "google.golang.org/genai"

// Usage is what a provider counts of one answer.
type Usage = genai.GenerateContentResponseUsageMetadata

// Counted reports whether u counts any token. A usage that counts none is a
// provider's way, or its adapter's, to say that it does not know: each request has
// some.
func Counted(u *Usage) bool {
	return u != nil && (u.PromptTokenCount > 0 || u.CandidatesTokenCount > 0 || u.ThoughtsTokenCount > 0 ||
		u.ToolUsePromptTokenCount > 0 || u.CachedContentTokenCount > 0 || u.TotalTokenCount > 0)
}

// Of returns the tokens that u counts, thoughts as output; 0 for nil.
func Of(u *Usage) (input, output int) {
	if u == nil {
		return 0, 0
	}
	return int(u.PromptTokenCount) + int(u.ToolUsePromptTokenCount), int(u.CandidatesTokenCount) + int(u.ThoughtsTokenCount)
}

// Cached returns the tokens that u counts as read from the provider's prompt cache; 0
// for nil.
func Cached(u *Usage) int {
	if u == nil {
		return 0
	}
	return int(max(u.CachedContentTokenCount, 0))
}

// Sum returns u with the counts of more added, as a copy unless one of them is nil.
// What u has of details stays.
func Sum(u, more *Usage) *Usage {
	if u == nil || more == nil {
		if u == nil {
			return more
		}
		return u
	}
	sum := *u
	sum.PromptTokenCount += more.PromptTokenCount
	sum.CachedContentTokenCount += more.CachedContentTokenCount
	sum.CandidatesTokenCount += more.CandidatesTokenCount
	sum.ThoughtsTokenCount += more.ThoughtsTokenCount
	sum.ToolUsePromptTokenCount += more.ToolUsePromptTokenCount
	sum.TotalTokenCount += more.TotalTokenCount
	return &sum
}
