// Package lesson remembers what a model's server has refused, so that later requests
// are repaired in advance.
package lesson

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
)

// Bounds of what a Book holds.
const (
	maxLessons = 64
	lasts      = 24 * time.Hour // a provider may take tomorrow what it refuses today
)

// Book holds the repairs that a target needs. The zero value is ready and safe
// for concurrent use.
type Book struct {
	mu    sync.Mutex
	until map[lesson]time.Time // guarded by mu
}

// lesson is a repair. One of the history applies to a single session.
type lesson struct {
	repair  provider.Repair
	session string
}

// lessonOf returns the lesson that r is in ctx; ok is false for one of the history
// in a call outside a session, which says nothing about other calls.
func lessonOf(ctx context.Context, r provider.Repair) (key lesson, ok bool) {
	if !r.OfSession() {
		return lesson{repair: r}, true
	}
	info := call.From(ctx)
	return lesson{r, info.App + "\n" + info.User + "\n" + info.Session}, info.Session != ""
}

// Add remembers a repair, and reports whether it is new.
func (l *Book) Add(ctx context.Context, r provider.Repair) bool {
	key, ok := lessonOf(ctx, r)
	if !ok {
		return false
	}
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.until[key].After(now) {
		return false
	}
	if l.until == nil {
		l.until = map[lesson]time.Time{}
	}
	if len(l.until) >= maxLessons {
		delete(l.until, slices.MinFunc(slices.Collect(maps.Keys(l.until)), l.leastUseful))
	}
	l.until[key] = now.Add(lasts)
	return true
}

// leastUseful orders lessons: those of one session before those of all, then the
// oldest first.
func (l *Book) leastUseful(a, b lesson) int {
	switch ofSession := a.session != ""; {
	case ofSession == (b.session != ""):
		return l.until[a].Compare(l.until[b])
	case ofSession:
		return -1
	}
	return 1
}

// Forget takes back a repair that did not help.
func (l *Book) Forget(ctx context.Context, r provider.Repair) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if key, ok := lessonOf(ctx, r); ok {
		delete(l.until, key)
	}
}

// Apply makes the known repairs to req in advance, and more. It returns the names of
// the repairs that changed req.
func (l *Book) Apply(ctx context.Context, req *model.LLMRequest, more ...provider.Repair) []string {
	var names []string
	for _, repair := range l.known(ctx, more) {
		if repair.Apply(req) {
			names = append(names, string(repair))
		}
	}
	return names
}

// known returns the known repairs for a call and more, in order, without duplicates.
func (l *Book) known(ctx context.Context, more []provider.Repair) (repairs []provider.Repair) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var now time.Time
	if len(l.until) > 0 {
		now = time.Now()
	}
	for key, until := range l.until {
		if !until.After(now) {
			delete(l.until, key)
		} else if own, ok := lessonOf(ctx, key.repair); ok && own == key {
			repairs = append(repairs, key.repair)
		}
	}
	repairs = append(repairs, more...)
	slices.Sort(repairs)
	return slices.Compact(repairs)
}
