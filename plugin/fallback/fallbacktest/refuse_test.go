package fallbacktest_test

import (
	"fmt"
	"strings"
	"testing"

	ft "github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
)

// A step that no server can play is refused where it is written, not in a handler's goroutine.
func TestImpossibleStepIsRefusedWhereItIsMade(t *testing.T) {
	for name, tt := range map[string]struct {
		make func()
		want string // the panic names what was given and what is allowed
	}{
		"status too small":     {func() { ft.Status(99, "") }, "Status code is 99: allowed are 200 to 599"},
		"informational":        {func() { ft.Status(199, "") }, "Status code is 199"},
		"status too large":     {func() { ft.Status(600, "") }, "Status code is 600"},
		"no function":          {func() { ft.Func(nil) }, "Func's function is nil"},
		"smallest allowed":     {func() { ft.Status(200, "") }, ""},
		"largest allowed":      {func() { ft.Status(599, "") }, ""},
		"function that is one": {func() { ft.Func(func(ft.Request) ft.Step { return ft.Empty() }) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				got := ""
				if r := recover(); r != nil {
					got = fmt.Sprint(r)
				}
				if (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
					t.Errorf("panic %q, want %q", got, tt.want)
				}
			}()
			tt.make()
		})
	}
}
