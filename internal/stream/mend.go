package stream

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"unicode"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
)

// Bounds and statuses of a refusal.
const (
	maxRefusal   = 16 << 10 // bytes of an error that are searched
	statusRefuse = 400
	statusEntity = 422 // used by FastAPI servers
)

// maxRepairs bounds the repairs that one call makes for a model. Most servers name one refused
// setting at a time, and a request has few optional settings.
const maxRepairs = 8

// mending is what the next attempt of a call must do differently, as its earlier attempts at the same
// model have shown.
type mending struct {
	believe bool              // accept an empty answer after tools
	plain   bool              // in a fallback's request, omit the fields of [request.SetFields]
	repairs []provider.Repair // in addition to those learnt from other calls
}

// mend returns the mending of the next attempt after a has failed with err. ok is false if another
// attempt would not help.
func (a *attempt) mend(ctx context.Context, err error, target *provider.Target) (m mending, ok bool) {
	m = a.mending
	if a.mute && !m.believe && ctx.Err() == nil && a.out.Again() {
		m.believe = true
		return m, true
	}
	repair, refused := a.repairFor(ctx, err, target)
	switch {
	case !refused:
		return m, false
	case repair != "" && len(m.repairs) < maxRepairs:
		a.learn(ctx, repair, err)
		m.repairs = append(m.repairs, repair)
		return m, true
	case a.refusesCarried(err):
		m.plain = true
		return m, true
	}
	if n := len(m.repairs); n > 0 && repair == "" {
		a.source.lessons.Forget(ctx, m.repairs[n-1]) // the server meant something else
	}
	return m, false
}

// repairFor looks for a repair after the attempt has failed with err. It reports
// whether the server refused the request. The repair is "" if there is no new one.
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

// refusesCarried reports whether the server names a field that the request carries for the protocol.
// Only the fallbacks of a call may be called again without these fields: they were made for the
// primary, which may be of another vendor. No repair is learnt, because clients may send any field.
// repairFor must have reported a refusal with err.
func (a *attempt) refusesCarried(err error) bool {
	failed, ok := err.(*AttemptError)
	if !ok || len(a.carried) == 0 {
		return false
	}
	between := func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) }
	for word := range strings.FieldsFuncSeq(a.refusal(failed.Err).Message, between) {
		if _, ok := a.carried[word]; ok {
			return true
		}
	}
	return false
}

// learn remembers, for a day, the repair that err asks for, and logs it. If the server refuses only a
// value, nothing is remembered, because other calls may send another value, and each call is logged.
func (a *attempt) learn(ctx context.Context, repair provider.Repair, err error) {
	failed, ok := err.(*AttemptError)
	if !ok {
		return
	}
	s, message := a.source, "fallback: the model refuses a value in the request; this call omits it"
	if repair.Lasts(a.refusal(failed.Err)) {
		if !s.lessons.Add(ctx, repair) {
			return
		}
		message = "fallback: the model refuses a part of the request; later requests omit or change it"
	}
	s.logger().WarnContext(ctx, message, "model", s.name, "part", string(repair), "code", VerdictOf(ctx, err).Code)
}

// refusal reads the server's error from err, or from the recorded HTTP exchange.
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

// rawError is implemented by the errors of our adapters and of the SDKs of OpenAI and
// Anthropic.
type rawError interface {
	error
	RawJSON() string
}

func (s *Source) logger() *slog.Logger { return cmp.Or(s.options.Logger, slog.Default()) }
