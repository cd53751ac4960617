package policy_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/internal/statetest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/inspect"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
)

// sharedPolicy has all that replicas share.
const sharedPolicy = `primary: a
fallbacks: [{name: b}]
circuit_breaker: {failure_threshold: 2, backoff: 1m}
rate_limits: {requests_per_minute: 600, tokens_per_minute: 100000, queue_timeout: 1ms}
budgets: {usd_per_day: 100}
cache: {ttl: 1m}
experiments: {e: {arms: [{model: a, share: 50%}, {model: c, share: 50%}], max_drift: 20%, min_calls: 5}}
models:
  a: {price: {input: 10, output: 0}}
  b: {price: {input: 10, output: 0}}
  c: {price: {input: 10, output: 0}}
`

// opening is WithState for a store. It counts how often it was opened and closed.
type opening struct {
	store          *statetest.Store
	urls           []string
	closed         atomic.Int32
	fails          error
	returnsNothing bool
}

func (o *opening) option() policy.Option {
	return policy.WithState(func(url string) (state.Store, error) {
		o.urls = append(o.urls, url)
		if o.returnsNothing {
			return nil, nil
		}
		return &closing{o.store, o}, o.fails
	})
}

type closing struct {
	*statetest.Store
	opening *opening
}

func (c *closing) Close() error {
	c.opening.closed.Add(1)
	return nil
}

// newReplica returns a replica of a policy over a store, which the end of the test closes.
func newReplica(t *testing.T, store *statetest.Store, text string, m policy.Models) *policy.Live {
	t.Helper()
	l, err := policy.NewLive(t.Context(), parsed(t, text), quiet, m, (&opening{store: store}).option())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func healthy() policy.Models {
	return models(llmtest.NewModel("a", llmtest.Text("a")), llmtest.NewModel("b", llmtest.Text("b")), llmtest.NewModel("c", llmtest.Text("c")))
}

// question is a request of its own.
func question(i int) string { return fmt.Sprint("question ", i) }

// A healthy call waits for at most one answer of the store, though limits, budget, cache,
// breakers and experiment are shared, and for none where nothing is.
func TestHealthyCallWaitsForOneAnswerOfTheStoreAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := statetest.NewStore()
		const section = "state: redis://localhost:6379\n"
		replicas := []*policy.Live{newReplica(t, store, sharedPolicy+section, healthy()), newReplica(t, store, sharedPolicy+section, healthy())}
		alone := newReplica(t, store, sharedPolicy, healthy())
		time.Sleep(3 * time.Second)
		for i := range 200 {
			ctx, trips := statetest.CountTrips(call.With(t.Context(), call.Info{User: fmt.Sprint(i), Tenant: "acme"}))
			m := replicas[i%2].Model()
			for resp, err := range m.GenerateContent(ctx, llmtest.UserSays(question(i)), false) {
				if err != nil || resp == nil {
					t.Fatalf("call %d: %v", i, err)
				}
			}
			most := int64(1)
			if i < 2 {
				most = 2 // the first call of a tenant leases something of its budget
			}
			if n := trips.Load(); n > most {
				t.Errorf("call %d has waited for %d answers; want %d at most", i, n, most)
			}
			ctx, trips = statetest.CountTrips(ctx)
			for range alone.Model().GenerateContent(ctx, llmtest.UserSays(question(i)), false) {
			}
			if n := trips.Load(); n != 0 {
				t.Errorf("call %d has waited for %d answers without section state", i, n)
			}
			time.Sleep(150 * time.Millisecond)
		}
	})
}

// Three replicas of a policy act as one: an answer, a cooldown, a limit and a budget of one
// is one of all. B95, B97
func TestReplicasOfAPolicyActAsOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := statetest.NewStore()
		text := strings.Replace(sharedPolicy, "experiments", "# experiments", 1) + "state: {url: redis://localhost:6379, prefix: \"one:\"}\n"
		var down bool
		var replicas []*policy.Live
		asked := make([]*llmtest.Model, 3)
		for i := range 3 {
			asked[i] = llmtest.NewModel("a", func(ctx context.Context, req *model.LLMRequest, streamed bool, yield func(*model.LLMResponse, error) bool) {
				if down {
					llmtest.Fail(genai.APIError{Code: 503})(ctx, req, streamed, yield)
					return
				}
				llmtest.Text("a")(ctx, req, streamed, yield)
			})
			replicas = append(replicas, newReplica(t, store, text, models(asked[i], llmtest.NewModel("b", llmtest.Text("b")), llmtest.NewModel("c"))))
		}
		stranger := newReplica(t, store, strings.Replace(text, "one:", "two:", 1), models(llmtest.NewModel("a", llmtest.Text("stranger")), llmtest.NewModel("b", llmtest.Text("b")), llmtest.NewModel("c")))
		time.Sleep(3 * time.Second)

		ask(t.Context(), replicas[0].Model(), false)
		synctest.Wait()
		if got := ask(t.Context(), replicas[1].Model(), false); got.text != "a" || got.md.CacheStatus != call.CacheHit || len(asked[1].Asked()) != 0 {
			t.Errorf("the second replica answers %q, %s, after %d calls", got.text, got.md.CacheStatus, len(asked[1].Asked()))
		}
		if got := ask(t.Context(), stranger.Model(), false); got.text != "stranger" {
			t.Errorf("a replica with another prefix answers %q", got.text)
		}

		down = true
		for i := range 2 {
			askFor(t.Context(), replicas[0].Model(), false, llmtest.UserSays(question(i)))
		}
		synctest.Wait()
		if got := askFor(t.Context(), replicas[2].Model(), false, llmtest.UserSays(question(2))); got.text != "b" || len(asked[2].Asked()) != 0 {
			t.Errorf("the third replica answers %q after %d calls of the primary", got.text, len(asked[2].Asked()))
		}
		for n := range inspect.Of(stranger.Model()).All() {
			if n.Breaker != nil && n.Breaker.State != inspect.Closed {
				t.Errorf("with another prefix, the breaker of %s is %s", n.Name, n.Breaker.State)
			}
		}

		found := false
		for n := range inspect.Of(replicas[0].Model()).States() {
			if s := n.Shared; s != nil {
				found = true
				if n.Layer != "state" || !s.Reachable || s.Replicas != 3 {
					t.Errorf("the shared state is %q, %+v; want it reachable, with 3 replicas", n.Layer, s)
				}
			}
		}
		if !found {
			t.Error("the tree has no node of the shared state")
		}
	})
}

