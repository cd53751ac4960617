package stream

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
)

// Bounds of what a Source remembers of refusals.
const (
	maxLessons   = 64
	lessonLasts  = 24 * time.Hour // a provider may take tomorrow what it refuses today
	maxRefusal   = 16 << 10       // bytes of an error that are searched
	statusRefuse = 400
	statusEntity = 422 // what FastAPI servers refuse a request with
)

// repairFor looks for a repair after the attempt has failed with err. It reports
// whether the server refused the request; the repair is "" if there is none that
// the attempt's request had not already.
func (a *attempt) repairFor(ctx context.Context, err error, target *provider.Target) (repair provider.Repair, refused bool) {
	failed, ok := err.(*AttemptError)
	if !ok || failed.cut || a.req == nil || a.out.Shown || a.out.Stopped || ctx.Err() != nil {
		return "", false
	}
	if status := failed.Means.HTTPStatus; status != statusRefuse && status != statusEntity {
		return "", false
	}
	switch failed.Means.Kind {
	case failure.KindInvalid, failure.KindUnsupported, failure.KindUnknown, failure.KindContextLength: // an id may be "too long"
	default:
		return "", false
	}
	repair, ok = target.Repair(a.req, a.refusal(failed.Err))
	if !ok || slices.Contains(a.repaired, string(repair)) {
		return "", true
	}
	return repair, true
}

// learn remembers the repair that err asks for a day, and logs it.
func (s *Source) learn(ctx context.Context, repair provider.Repair, err error) {
	if s.lessons.add(ctx, repair) {
		s.logger().WarnContext(ctx, "fallback: the model refuses a part of the request; later requests omit or change it",
			"model", s.name, "part", string(repair), "code", VerdictOf(ctx, err).Code)
	}
}

// refusal reads the server's error from err, or from the exchange that the
// transport recorded.
func (a *attempt) refusal(err error) provider.Refusal {
	text := err.Error()
	if raw, ok := errors.AsType[rawError](err); ok {
		text = raw.RawJSON()
	}
	if _, _, body := a.capture.Last(); body != "" {
		text = body
	}
	text = text[:min(len(text), maxRefusal)]
	var body struct {
		Error struct {
			Param string `json:"param"`
		} `json:"error"`
	}
	_ = json.Unmarshal([]byte(text), &body) // other shapes name no parameter
	return provider.Refusal{Param: body.Error.Param, Message: text}
}

// rawError is the shape of the errors of our adapters and of the SDKs of OpenAI
// and Anthropic.
type rawError interface {
	error
	RawJSON() string
}

func (s *Source) logger() *slog.Logger { return cmp.Or(s.options.Logger, slog.Default()) }

// lessons are the repairs that a target needs. The zero value is ready and safe
// for concurrent use.
type lessons struct {
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

// add remembers a repair, and reports whether it is new.
func (l *lessons) add(ctx context.Context, r provider.Repair) bool {
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
	l.until[key] = now.Add(lessonLasts)
	return true
}

// leastUseful orders lessons: those of one session before those of all, then the
// oldest first.
func (l *lessons) leastUseful(a, b lesson) int {
	switch ofSession := a.session != ""; {
	case ofSession == (b.session != ""):
		return l.until[a].Compare(l.until[b])
	case ofSession:
		return -1
	}
	return 1
}

// forget takes back a repair that did not help.
func (l *lessons) forget(ctx context.Context, r provider.Repair) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if key, ok := lessonOf(ctx, r); ok {
		delete(l.until, key)
	}
}

// apply repairs req in advance, and with more if it is not "". It returns the
// names of the repairs that changed it.
func (l *lessons) apply(ctx context.Context, req *model.LLMRequest, more provider.Repair) []string {
	var names []string
	for _, repair := range l.known(ctx, more) {
		if repair.Apply(req) {
			names = append(names, string(repair))
		}
	}
	return names
}

// known returns the repairs for a call, and more if it is not "", in order.
func (l *lessons) known(ctx context.Context, more provider.Repair) (repairs []provider.Repair) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	for key, until := range l.until {
		if !until.After(now) {
			delete(l.until, key)
		} else if own, ok := lessonOf(ctx, key.repair); ok && own == key {
			repairs = append(repairs, key.repair)
		}
	}
	if more != "" && !slices.Contains(repairs, more) {
		repairs = append(repairs, more)
	}
	slices.Sort(repairs)
	return repairs
}
