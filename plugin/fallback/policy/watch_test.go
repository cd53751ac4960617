package policy_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// reports collects what OnReload is told.
type reports struct {
	mu  sync.Mutex
	all []error
}

func (r *reports) add(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, err)
}

func (r *reports) take() []error {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := r.all
	r.all = nil
	return all
}

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// watch watches a new file with text, and collects what is told of it.
func watch(t *testing.T, text string, options ...policy.Option) (m model.LLM, file string, told *reports) {
	t.Helper()
	file, told = filepath.Join(t.TempDir(), "fallback.yaml"), &reports{}
	writeFile(t, file, text)
	m, err := policy.Watch(t.Context(), file, append([]policy.Option{quiet, policy.OnReload(told.add)}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	return m, file, told
}

// B92
func TestWatchFollowsTheFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, file, told := watch(t, "primary: one", models(llmtest.NewModel("one", llmtest.Text("1")), llmtest.NewModel("two", llmtest.Text("2"))))
		step := func(what, text, answer string, problem string) {
			t.Helper()
			if text == "" {
				os.Remove(file)
			} else {
				writeFile(t, file, text)
			}
			time.Sleep(10 * time.Second)
			synctest.Wait()
			if got := ask(t.Context(), m, false); got.text != answer {
				t.Errorf("%s: answer %q, %v; want %q", what, got.text, got.err, answer)
			}
			all := told.take()
			switch {
			case len(all) != 1:
				t.Errorf("%s: reports %v, want one", what, all)
			case problem == "" && all[0] != nil || problem != "" && (all[0] == nil || !strings.Contains(all[0].Error(), problem)):
				t.Errorf("%s: report %v, want %q", what, all[0], problem)
			}
		}
		step("a good file", "primary: two", "2", "")
		step("a broken file", "primary: [", "2", "1:")
		step("a name that nothing resolves", "primary: three", "2", "1:10: primary:")
		step("no file", "", "2", "no such file")
		step("the file of the policy in use", "primary: two", "2", "")
		step("no file", "", "2", "no such file")
		step("another good file", "primary: one", "1", "")
		if all := told.take(); len(all) > 0 {
			t.Errorf("reports %v without a change", all)
		}
	})
}

// Kubernetes swaps a symbolic link. B92
func TestWatchSeesASwappedLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer synctest.Wait()
		defer cancel()
		dir := t.TempDir()
		link := filepath.Join(dir, "fallback.yaml")
		for _, name := range []string{"one", "two"} {
			writeFile(t, filepath.Join(dir, name), "primary: "+name)
		}
		if err := os.Symlink(filepath.Join(dir, "one"), link); err != nil {
			t.Fatal(err)
		}
		m, err := policy.Watch(ctx, link, quiet, models(llmtest.NewModel("one", llmtest.Text("1")), llmtest.NewModel("two", llmtest.Text("2"))))
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(os.Symlink(filepath.Join(dir, "two"), link+"~"), os.Rename(link+"~", link)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(policy.DefaultInterval)
		synctest.Wait()
		if got := ask(ctx, m, false); got.text != "2" || m.Name() != "two" {
			t.Errorf("answer %q by %s", got.text, m.Name())
		}
	})
}

// Each of 10,000 calls in flight goes from the first to the second model of the
// policy that it began with, although a thousand policies come and go. B92
func TestReloadsNeitherDropNorMixCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const calls, reloads = 10_000, 1_000
		policies := make([]*spec.Policy, 2)
		given := policy.Models{}
		for i := range policies {
			first, second := fmt.Sprintf("first-%d", i), fmt.Sprintf("second-%d", i)
			given[first] = llmtest.NewModel(first, after(2*time.Second, llmtest.Fail(llmtest.ErrUnavailable)))
			given[second] = llmtest.NewModel(second, after(time.Second, temperature))
			policies[i] = parsed(t, fmt.Sprintf("primary: %s\nfallbacks: [{name: %s, condition: \"error || latency > 10s\"}]\nmodels: {%s: {config: {temperature: %d}}}", first, second, second, i))
		}
		l, err := policy.NewLive(t.Context(), policies[0], quiet, given)
		if err != nil {
			t.Fatal(err)
		}
		m := l.Model()
		var group sync.WaitGroup
		var wrong, under [2]atomic.Int64
		for n := range calls {
			group.Go(func() {
				time.Sleep(time.Duration(n) * time.Second / calls)
				got := ask(t.Context(), m, false)
				for i := range policies {
					if got.md.OriginalModel == fmt.Sprint("first-", i) {
						under[i].Add(1)
						if got.text != fmt.Sprint(i) || got.md.FallbackModel != fmt.Sprint("second-", i) {
							wrong[i].Add(1)
						}
					}
				}
			})
		}
		for i := range reloads { // all within the second in which the calls begin, and before any has ended
			time.Sleep(time.Second / reloads)
			if err := l.Replace(t.Context(), policies[i%2]); err != nil {
				t.Fatal(err)
			}
		}
		group.Wait()
		if answered := under[0].Load() + under[1].Load(); answered != calls {
			t.Errorf("%d of %d calls were answered", answered, calls)
		}
		for i := range policies {
			if wrong[i].Load() > 0 || under[i].Load() < calls/4 {
				t.Errorf("policy %d: %d calls, %d of them mixed up with the other", i, under[i].Load(), wrong[i].Load())
			}
		}
	})
}

