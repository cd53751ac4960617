package virtual_test

import (
	"flag"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/virtual"
)

func TestADayTakesNoTime(t *testing.T) {
	real := time.Now()
	var began time.Time
	var took time.Duration
	if err := virtual.Run(func() {
		began = time.Now()
		time.Sleep(24 * time.Hour)
		took = time.Since(began)
	}); err != nil {
		t.Fatal(err)
	}
	if want := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC); !began.Equal(want) || took != 24*time.Hour {
		t.Errorf("began at %v and took %v, want %v and a day", began, took, want)
	}
	if time.Since(real) > time.Hour {
		t.Error("the real clock has moved")
	}
}

func TestPanicsAndLeftGoroutinesAreErrors(t *testing.T) {
	for name, test := range map[string]struct {
		run  func()
		want string
	}{
		"panic":          {func() { panic("secret") }, "virtual: panic: a value of type string"},
		"left":           {func() { go func() { select {} }() }, "goroutines are left"},
		"panic and left": {func() { go func() { select {} }(); panic("secret") }, "virtual: panic: "},
		"none":           {func() {}, ""},
		"left asleep":    {func() { go time.Sleep(time.Hour) }, "goroutines are left"},
		"waited for":     {func() { go time.Sleep(time.Hour); time.Sleep(2 * time.Hour) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			err := virtual.Run(test.run)
			switch {
			case test.want == "" && err != nil, test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("error %v, want %q", err, test.want)
			case err != nil && strings.Contains(err.Error(), "secret"):
				t.Errorf("error %v quotes the panic's value", err)
			}
		})
	}
}

func TestSeveralRunsAtTheSameTime(t *testing.T) {
	var wg sync.WaitGroup
	errs := make([]error, 4)
	for i := range errs {
		wg.Go(func() {
			errs[i] = virtual.Run(func() {
				for range 100 {
					time.Sleep(time.Minute)
				}
			})
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
}

// A command that uses Run gets neither flags nor output of package testing. The program of
// this test is one: it is built without a test's main function.
func TestNothingOfPackageTestingLeaks(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "run", "./testdata/program").CombinedOutput()
	if err != nil || string(out) != "flags 0, slept 1h0m0s, error virtual: panic: a value of type string\n" {
		t.Errorf("error %v, output:\n%s", err, out)
	}
	if flag.Lookup("test.v") == nil {
		t.Error("this test does not know the flags that it looks for")
	}
}
