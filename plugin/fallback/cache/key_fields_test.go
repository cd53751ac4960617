package cache_test

import (
	"reflect"
	"testing"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/cache"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// notInKey are the fields of a request that do not reach its answer, and what a
// request is in which one is set: a hit, because it was asked without it.
// Everything else belongs to the key: whether a field of a newer genai should be
// listed here is to be decided when it comes.
var notInKey = map[string]string{
	"LLMRequest.Model":  call.CacheBypass, // another model than the one behind the cache
	"LLMRequest.Config": hollow,
	"LLMRequest.Tools":  call.CacheHit, // live; their declarations are in Config

	"GenerateContentConfig.HTTPOptions": hollow,
	"GenerateContentConfig.Labels":      call.CacheHit,
	"GenerateContentConfig.ServiceTier": call.CacheHit,
	"GenerateContentConfig.Store":       call.CacheHit,

	"HTTPOptions.Headers":               call.CacheHit,
	"HTTPOptions.Timeout":               call.CacheHit,
	"HTTPOptions.RetryOptions":          call.CacheHit,
	"HTTPOptions.ExtrasRequestProvider": call.CacheBypass, // nobody knows what it adds

	"Part.PartMetadata":     call.CacheHit,
	"Part.ThoughtSignature": call.CacheHit,
}

// B86, B124
func TestCacheKeyHasEveryField(t *testing.T) {
	m := newCache(t, cache.Config{}).Middleware()(llmtest.NewModel("flash", llmtest.Text("text")))
	f := &fields{t: t, m: m, seen: map[reflect.Type]bool{}, used: map[string]bool{}}
	f.expect("an empty request", new(model.LLMRequest), call.CacheMiss)
	f.walk(reflect.TypeFor[model.LLMRequest](), func(set func(reflect.Value)) *model.LLMRequest {
		req := &model.LLMRequest{}
		set(reflect.ValueOf(req).Elem())
		return req
	})
	if n := len(f.seen); n < 40 {
		t.Errorf("%d types were seen, want all of a request", n)
	}
	for field := range notInKey {
		if !f.used[field] {
			t.Errorf("%s is listed, but requests have no such field", field)
		}
	}
}

// hollow stands for a field that is as good as none when nothing in it is set.
const hollow = "hollow"

// fields asks m with each field of a request set, and nothing else but what it is
// in.
type fields struct {
	t    *testing.T
	m    model.LLM
	seen map[reflect.Type]bool
	used map[string]bool // of notInKey
}

// walk tries the fields of t, and of the types in them. request returns a request
// in which set has filled a value of type t.
func (f *fields) walk(t reflect.Type, request func(set func(reflect.Value)) *model.LLMRequest) {
	if f.seen[t] {
		return
	}
	f.seen[t] = true
	for i := range t.NumField() {
		field := t.Field(i)
		if !field.IsExported() {
			continue
		}
		within := func(set func(reflect.Value)) *model.LLMRequest {
			return request(func(v reflect.Value) { fill(v.Field(i), set) })
		}
		name, want := t.Name()+"."+field.Name, call.CacheMiss
		if listed, ok := notInKey[name]; ok {
			want, f.used[name] = listed, true
		}
		omitted := want == call.CacheHit
		if want == hollow {
			want = call.CacheHit
		}
		f.expect(name, within(simple), want)
		if omitted {
			continue
		}
		if inner := innermost(field.Type); inner.Kind() == reflect.Struct && inner != reflect.TypeFor[time.Time]() {
			f.walk(inner, within)
		}
	}
}

// expect asks with req, which was not asked before, and twice if that is a miss.
func (f *fields) expect(name string, req *model.LLMRequest, want string) {
	f.t.Helper()
	got := cacheStatus(f.t.Context(), f.t, f.m, req)
	if got != want {
		f.t.Errorf("%s: %q, want %q", name, got, want)
	}
	if want != call.CacheMiss {
		return
	}
	if got := cacheStatus(f.t.Context(), f.t, f.m, req); got != call.CacheHit {
		f.t.Errorf("%s again: %q, want a hit", name, got)
	}
}

// innermost returns what pointers, lists and maps of type t lead to.
func innermost(t reflect.Type) reflect.Type {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return innermost(t.Elem())
	}
	return t
}

// fill sets v to a list or map of one element, or a pointer to one, and has set
// fill what is innermost.
func fill(v reflect.Value, set func(reflect.Value)) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), set)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), set)
	case reflect.Map:
		value := reflect.New(v.Type().Elem()).Elem()
		fill(value, set)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("k").Convert(v.Type().Key()), value)
	default:
		set(v)
	}
}

// simple makes v other than zero, if it is no struct.
func simple(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(7)
	case reflect.Uint8:
		v.SetUint(7)
	case reflect.Float32, reflect.Float64:
		v.SetFloat(0.5)
	case reflect.Interface:
		v.Set(reflect.ValueOf("x"))
	case reflect.Func:
		v.Set(reflect.MakeFunc(v.Type(), func(in []reflect.Value) []reflect.Value { return in }))
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Unix(7, 0)))
		}
	default:
		panic("no value for " + v.Type().String())
	}
}
