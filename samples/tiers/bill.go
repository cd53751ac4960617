package main

import (
	"context"
	"sync"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// prices are made up: US dollars per million tokens.
var prices = map[string]struct{ input, output float64 }{
	flashName:  {0.50, 3},
	gptName:    {2, 8},
	claudeName: {3, 15},
	localName:  {0, 0},
}

// bill counts attempts. Those that failed are billed too, as far as they report tokens.
type bill struct {
	mu    sync.Mutex
	lines map[string]*line // by model; guarded by mu
}

type line struct {
	answered, failed int
	dollars          float64
}

// add implements router.Config.OnAttempt.
func (b *bill) add(_ context.Context, a call.Attempt) {
	price, isModel := prices[a.Model]
	if !isModel || a.Outcome == call.Skipped {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.lines == nil {
		b.lines = map[string]*line{}
	}
	l := b.lines[a.Model]
	if l == nil {
		l = &line{}
		b.lines[a.Model] = l
	}
	if a.Outcome == call.OK {
		l.answered++
	} else {
		l.failed++
	}
	l.dollars += (float64(a.InputTokens)*price.input + float64(a.OutputTokens)*price.output) / 1e6
}

func (b *bill) print(s *screen) {
	b.mu.Lock()
	defer b.mu.Unlock()
	total := 0.0
	for _, name := range []string{flashName, gptName, claudeName, localName} {
		if l := b.lines[name]; l != nil {
			s.print("%-18s %2d answers, %2d failed attempts, %.6f USD\n", name, l.answered, l.failed, l.dollars)
			total += l.dollars
		}
	}
	s.print("in all: %.6f USD\n", total)
}
