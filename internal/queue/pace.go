package queue

import "time"

// paceStep is the time between two raises of the pace: from a half to the whole
// it takes five, a little less than a provider's window of a minute.
const paceStep = 10 * time.Second

// pace is the share of the configured limits that is in use. It rises by
// addition and falls by division, as TCP's does, because that finds a limit
// that others share and does not swing
// (https://www.rfc-editor.org/rfc/rfc5681#section-3.1).
type pace struct {
	tenths  int       // 1 to 10
	round   int       // how often it fell
	changed time.Time // latest; zero if never
}

func newPace() pace { return pace{tenths: 10} }

func (p *pace) share() float64 { return float64(p.tenths) / 10 }

// learn takes how a call of the given round ended, and reports whether the pace
// has changed. Calls of a round before the latest fall met the limits as they
// were, so they do not count.
func (p *pace) learn(round int, f Feedback) bool {
	switch {
	case round != p.round:
		return false
	case f == Exceeded:
		p.tenths = max(p.tenths/2, 1)
		p.round++
		p.changed = time.Now()
		return true
	case p.tenths < 10 && time.Since(p.changed) >= paceStep:
		p.tenths++
		p.changed = time.Now()
		return true
	}
	return false
}
