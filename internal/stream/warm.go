package stream

// Warm is the target that has the conversation of a call in its prompt cache. A router
// sets it on its Sink before it calls its first target.
type Warm struct {
	Model  string // "" for none, or unknown
	Tokens int    // read from the cache for its latest answer
}

// lost returns how many of the conversation's cached tokens the answer under way has
// lost because another target gives it; see [call.Attempt].
func (s *Sink) lost() int {
	a := &s.answer
	if s.Warm == nil || s.Warm.Model == "" || s.Warm.Model == a.Model || a.InputTokens == 0 {
		return 0
	}
	return max(min(s.Warm.Tokens, a.InputTokens)-a.CachedTokens, 0)
}
