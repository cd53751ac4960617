package debugpage_test

import (
	"context"
	"encoding/json"
	"iter"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/debugpage"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/inspect"
)

// inspected is a model with a tree.
type inspected struct{ node *inspect.Node }

func (inspected) Name() string { return "m" }

func (inspected) GenerateContent(context.Context, *model.LLMRequest, bool) iter.Seq2[*model.LLMResponse, error] {
	return nil
}

func (i inspected) Inspect() inspect.Node { return *i.node }

// words returns the text of a page's section, with single spaces.
func words(t *testing.T, page *debugpage.Page, section string) string {
	t.Helper()
	_, after, ok := strings.Cut(html(t, page, ""), `<section id="`+section+`"`)
	if !ok {
		t.Fatalf("no section %s", section)
	}
	text, _, _ := strings.Cut(after, "</section>")
	_, text, _ = strings.Cut(text, ">")
	return strings.Join(strings.Fields(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(text, " ")), " ")
}

// inOrder checks that a text has other texts, in this order.
func inOrder(t *testing.T, text string, wants ...string) {
	t.Helper()
	rest := text
	for _, want := range wants {
		_, after, ok := strings.Cut(rest, want)
		if !ok {
			t.Errorf("no %q, at its place, in\n%s", want, text)
			return
		}
		rest = after
	}
}

// A policy in use, its last reload, and what keeps the latest change from use.
func TestPolicyInUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := inspect.Node{Layer: "policy", Name: "flash", Inner: []inspect.Node{{Layer: "model", Name: "flash"}}, Policy: &inspect.Policy{File: "fallback.yaml", Loaded: time.Now(), Reloads: 3}}
		page := debugpage.New(debugpage.Config{})
		page.Watch(inspected{&n})
		time.Sleep(90 * time.Second)
		inOrder(t, words(t, page, "policy"), "Policy fallback.yaml", "In use since 2000-01-01 00:00:00 UTC 1 min 30 s ago", "Reloads 3", "policy fallback.yaml", "flash")
		if got := read(t, page, "").Headline; got != "No calls in the last hour." {
			t.Errorf("headline %q", got)
		}

		n.Policy.Problem, n.Policy.ProblemAt = "4:16: condition uses cost", time.Now()
		inOrder(t, words(t, page, "policy"), "The latest change is not in use", "4:16: condition uses cost", "2000-01-01 00:01:30 UTC")
		if s := read(t, page, ""); s.Headline != "The latest change of the policy is not in use." || s.Status != "warning" {
			t.Errorf("%s, %q", s.Status, s.Headline)
		}
	})
}

// The picture of a tree: chains of layers in a row, members of a group below it.
func TestPictureOfATree(t *testing.T) {
	leaf := func(name string, layers ...string) inspect.Node {
		n := inspect.Node{Layer: "model", Name: name}
		for i := len(layers) - 1; i >= 0; i-- {
			n = inspect.Node{Layer: layers[i], Name: name, Inner: []inspect.Node{n}}
		}
		return n
	}
	open := leaf("flash", "retry", "breaker")
	open.Inner[0].Breaker = &inspect.Breaker{State: inspect.Open}
	n := inspect.Node{Layer: "cache", Name: "flash", Inner: []inspect.Node{{Layer: "fallback", Name: "flash", Inner: []inspect.Node{
		open, {Layer: "hedge", Name: "pro", Hedge: &inspect.Hedge{Delay: time.Second}, Inner: []inspect.Node{leaf("pro", "limit"), leaf("lite")}},
		{Layer: "last resort", Name: "sorry"},
	}}}}
	page := debugpage.New(debugpage.Config{})
	page.Watch(inspected{&n})
	inOrder(t, words(t, page, "policy"), "cache › fallback", "retry › breaker open › flash", "hedge after 1.00 s › hedge", "limit › pro", "lite", "last resort › sorry")
	var shown inspect.Node
	if err := json.Unmarshal(read(t, page, "").Models[0], &shown); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(n, shown); diff != "" {
		t.Errorf("the tree as JSON (-want +got):\n%s", diff)
	}
}

// A tree of any depth and width has a picture of bounded size.
func TestPictureOfAHugeTree(t *testing.T) {
	n := inspect.Node{Layer: "model", Name: "m"}
	for range 50 {
		n = inspect.Node{Layer: "fallback", Name: "m", Inner: []inspect.Node{n, n}[:1:1]}
		n.Inner = append(n.Inner, inspect.Node{Layer: "model", Name: "m"})
	}
	wide := inspect.Node{Layer: "fallback", Name: "m", Inner: make([]inspect.Node, 1000)}
	page := debugpage.New(debugpage.Config{})
	page.Watch(inspected{&n}, inspected{&wide})
	text := words(t, page, "policy")
	inOrder(t, text, "2 more members", "936 more members")
}

