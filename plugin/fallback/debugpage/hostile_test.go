package debugpage_test

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode"
	"unicode/utf8"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/debugpage"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/inspect"
)

// hostile are texts that others can write: models, providers, users, files.
var hostile = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onfocus='alert(1)`, `</title></style></script><svg onload=alert(1)>`,
	"javascript:alert(1)", "{{.}}${x}%s%d", "a\r\nid: 1\nevent: section\ndata: <b>\n\n", "\x00\x01\x1b[31m\x7f\u009b", "a\u202eb\u2066c\u200f\u200b\ufeff\u2028\u2029",
	"\xff\xfe\xed\xa0\x80", "&lt;b&gt; &amp;", strings.Repeat("A", 1<<20), strings.Repeat("<b>\u202e", 1<<17), " \t\n ", "",
}

// tree is a model that says what it likes of itself.
type tree struct{ text string }

func (t tree) Name() string { return t.text }

func (t tree) GenerateContent(context.Context, *model.LLMRequest, bool) iter.Seq2[*model.LLMResponse, error] {
	return nil
}

func (t tree) Inspect() inspect.Node {
	leaf := inspect.Node{Layer: "model", Name: t.text}
	state := func(n inspect.Node) inspect.Node {
		n.Layer, n.Name, n.State, n.Inner = t.text, t.text, new(int), []inspect.Node{leaf}
		return n
	}
	group := inspect.Node{Layer: t.text, Name: t.text, Inner: []inspect.Node{
		state(inspect.Node{Breaker: &inspect.Breaker{State: inspect.Open, Reason: t.text, Until: time.Now().Add(time.Hour)}}),
		state(inspect.Node{Breaker: &inspect.Breaker{State: inspect.BreakerState(t.text), Reason: t.text}}),
		state(inspect.Node{Budget: &inspect.Budget{Tenants: []inspect.Spending{{Tenant: t.text, Spent: 1, Limit: 2}}}}),
		state(inspect.Node{Split: &inspect.Split{Experiment: t.text, Arms: []inspect.Arm{{Cohort: t.text, Share: 1}}}}),
		state(inspect.Node{Cache: &inspect.Cache{MaxBytes: 1}}),
		state(inspect.Node{Limit: &inspect.Limit{MaxConcurrent: 1, Pace: 1}}),
		state(inspect.Node{Retry: &inspect.RetryBudget{Max: 1}}),
		state(inspect.Node{Hedge: &inspect.Hedge{Max: 1}}),
	}}
	return inspect.Node{Layer: "policy", Name: t.text, Policy: &inspect.Policy{File: t.text, Loaded: time.Now(), Problem: t.text, ProblemAt: time.Now()}, Inner: []inspect.Node{group}}
}

// fill shows a text wherever a page can show one.
func fill(page *debugpage.Page, text string) {
	ctx := call.With(context.Background(), call.Info{
		App: text, User: text, Session: text, Invocation: text, Agent: text, Branch: text, Tenant: text, Priority: text, DataClass: text, Region: text,
	})
	a := call.Attempt{Model: text, Outcome: call.Failed, Code: text, Kind: text, HTTPStatus: 500, Reason: text, Message: text + " message"}
	odd := a
	odd.Outcome = call.Outcome(text)
	hooks := page.Hooks()
	hooks.OnAttempt(ctx, a)
	hooks.OnAttempt(ctx, odd)
	hooks.OnEnd(ctx, call.Result{Outcome: call.OK, Metadata: call.Metadata{
		Triggered: true, OriginalModel: text, FallbackModel: text, ErrorCode: text, Reason: text, Attempts: []call.Attempt{a, odd}, Adapted: []string{text},
		Notice: text, ModelName: text, ModelVersion: text, CacheStatus: text, ExperimentID: text, Cohort: text, Degraded: text,
	}})
	hooks.OnEnd(ctx, call.Result{Outcome: call.Outcome(text), Metadata: call.Metadata{Reason: text, Attempts: []call.Attempt{odd}}})
	page.Watch(tree{text})
}

