package router

// prefer returns the target to try among those that are equal to target i, which has the
// given rank: the one that is closest to where the conversation was.
func (r *run) prefer(i, rank int) int {
	tier := r.targets[i].traits.Tier
	if tier == "" {
		return i
	}
	from := r.origin()
	best, closest := i, from.closeness(&r.targets[i])
	try := func(at int) bool {
		if r.targets[at].traits.Tier != tier {
			return false // the tier ends here
		}
		if near := from.closeness(&r.targets[at]); near > closest && r.rank(at) == rank {
			best, closest = at, near
		}
		return true
	}
	for at := i - 1; at >= 0 && try(at); at-- {
	}
	for at := i + 1; at < len(r.targets) && try(at); at++ {
	}
	return best
}

// origin is where a conversation was before a switch.
type origin struct {
	warm   string  // the target that has it in its prompt cache, "" for none
	traits *Traits // of that target, or of the call's first
}

func (r *run) origin() origin {
	o := origin{warm: r.warm.Model, traits: &r.targets[r.start].traits}
	for i := range r.targets {
		if t := &r.targets[i]; o.warm != "" && t.Name() == o.warm {
			o.traits = &t.traits
		}
	}
	return o
}

// closeness returns how much t has in common with the origin; 0 for nothing.
func (o *origin) closeness(t *target) int {
	switch {
	case t.Name() == o.warm:
		return 3
	case t.traits.Provider == "" || t.traits.Provider != o.traits.Provider:
		return 0
	case t.traits.Credential == "" || t.traits.Credential != o.traits.Credential:
		return 1
	}
	return 2
}
