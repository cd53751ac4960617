package turn

// Agents tells how many agents and branches of a turn have state.
func (p *Plugin) Agents(invocation string) int {
	p.turns.Lock()
	defer p.turns.Unlock()
	t, ok := p.turns.lru.Peek(invocation)
	if !ok {
		return 0
	}
	return 1 + len(t.others)
}
