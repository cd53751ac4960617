package turn

// Agents tells how many agents and branches of a turn have state.
func (p *Plugin) Agents(invocation string) int {
	p.turns.Lock()
	defer p.turns.Unlock()
	if t := p.turns.lookup(invocation); t != nil {
		return 1 + len(t.others)
	}
	return 0
}
