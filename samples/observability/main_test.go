package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/adk-fallback/adk-fallback/internal/alerts"
	"github.com/adk-fallback/adk-fallback/internal/promtool"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// played returns what the sample prints in virtual time, and then what it serves at some paths.
func played(t *testing.T, paths ...string) (out string, pages []string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		server := fallbacktest.NewPipeServer()
		defer server.Close()
		server.Strict()
		d, err := open(t.Context(), server)
		if err != nil {
			t.Fatal(err)
		}
		defer d.close()
		var screen bytes.Buffer
		if err := d.play(t.Context(), &screen, 2*time.Second); err != nil {
			t.Fatal(err)
		}
		for _, violation := range server.Violations() {
			t.Error(violation)
		}
		out = screen.String()
		for _, path := range paths {
			w := httptest.NewRecorder()
			d.handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
			if w.Code != http.StatusOK {
				t.Errorf("%s: status %d", path, w.Code)
			}
			pages = append(pages, w.Body.String())
		}
	})
	return out, pages
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The README shows what the sample prints.
func TestReadmeShowsWhatIsPrinted(t *testing.T) {
	out, _ := played(t)
	if !strings.Contains(read(t, "README.md"), "```text\n"+out+"```\n") {
		t.Errorf("README.md lacks this output:\n%s", out)
	}
}

// After the outage, the metrics and the debug page are there to be read.
func TestMetricsAndPageAreServed(t *testing.T) {
	_, pages := played(t, "/metrics", "/debug/fallback/")
	if want := `fallback_calls_total{deferred="false",degraded="deferred-answer",`; !strings.Contains(pages[0], want) {
		t.Errorf("the metrics lack %s:\n%s", want, pages[0])
	}
	if !strings.Contains(pages[1], primary) || !strings.Contains(pages[1], fallback) {
		t.Error("the page does not show the models")
	}
}

// rules.yaml is what adk-fallback alerts makes from fallback.yaml. B142
func TestRulesAreThoseOfThePolicy(t *testing.T) {
	p, err := spec.Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	want, err := alerts.Rules(p, "fallback.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), read(t, "rules.yaml")); diff != "" {
		t.Errorf("rules.yaml (-want +got); run adk-fallback alerts fallback.yaml --output rules.yaml\n%s", diff)
	}
	if out, err := promtool.Run(t, "check", "config", "--lint-fatal", "prometheus.yml"); err != nil {
		t.Errorf("promtool check config: %v\n%s", err, out)
	}
}