// The connection lives as long as the section is the same, and layers that share keep their
// state with it. It is closed when it is replaced, and by Close.
func TestConnectionOfStateOverReloads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &opening{store: statetest.NewStore()}
		url := "redis://user:password@first:6379"
		env := policy.WithEnv(func(string) (string, bool) { return url, true })
		text := func(section string) string { return "primary: a\ncircuit_breaker: {}\n" + section }
		const section = "state: {url_env: REDIS_URL}\n"
		l, err := policy.NewLive(t.Context(), parsed(t, text(section)), quiet, env, healthy(), o.option())
		if err != nil {
			t.Fatal(err)
		}
		replace := func(text string, opened, closed int) {
			t.Helper()
			if err := l.Replace(t.Context(), parsed(t, text)); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if len(o.urls) != opened || int(o.closed.Load()) != closed {
				t.Errorf("%d opened, %d closed; want %d and %d", len(o.urls), o.closed.Load(), opened, closed)
			}
		}
		replace(text(section)+"retry: {}\n", 1, 0)
		url = "redis://second:6379"
		replace(text(section), 2, 1)
		replace(text("state: {url: redis://second:6379, prefix: \"x:\"}\n"), 3, 2)
		replace(text(""), 3, 3)
		replace(text(section), 4, 3)
		broken := parsed(t, text(section))
		broken.Primary = "nobody"
		if err := l.Replace(t.Context(), broken); err == nil || o.closed.Load() != 3 {
			t.Errorf("a policy that cannot be built: %v, %d closed", err, o.closed.Load())
		}
		if err := l.Close(); err != nil || o.closed.Load() != 4 {
			t.Errorf("Close: %v, %d closed", err, o.closed.Load())
		}
		if got := ask(t.Context(), l.Model(), false); got.text != "a" {
			t.Errorf("after Close: %q, %v", got.text, got.err)
		}
		if m, err := l.Chain(t.Context(), "a"); err != nil || ask(t.Context(), m, false).text != "a" {
			t.Errorf("a chain after Close: %v", err)
		}
		if err := l.Close(); err != nil || int(o.closed.Load()) != len(o.urls) {
			t.Errorf("Close again: %v, %d of %d closed", err, o.closed.Load(), len(o.urls))
		}
	})
}

// A mistake is reported at its place, and no URL with a password is in the message. B91
func TestStateThatCannotBeOpened(t *testing.T) {
	const secret = "redis://user:hunter2hunter2@host:6379"
	for name, test := range map[string]struct {
		section string
		opening *opening
		env     string
		want    string
	}{
		"no variable":      {"state: {url_env: REDIS_URL}", &opening{}, "", "2:18: state.url_env: variable REDIS_URL is not set; it must hold a URL"},
		"not a URL":        {"state: {url_env: REDIS_URL}", &opening{fails: errors.New("bad URL " + secret)}, secret, "2:1: state: the server cannot be opened: bad URL [redacted]"},
		"nothing returned": {"state: redis://host", &opening{returnsNothing: true}, "", "2:1: state: the server cannot be opened: the function of policy.WithState has returned nil"},
	} {
		text := "primary: a\n" + test.section + "\ncircuit_breaker: {}\n"
		env := policy.WithEnv(func(string) (string, bool) { return test.env, test.env != "" })
		_, err := policy.NewLive(t.Context(), parsed(t, text), quiet, env, healthy(), test.opening.option())
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v; want %s", name, err, test.want)
		}
	}
}