// B141: whatever others write, it reaches HTML, JSON and events only as short texts of one line,
// escaped.
func TestHostileTexts(t *testing.T) {
	harmless := debugpage.New(debugpage.Config{ShowTenants: true, AllowBreakerControl: true})
	fill(harmless, "harmless")
	tags := strings.Count(html(t, harmless, ""), "<")
	for i, text := range hostile {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				page := debugpage.New(debugpage.Config{ShowTenants: true, AllowBreakerControl: true})
				fill(page, text)
				live := listen(t, page, "")
				synctest.Wait()
				events := live.take()
				shown := html(t, page, "")
				confirm := html(t, page, "?do=open&breaker="+read(t, page, "").Targets[0].Breakers[0].ID)
				for what, out := range map[string]string{"HTML": shown, "confirm": confirm, "events": events, "JSON": get(t, page, "/?format=json").Body.String()} {
					if len(out) > 200_000 {
						t.Errorf("%s has %d bytes", what, len(out))
					}
					if !utf8.ValidString(out) || strings.ContainsFunc(out, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) && r != '\u202f' }) {
						t.Errorf("%s has characters that do not print", what)
					}
					if what != "JSON" && strings.Contains(out, "' onfocus='") {
						t.Errorf("%s has a quotation mark of the text", what)
					}
					for _, bad := range []string{"<script>alert", "<img", "<svg onload", "onerror=alert(1)>", "<b>\u202e", "\nid: 1\n", "href=\"javascript:"} {
						if strings.Contains(out, bad) {
							t.Errorf("%s has %q", what, bad)
						}
					}
				}
				if got := strings.Count(shown, "<"); text != "" && strings.TrimSpace(text) != "" && got > tags {
					t.Errorf("the page has %d tags, but %d with a harmless text", got, tags)
				}
				if got := strings.Count(events, "\n\n"); got != 5 {
					t.Errorf("%d events, want one for each of 5 sections", got)
				}
				for line := range strings.Lines(events) {
					if line != "\n" && line != "event: section\n" && !strings.HasPrefix(line, "data: ") && !strings.HasPrefix(line, "id: ") {
						t.Errorf("events have the line %q", line)
					}
				}
			})
		})
	}
}

// Secrets and addresses in the texts of errors are redacted, as in the record.
func TestErrorTextsAreRedacted(t *testing.T) {
	const secret, address = "AIzaSyA1234567890abcdefghijklmnopqrstuv", "ada@example.com"
	page := debugpage.New(debugpage.Config{})
	fill(page, "key "+secret+" of "+address)
	longer := strings.Repeat("x", 230) + " "
	a := call.Attempt{Model: "m", Outcome: call.Failed, Message: longer + secret, Reason: longer + secret} // over the limit of a record
	page.Hooks().OnAttempt(t.Context(), a)
	page.Hooks().OnEnd(t.Context(), call.Result{Outcome: call.Failed, Metadata: call.Metadata{Reason: longer + secret, Attempts: []call.Attempt{a}}})
	s := read(t, page, "")
	for _, c := range s.Latest {
		for _, text := range append([]string{c.Reason}, c.Attempts[0].Reason, c.Attempts[0].Message) {
			if strings.Contains(text, secret[:12]) || strings.Contains(text, address) {
				t.Errorf("the page shows %q", text)
			}
		}
	}
	for _, target := range s.Targets {
		if f := target.Failure; f != nil && strings.Contains(f.Reason+f.Message, secret[:12]) {
			t.Errorf("the page shows %+v", f)
		}
	}
}

// Tenants are digests unless the application wants their names.
func TestTenants(t *testing.T) {
	const digest = "177f85df57ad" // printf %s "ada lovelace" | sha256sum | cut -c 1-12
	for _, show := range []bool{false, true} {
		page := debugpage.New(debugpage.Config{ShowTenants: show})
		page.Hooks().OnEnd(call.With(t.Context(), call.Info{Tenant: "Ada Lovelace"}), call.Result{Outcome: call.OK})
		page.Watch(budget{"Ada Lovelace"})
		for what, text := range map[string]string{"HTML": html(t, page, ""), "JSON": get(t, page, "/?format=json").Body.String()} {
			want, not := digest, "Ada Lovelace"
			if show {
				want, not = not, want
			}
			if strings.Count(text, want) < 2 || strings.Contains(text, not) {
				t.Errorf("ShowTenants %t: %s has not %s twice, or it has %s:\n%s", show, what, want, not, text)
			}
		}
	}
}

// budget is a model with a budget of one tenant.
type budget struct{ tenant string }

func (budget) Name() string { return "m" }

func (budget) GenerateContent(context.Context, *model.LLMRequest, bool) iter.Seq2[*model.LLMResponse, error] {
	return nil
}

func (b budget) Inspect() inspect.Node {
	return inspect.Node{Layer: "budget", Name: "m", Budget: &inspect.Budget{Tenants: []inspect.Spending{{Tenant: b.tenant}}}, State: new(int)}
}
