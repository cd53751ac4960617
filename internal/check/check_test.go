package check_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/check"
	"github.com/adk-fallback/adk-fallback/internal/llmtest"
)

func TestNotNegative(t *testing.T) {
	for _, value := range []time.Duration{0, 1} {
		if err := check.NotNegative("cache: Config.TTL", value, "0 or more"); err != nil {
			t.Errorf("%v: error %v, want none", value, err)
		}
	}
	err := check.NotNegative("cache: Config.TTL", -time.Second, "0 or more")
	if want := "cache: Config.TTL: -1s is negative; must be 0 or more"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestModel(t *testing.T) {
	flash := llmtest.NewModel("flash", llmtest.Text("hi"))
	for name, test := range map[string]struct {
		model model.LLM
		want  any
	}{
		"a model":           {flash, nil},
		"nil":               {nil, "cache: Cache: the model is nil"},
		"nil in a variable": {(*llmtest.Model)(nil), "cache: Cache: the model is nil"},
	} {
		if got := panicOf(func() { check.Model("cache: Cache", test.model) }); got != test.want {
			t.Errorf("%s: panics with %v, want %v", name, got, test.want)
		}
	}
}

func TestMust(t *testing.T) {
	if got := check.Must("made", nil); got != "made" {
		t.Errorf("got %q, want what was made", got)
	}
	if got := panicOf(func() { check.Must("", errors.New("cache: wrong")) }); fmt.Sprint(got) != "cache: wrong" {
		t.Errorf("panics with %v, want the error", got)
	}
}

// panicOf returns what f panics with.
func panicOf(f func()) (got any) {
	defer func() { got = recover() }()
	f()
	return nil
}
