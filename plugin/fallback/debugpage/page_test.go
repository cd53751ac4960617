package debugpage_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/debugpage"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// window, target, attempt, ended and state are the JSON of a page, as the package's comment
// describes it.
type (
	window struct {
		Minutes                                                  int
		Count, OK, Failed, Stopped, Skipped, Fallbacks, Degraded int
		Cached                                                   int
		PerMinute                                                float64 `json:"per_minute"`
		Duration                                                 percentiles
		FirstContent                                             percentiles `json:"first_content"`
		InputTokens                                              int         `json:"input_tokens"`
		OutputTokens                                             int         `json:"output_tokens"`
		Cost                                                     float64
	}
	percentiles struct {
		P50 float64 `json:"p50_ms"`
		P95 float64 `json:"p95_ms"`
		P99 float64 `json:"p99_ms"`
	}
	attempt struct {
		Model, Outcome, Code, Kind, Reason, Message string
		HTTPStatus                                  int     `json:"http_status"`
		Wait                                        float64 `json:"wait_ms"`
		Duration                                    float64 `json:"duration_ms"`
		First                                       float64 `json:"first_content_ms"`
		Input                                       int     `json:"input_tokens"`
		Output                                      int     `json:"output_tokens"`
		Cost                                        float64
		Hedge                                       bool
	}
	breaker struct {
		ID, State, Reason string
		Failures          int
		Until             time.Time
	}
	target struct {
		ID, Name, Health string
		Failures         int      `json:"failures_in_a_row"`
		Failure          *attempt `json:"latest_failure"`
		Breakers         []breaker
		LastResort       bool   `json:"last_resort"`
		CountedAs        string `json:"counted_as"`
		Windows          []window
	}
	ended struct {
		ID                               int
		Outcome, Model, Degraded, Reason string
		Original                         string `json:"original_model"`
		Fallback                         bool
		Code                             string  `json:"error_code"`
		Duration                         float64 `json:"duration_ms"`
		Tenant, Invocation               string
		Attempts                         []attempt
		Dropped                          int `json:"attempts_dropped"`
	}
	state struct {
		Time, Since      time.Time
		Status, Headline string
		Calls            []window
		Targets          []target
		Latest           []ended
		Models           []json.RawMessage
		Problems         []string
	}
)

// get returns the answer to a GET of a path and query.
func get(t *testing.T, h http.Handler, url string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, url, nil))
	return w
}

// html returns the page.
func html(t *testing.T, page *debugpage.Page, query string) string {
	t.Helper()
	w := get(t, page, "/debug/"+query)
	if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
		t.Fatalf("status %d, %s: %s", w.Code, w.Header().Get("Content-Type"), w.Body)
	}
	return w.Body.String()
}

// read returns the page's JSON. query begins with "&", or is empty.
func read(t *testing.T, page *debugpage.Page, query string) (s state) {
	t.Helper()
	w := get(t, page, "/debug/?format=json"+query)
	if err := json.Unmarshal(w.Body.Bytes(), &s); err != nil || w.Code != http.StatusOK {
		t.Fatalf("status %d, %v: %s", w.Code, err, w.Body)
	}
	return s
}

func (s state) target(t *testing.T, name string) target {
	t.Helper()
	for _, target := range s.Targets {
		if target.Name == name {
			return target
		}
	}
	t.Fatalf("no target %q in %+v", name, s.Targets)
	return target{}
}

// ask makes a call and returns its text.
func ask(t *testing.T, ctx context.Context, m model.LLM) string {
	t.Helper()
	text := ""
	for resp, err := range m.GenerateContent(ctx, &model.LLMRequest{Contents: genai.Text("a question")}, true) {
		if err != nil {
			return "error"
		}
		if !resp.Partial {
			text = llmtest.TextOf(resp.Content)
		}
	}
	return text
}

// outage is a model that fails while it is on.
type outage struct {
	mu sync.Mutex
	on bool // guarded by mu
}

func (o *outage) set(on bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.on = on
}

