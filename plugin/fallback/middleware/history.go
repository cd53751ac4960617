package middleware

import "time"

// historySlots is how finely a history slides.
const historySlots = 10

// history counts the outcomes of the latest time, slot by slot.
type history struct {
	slot time.Duration // length of a slot

	start  time.Time // of slot 0; zero when nothing was counted yet
	newest int64     // number of the newest slot
	calls  [historySlots]int
	failed [historySlots]int
}

// add counts an outcome at now, which is not before that of the last call.
func (h *history) add(now time.Time, r result) {
	if h.start.IsZero() {
		h.start = now
	}
	current := int64(now.Sub(h.start) / max(h.slot, 1))
	for gone := min(current-h.newest, historySlots); gone > 0; gone-- {
		i := (current - gone + 1) % historySlots
		h.calls[i], h.failed[i] = 0, 0
	}
	h.newest = current
	i := current % historySlots
	h.calls[i]++
	if r == failed {
		h.failed[i]++
	}
}

// reached reports whether the share of failures is at least ratio, of at least
// enough calls.
func (h *history) reached(ratio float64, enough int) bool {
	calls, failures := 0, 0
	for i := range h.calls {
		calls += h.calls[i]
		failures += h.failed[i]
	}
	return calls >= enough && float64(failures) >= ratio*float64(calls)
}

func (h *history) clear() { *h = history{slot: h.slot} }