// What was spent in the day is counted once, however often section state changes: its options,
// how it names the server, or that it is removed for a while. B97
func TestSpendingIsCountedOnceOverReloads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := statetest.NewStore()
		text := func(section string) string { return "primary: a\nbudgets: {usd_per_day: 100}\n" + priced[1:] + section }
		spending := func() policy.Models { return models(llmtest.NewModel("a", using("a", 100_000))) } // 0.10 USD
		const local = "\nstate: {url: redis://first:6379}\n"
		l := newReplica(t, store, text(local), spending())
		other := newReplica(t, store, text(local), spending())
		for i, section := range []string{
			local, "\nstate: {url: redis://first:6379, unavailable: deny}\n", "\nstate: {url: redis://again:6379}\n", "", local,
		} {
			if err := l.Replace(t.Context(), parsed(t, text(section))); err != nil {
				t.Fatal(err)
			}
			time.Sleep(3 * time.Second)
			for _, r := range []*policy.Live{l, other} {
				if got := askFor(t.Context(), r.Model(), false, llmtest.UserSays(question(i))); got.err != nil {
					t.Fatal(got.err)
				}
			}
			time.Sleep(3 * time.Second)
		}
		for name, r := range map[string]*policy.Live{"reloaded": l, "other": other} {
			for n := range inspect.Of(r.Model()).States() {
				if n.Budget != nil && math.Abs(n.Budget.Spent-1) > 1e-6 {
					t.Errorf("the %s replica knows of %v dollars; want 1, for ten calls", name, n.Budget.Spent)
				}
			}
		}
	})
}

// state.timeout bounds how long a call waits for the server.
func TestTimeoutOfState(t *testing.T) {
	for section, want := range map[string]time.Duration{
		"state: redis://localhost:6379\n":                        5 * time.Millisecond,
		"state: {url: redis://localhost:6379, timeout: 300ms}\n": 300 * time.Millisecond,
	} {
		synctest.Test(t, func(t *testing.T) {
			store := statetest.NewStore()
			l := newReplica(t, store, "primary: a\ncache: {ttl: 1m}\n"+section, healthy())
			time.Sleep(3 * time.Second)
			store.Frozen(true)
			began := time.Now()
			if got := ask(t.Context(), l.Model(), false); got.text != "a" || time.Since(began) != want {
				t.Errorf("%s: %q after %v, %v; want a after %v", section, got.text, time.Since(began), got.err, want)
			}
			store.Frozen(false)
		})
	}
}

// meterless is a provider of meters that have no counters.
type meterless struct{ noop.MeterProvider }

func (meterless) Meter(string, ...metric.MeterOption) metric.Meter { return counterless{} }

type counterless struct{ noop.Meter }

func (counterless) Int64Counter(string, ...metric.Int64CounterOption) (metric.Int64Counter, error) {
	return nil, errors.New("no counters")
}

// denied is a policy whose budget is refused while the store is not known.
const denied = `primary: a
fallbacks: [{name: b}]
budgets: {usd_per_day: 100}
models:
  a: {price: {input: 10000, output: 0}}
  b: {price: {input: 10, output: 0}}
`

// A policy whose metrics cannot be made is not put into use: it closes what it has opened, and
// the budgets of the policy in use stay as they are.
func TestAPolicyThatIsNotPutIntoUseChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &opening{store: statetest.NewStore()}
		l, err := policy.NewLive(t.Context(), parsed(t, denied+"state: {url: redis://first, unavailable: deny}"), quiet, healthy(), o.option(), policy.WithMeterProvider(meterless{}))
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		next := strings.Replace(denied, "100", "0.01", 1) + "state: {url: redis://second, unavailable: deny}\nobserve: {}"
		if err := l.Replace(t.Context(), parsed(t, next)); err == nil || !strings.Contains(err.Error(), "no counters") {
			t.Errorf("error %v, want that of the metrics", err)
		}
		if len(o.urls) != 2 || o.closed.Load() != 1 {
			t.Errorf("%d opened, %d closed; want 2 and 1", len(o.urls), o.closed.Load())
		}
		if got := ask(t.Context(), l.Model(), false); got.text != "a" {
			t.Errorf("the policy in use: %q, %v; want its answer", got.text, got.err)
		}
	})
}

// A chain uses the connection of its policy, even if the variable with the URL has changed since.
func TestAChainUsesTheConnectionOfItsPolicy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &opening{store: statetest.NewStore()}
		url := "redis://first"
		env := policy.WithEnv(func(string) (string, bool) { return url, true })
		l, err := policy.NewLive(t.Context(), parsed(t, denied+"state: {url_env: URL, unavailable: deny}"), quiet, healthy(), o.option(), env)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		url = "redis://second"
		chain, err := l.Chain(t.Context(), "b")
		if err != nil {
			t.Fatal(err)
		}
		for want, m := range map[string]model.LLM{"a": l.Model(), "b": chain} {
			if got := ask(t.Context(), m, false); got.text != want {
				t.Errorf("%q, %v; want %s", got.text, got.err, want)
			}
		}
		if len(o.urls) != 1 || o.closed.Load() != 0 {
			t.Errorf("%d opened, %d closed; want 1 and 0", len(o.urls), o.closed.Load())
		}
	})
}