// temperature answers with the temperature of its request.
func temperature(_ context.Context, req *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
	text := fmt.Sprint(*req.Config.Temperature)
	yield(&model.LLMResponse{Content: genai.NewContentFromText(text, genai.RoleModel), FinishReason: genai.FinishReasonStop}, nil)
}

// A call keeps the policy that it began with. B92
func TestACallKeepsItsPolicy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := llmtest.NewModel("slow", after(time.Minute, llmtest.Fail(llmtest.ErrUnavailable)))
		l, err := policy.NewLive(t.Context(), parsed(t, "primary: slow\nfallbacks: [{name: old}]"), quiet,
			models(slow, llmtest.NewModel("old", llmtest.Text("old")), llmtest.NewModel("new", llmtest.Text("new"))))
		if err != nil {
			t.Fatal(err)
		}
		got := make(chan result)
		go func() { got <- ask(t.Context(), l.Model(), false) }()
		time.Sleep(time.Second)
		if err := l.Replace(t.Context(), parsed(t, "primary: new")); err != nil {
			t.Fatal(err)
		}
		if now := ask(t.Context(), l.Model(), false); now.text != "new" {
			t.Errorf("a call after the reload: %q", now.text)
		}
		if before := <-got; before.text != "old" {
			t.Errorf("the call under way: %q, %v; want old", before.text, before.err)
		}
	})
}

// The breaker of a model whose settings are the same stays open.
func TestBreakersSurviveAReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := llmtest.NewModel("down", llmtest.Fail(llmtest.ErrUnavailable))
		const text = "primary: down\nfallbacks: [{name: up}]\ncircuit_breaker: {failure_threshold: 1, backoff: 10m}\n"
		l, err := policy.NewLive(t.Context(), parsed(t, text), quiet, models(down, llmtest.NewModel("up", llmtest.Text("up"))))
		if err != nil {
			t.Fatal(err)
		}
		asked := func(more string) int {
			if err := l.Replace(t.Context(), parsed(t, text+more)); err != nil {
				t.Fatal(err)
			}
			ask(t.Context(), l.Model(), false)
			return len(down.Asked())
		}
		got := []int{asked(""), asked(""), asked("timeouts: {total: 1m}"), asked("timeouts: {primary: 1m}"), asked("models: {down: {family: lower}}")}
		if want := []int{1, 1, 1, 1, 2}; !slices.Equal(got, want) {
			t.Errorf("asked %v, want %v: only a change of its own settings makes a new breaker", got, want)
		}
	})
}

// The interval is how late a change is seen at most, and not sooner.
func TestWatchLooksAtItsInterval(t *testing.T) {
	for interval, want := range map[time.Duration]time.Duration{time.Minute: time.Minute, 0: policy.DefaultInterval, -1: policy.DefaultInterval} {
		synctest.Test(t, func(t *testing.T) {
			_, file, told := watch(t, "primary: one", policy.WithInterval(interval), named("one", "two"))
			writeFile(t, file, "primary: two")
			time.Sleep(want - time.Millisecond)
			synctest.Wait()
			early := len(told.take())
			time.Sleep(time.Millisecond)
			synctest.Wait()
			if late := len(told.take()); early != 0 || late != 1 {
				t.Errorf("interval %v: %d reloads before %v and %d at it, want 0 and 1", interval, early, want, late)
			}
		})
	}
}

// A file that an editor has written half is not taken for the policy, although the
// half is a policy. B92
func TestWatchWaitsForTheWholeFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, file, told := watch(t, "primary: one", policy.WithInterval(2*time.Second), named("one", "two", "three"))
		time.Sleep(900 * time.Millisecond)
		writeFile(t, file, "primary: two") // there at one look, at 1 s
		time.Sleep(200 * time.Millisecond)
		writeFile(t, file, "primary: three")
		time.Sleep(time.Second)
		synctest.Wait()
		if got := ask(t.Context(), m, false); got.text != "one" {
			t.Errorf("after one look at each: %q, want one", got.text)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if got := ask(t.Context(), m, false); got.text != "three" {
			t.Errorf("after two looks: %q, want three", got.text)
		}
		if all := told.take(); len(all) != 1 || all[0] != nil {
			t.Errorf("reports %v, want one good one", all)
		}
	})
}
