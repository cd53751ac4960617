package lesson_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/lesson"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
)

// atMost is a repair of all sessions.
func atMost(tokens int) provider.Repair {
	return provider.Repair(fmt.Sprint("max_output_tokens: ", tokens))
}

// ofHistory is a repair of one session.
const ofHistory provider.Repair = "thoughts"

func in(t *testing.T, session string) context.Context {
	return call.With(t.Context(), call.Info{App: "app", User: "user", Session: session})
}

// repaired returns the repairs that are made to a request that needs all of them.
func repaired(ctx context.Context, b *lesson.Book, more ...provider.Repair) []string {
	return b.Apply(ctx, &model.LLMRequest{
		Contents: []*genai.Content{{Role: genai.RoleModel, Parts: []*genai.Part{{Text: "Hm.", Thought: true}, {Text: "Yes."}}}},
		Config:   &genai.GenerateContentConfig{MaxOutputTokens: 1000},
	}, more...)
}

func TestApplyRepairsWhatWasRefused(t *testing.T) {
	var b lesson.Book
	a := in(t, "a")
	b.Add(a, ofHistory)
	b.Add(a, atMost(50))
	b.Add(a, atMost(100))
	if b.Add(t.Context(), ofHistory) {
		t.Error("a repair of the history is remembered outside a session")
	}
	both := []string{string(atMost(100)), string(atMost(50))}
	for name, test := range map[string]struct {
		ctx  context.Context
		more []provider.Repair
		want []string
	}{
		"same session":  {a, nil, append(both, string(ofHistory))},
		"other session": {in(t, "b"), nil, both},
		"no session":    {t.Context(), nil, both},
		"one more":      {t.Context(), []provider.Repair{atMost(25)}, []string{string(atMost(100)), string(atMost(25))}}, // 50 has nothing to lower
		"two more":      {t.Context(), []provider.Repair{ofHistory, atMost(50)}, append(both, string(ofHistory))},
		"a known one":   {t.Context(), []provider.Repair{atMost(50)}, both},
	} {
		if diff := cmp.Diff(test.want, repaired(test.ctx, &b, test.more...)); diff != "" {
			t.Errorf("%s: repairs (-want +got):\n%s", name, diff)
		}
	}
	b.Forget(a, atMost(50))
	if diff := cmp.Diff([]string{string(atMost(100)), string(ofHistory)}, repaired(a, &b)); diff != "" {
		t.Errorf("after one was forgotten (-want +got):\n%s", diff)
	}
}

func TestLessonLastsADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var known, again lesson.Book
		known.Add(t.Context(), atMost(100))
		again.Add(t.Context(), atMost(100))
		time.Sleep(24*time.Hour - 1)
		if got := repaired(t.Context(), &known); len(got) != 1 || again.Add(t.Context(), atMost(100)) {
			t.Errorf("after almost a day, repairs %q, want one, and that it is not new", got)
		}
		time.Sleep(time.Nanosecond)
		if got := repaired(t.Context(), &known); len(got) != 0 || !again.Add(t.Context(), atMost(100)) {
			t.Errorf("after a day, repairs %q, want none, and that it is new", got)
		}
	})
}

// The least useful of 64 lessons makes room: one of a session, or else the oldest.
func TestBookHoldsTheMostUsefulLessons(t *testing.T) {
	for name, test := range map[string]struct {
		sessionAt int // which of the lessons is of a session; 0 for none
		kept      int
		dropped   provider.Repair
	}{
		"the oldest goes":                 {0, 2, atMost(1)},
		"that of a session goes, if last": {64, 1, ofHistory},
		"that of a session goes":          {30, 1, ofHistory},
	} {
		synctest.Test(t, func(t *testing.T) {
			var b lesson.Book
			a := in(t, "a")
			for i := 1; i <= 65; i++ {
				r := atMost(i)
				if i == test.sessionAt {
					r = ofHistory
				}
				b.Add(a, r)
				time.Sleep(time.Second)
			}
			if b.Add(a, atMost(test.kept)) {
				t.Errorf("%s: lesson %d is gone", name, test.kept)
			}
			if !b.Add(a, test.dropped) {
				t.Errorf("%s: %s is kept", name, test.dropped)
			}
		})
	}
}