func (o *outage) step(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
	o.mu.Lock()
	on := o.on
	o.mu.Unlock()
	step := llmtest.Text("hello")
	if on {
		step = llmtest.Fail(llmtest.ErrUnavailable)
	}
	step(ctx, req, stream, yield)
}

// flashAndPro is a router over flash, which has outages and a breaker, and pro.
func flashAndPro(page *debugpage.Page) (model.LLM, *outage) {
	o := &outage{}
	flash := middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 2, OpenFor: 20 * time.Second})(llmtest.NewModel("flash", o.step))
	m := router.MustFallback(router.Config{Hooks: page.Hooks()}, flash, llmtest.NewModel("pro", llmtest.Text("from pro")))
	page.Watch(m)
	return m, o
}

// An outage and the recovery from it are on the page at once, and reach who listens within two
// seconds.
func TestOutageAndRecoveryAreShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		page := debugpage.New(debugpage.Config{})
		m, flash := flashAndPro(page)
		live := listen(t, page, "")
		shows := func(when, status, health, headline, badge string) {
			t.Helper()
			s := read(t, page, "")
			if s.Status != status || s.target(t, "flash").Health != health || s.Headline != headline {
				t.Errorf("%s: JSON has %s, %s, %q; want %s, %s, %q", when, s.Status, s.target(t, "flash").Health, s.Headline, status, health, headline)
			}
			time.Sleep(2 * time.Second)
			synctest.Wait()
			for what, text := range map[string]string{"HTML": html(t, page, ""), "events": live.take()} {
				if !strings.Contains(text, headline) || !strings.Contains(text, badge) {
					t.Errorf("%s: %s have no %q or no %q:\n%s", when, what, headline, badge, text)
				}
			}
		}
		shows("at the start", "idle", "idle", "No calls in the last hour.", "Idle</span>")
		ask(t, t.Context(), m)
		shows("after a call", "ok", "healthy", "All targets in use are healthy.", "Healthy</span>")

		flash.set(true)
		ask(t, t.Context(), m)
		shows("after a failure", "warning", "failing", "1 of 2 targets is failing: flash.", "Failing</span>")
		ask(t, t.Context(), m)
		opened := time.Now()
		if b := read(t, page, "").target(t, "flash").Breakers; len(b) != 1 || b[0].State != "open" || !b[0].Until.Equal(opened.Add(20*time.Second)) || b[0].Reason != "overloaded or unavailable" {
			t.Errorf("breakers %+v; want one, open until %v", b, opened.Add(20*time.Second))
		}
		if text := html(t, page, ""); !strings.Contains(text, "in 20 s</span>") {
			t.Errorf("the page does not say when the next probe is:\n%s", text)
		}
		shows("after the breaker has opened", "warning", "open", "1 of 2 targets is out of use: flash.", "Out of use</span>")

		flash.set(false)
		time.Sleep(20 * time.Second)
		ask(t, t.Context(), m)
		shows("after the probe", "ok", "healthy", "All 2 targets are healthy.", "Healthy</span>")
	})
}

// A call that no target answers is a failing page, until one is answered.
func TestCallsThatNoTargetAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		page := debugpage.New(debugpage.Config{})
		m := router.MustFallback(router.Config{Hooks: page.Hooks()}, llmtest.NewModel("flash", llmtest.Fail(llmtest.ErrQuota), llmtest.Text("hello")))
		ask(t, t.Context(), m)
		if s := read(t, page, ""); s.Status != "failing" || !strings.HasPrefix(s.Headline, "No target answered the latest call.") || s.Latest[0].Outcome != "failed" {
			t.Errorf("%s, %q, %+v", s.Status, s.Headline, s.Latest)
		}
		time.Sleep(2 * time.Hour)
		if s := read(t, page, ""); s.Status != "idle" || s.Headline != "No calls in the last hour." {
			t.Errorf("two hours later: %s, %q", s.Status, s.Headline)
		}
		ask(t, t.Context(), m)
		if s := read(t, page, ""); s.Status != "ok" || s.Latest[0].Outcome != "ok" {
			t.Errorf("%s, %q, %+v", s.Status, s.Headline, s.Latest)
		}
	})
}