func TestStatesAreInTables(t *testing.T) {
	inner := []inspect.Node{{Layer: "model", Name: "flash"}}
	budget := new(int)
	n := inspect.Node{Layer: "fallback", Name: "flash", Inner: []inspect.Node{
		{Layer: "budget", Name: "flash", State: budget, Inner: inner, Budget: &inspect.Budget{Spent: 3.5, More: 7, Tenants: []inspect.Spending{{Tenant: "", Spent: 1, Reserved: 0.5, Limit: 2}, {Tenant: "acme", Spent: 2.5}}}},
		{Layer: "budget", Name: "pro", State: budget, Inner: inner, Budget: &inspect.Budget{Spent: 99}}, // the same one
		{Layer: "cache", Name: "flash", State: new(int), Inner: inner, Cache: &inspect.Cache{Bytes: 3 << 20, MaxBytes: 4 << 20, Answers: 1234}},
		{Layer: "limit", Name: "flash", State: new(int), Inner: inner, Limit: &inspect.Limit{InFlight: 3, MaxConcurrent: 10, Queued: 2, MaxQueue: 5, RequestsPerMinute: 600, Pace: 0.5}},
		{Layer: "retry", Name: "flash", State: new(int), Inner: inner, Retry: &inspect.RetryBudget{Available: 2.5, Max: 10}},
		{Layer: "hedge", Name: "flash", State: new(int), Inner: inner, Hedge: &inspect.Hedge{Delay: 250 * time.Millisecond, UnaryDelay: 2 * time.Second, Available: 1, Max: 8}},
		{Layer: "split", Name: "flash", State: new(int), Inner: inner, Split: &inspect.Split{Experiment: "e1", Arms: []inspect.Arm{{Cohort: "new", Share: 0.25, Calls: 40, Errors: 3, Fallbacks: 2}, {Cohort: "old", RolledBack: true}}}},
	}}
	page := debugpage.New(debugpage.Config{ShowTenants: true})
	page.Watch(inspected{&n}, inspected{&n})
	text := words(t, page, "capacity")
	inOrder(t, text, "Budget of today around flash: $3.50 spent, 7 more tenants not listed", "(none) $1.00 $0.500 $2.00 75 %", "acme $2.50 – none –",
		"Caches", "flash 1 234 3.0 MiB 4.0 MiB 75 %", "Rate limits", "flash 3 of 10 2 of 5 600 no limit 50 %", "Retry budgets", "flash 2.5 10",
		"Hedges", "flash 250 ms 2.00 s 1.0 8", "Experiment e1", "new 25 % 40 3 2", "old rolled back 0 % 0 0 0")
	if strings.Contains(text, "$99") || strings.Count(text, "Budget of today") != 1 {
		t.Errorf("a budget that is shared is there more than once:\n%s", text)
	}
}

// What a picture shows is in its label too.
func TestPicturesHaveWords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		page := debugpage.New(debugpage.Config{})
		failed := call.Attempt{Model: "flash", Outcome: call.Failed, Duration: 20 * time.Millisecond}
		ok := call.Attempt{Model: "pro", Outcome: call.OK, Wait: time.Second, Duration: 300 * time.Millisecond}
		skipped := call.Attempt{Model: "lite", Outcome: call.Skipped}
		page.Hooks().OnAttempt(t.Context(), failed)
		time.Sleep(25 * time.Second)
		page.Hooks().OnAttempt(t.Context(), call.Attempt{Model: "flash", Outcome: call.OK})
		page.Hooks().OnAttempt(t.Context(), call.Attempt{Model: "flash", Outcome: call.OK})
		page.Hooks().OnEnd(t.Context(), call.Result{Outcome: call.OK, Duration: 1320 * time.Millisecond, Metadata: call.Metadata{Attempts: []call.Attempt{failed, skipped, ok}}})
		text := html(t, page, "")
		for _, want := range []string{
			`aria-label="1 minute in steps of 10 s: at most 2 in one; failures in 1 step, the latest 30 s ago"`,
			`aria-label="flash failed after 20 ms, then lite was skipped, then pro answered after 300 ms"`,
			`<rect class="bar-failed" x="0" y="1" width="1.52" height="10"/><rect class="bar-wait" x="1.52" y="5" width="75.76" height="2"/><rect class="bar-ok" x="77.27" y="1" width="22.73" height="10"/><rect class="bar-skipped" x="1.52" y="0" width="1" height="12"/>`,
		} {
			if !strings.Contains(text, want) {
				t.Errorf("no %s in\n%s", want, text[strings.Index(text, "<main"):])
			}
		}
	})
}

// A hedge is drawn beside the attempt that was slow.
func TestTimelineOfAHedge(t *testing.T) {
	page := debugpage.New(debugpage.Config{})
	page.Hooks().OnEnd(t.Context(), call.Result{Outcome: call.OK, Duration: time.Second, Metadata: call.Metadata{Attempts: []call.Attempt{
		{Model: "flash", Outcome: call.Failed, Kind: "hedge_lost", Duration: time.Second},
		{Model: "pro", Outcome: call.OK, Duration: 400 * time.Millisecond, Hedge: true},
	}}})
	text := html(t, page, "")
	if want := `<rect class="bar-stopped" x="0" y="1" width="100" height="10"/><rect class="bar-ok" x="60" y="1" width="40" height="10"/>`; !strings.Contains(text, want) {
		t.Errorf("no %s", want)
	}
	inOrder(t, words(t, page, "calls"), "pro hedge answered")
}
