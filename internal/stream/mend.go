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

// mend looks for a repair after the attempt has failed with err. It reports
// whether to call the same model again at once. The repair is remembered for a
// day and applied to later calls.
func (a *attempt) mend(ctx context.Context, err error, target *provider.Target) bool {
	failed, ok := err.(*AttemptError)
	if !ok || failed.cut || a.req == nil || a.out.Shown || a.out.Stopped || ctx.Err() != nil {
		return false
	}
	if status := failed.Means.HTTPStatus; status != statusRefuse && status != statusEntity {
		return false
	}
	switch failed.Means.Kind {
	case failure.KindInvalid, failure.KindUnsupported, failure.KindUnknown, failure.KindContextLength: // an id may be "too long"
	default:
		return false
	}
	repair, ok := target.Repair(a.req, a.refusal(failed.Err))
	if !ok || !a.source.lessons.add(ctx, repair) {
		return false
	}
	a.source.logger().WarnContext(ctx, "fallback: the model refuses a part of the request; later requests omit or change it",
		"model", a.source.name, "part", string(repair), "code", failed.Means.Code)
	return true
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

func lessonOf(ctx context.Context, r provider.Repair) lesson {
	if r.OfSession() {
		return lesson{r, cmp.Or(call.From(ctx).Session, call.From(ctx).Invocation)}
	}
	return lesson{repair: r}
}

// add remembers a repair, and reports whether it is new.
func (l *lessons) add(ctx context.Context, r provider.Repair) bool {
	key, now := lessonOf(ctx, r), time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.until[key].After(now) {
		return false
	}
	if l.until == nil {
		l.until = map[lesson]time.Time{}
	}
	if len(l.until) >= maxLessons {
		oldest := slices.MinFunc(slices.Collect(maps.Keys(l.until)), func(a, b lesson) int { return l.until[a].Compare(l.until[b]) })
		delete(l.until, oldest)
	}
	l.until[key] = now.Add(lessonLasts)
	return true
}

// apply repairs req in advance and returns the names of the repairs.
func (l *lessons) apply(ctx context.Context, req *model.LLMRequest) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.until) == 0 {
		return nil
	}
	var names []string
	now := time.Now()
	for key, until := range l.until {
		switch {
		case !until.After(now):
			delete(l.until, key)
		case lessonOf(ctx, key.repair) == key:
			key.repair.Apply(req)
			names = append(names, string(key.repair))
		}
	}
	slices.Sort(names)
	return names
}
